"""The positions of a wall's photos: justified rows, computed from the photos' shapes. Pure numbers, no widgets."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NARROWEST, WIDEST = 0.5, 3.0
DAY_ABOVE, DAY_GAP = 1.625, 1.0  # em: the line with the days, and the extra gap between two days


@dataclass(frozen=True, slots=True)
class Measure:
    """The parameters of a layout in logical pixels: the width to fill, the wanted row height, the gap, one em."""

    width: int
    row: int
    gap: int
    em: int = 0

    @property
    def day_above(self) -> int:
        """The height of the line above a row that names days."""
        return round(DAY_ABOVE * self.em)

    @property
    def day_gap(self) -> int:
        """The space between two days of a row in addition to the gap."""
        return round(DAY_GAP * self.em)


@dataclass(frozen=True, slots=True)
class Block:
    """The photos from `start` on begin a new row, `above` em below the previous block; `row` is the height of their rows
    relative to the wanted height.
    """

    start: int
    above: float = 0.0
    row: float = 1.0


WHOLE = (Block(0),)


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of the photos in order.

    `sums[k]` is the sum of the first k aspect ratios, [n + 1]: a row's aspect ratio is one subtraction. `days` are the
    photos that begin a named day, ascending. With `one_row` only the first row is laid out.
    """

    sums: array[float]
    blocks: tuple[Block, ...] = WHOLE
    days: Sequence[int] = ()
    one_row: bool = False

    @classmethod
    def of(
        cls,
        shapes: Iterable[float],
        blocks: tuple[Block, ...] = WHOLE,
        days: Sequence[int] = (),
        *,
        one_row: bool = False,
    ) -> Shapes:
        """Sum up the aspect ratios."""
        return cls(array("d", accumulate(shapes, initial=0.0)), blocks, days, one_row)

    @property
    def count(self) -> int:
        """The number of photos."""
        return len(self.sums) - 1

    def new_days(self, begin: int, end: int) -> int:
        """The number of days that begin after photo `begin` and before photo `end`, each with an extra gap."""
        if not self.days or end <= begin:
            return 0
        return bisect_left(self.days, end) - bisect_right(self.days, begin)

    def names_day(self, begin: int, end: int) -> bool:
        """Whether a day begins with one of these photos."""
        return bool(self.days) and bisect_left(self.days, end) > bisect_left(self.days, begin)


def clamped(width: int, height: int) -> float:
    """The shown aspect ratio of a photo: its width by its height, between 1:2 and 3:1."""
    return min(max(width / height if width > 0 and height > 0 else 1.0, NARROWEST), WIDEST)


@dataclass(frozen=True, slots=True)
class RowLayout:
    """A finished layout: row r holds the photos starts[r] to starts[r + 1], has its top at tops[r] and the height
    heights[r], or exact[r] before rounding; the heading of block b begins at block_tops[b].

    `laid` photos have a place; if that is not all, `height` is an estimate for all.
    """

    shapes: Shapes
    measure: Measure
    starts: array[int]  # [rows + 1]
    tops: array[int]
    heights: array[int]
    exact: array[float]
    block_tops: array[int]
    height: int

    @property
    def laid(self) -> int:
        """The number of photos with a place."""
        return self.starts[-1]

    @property
    def complete(self) -> bool:
        """True if all photos to be laid out have a place."""
        return self.laid == self.shapes.count or self.shapes.one_row

    def row_of(self, photo: int) -> int:
        """The row of a photo with a place."""
        return bisect_right(self.starts, photo) - 1

    def row_at(self, y: int) -> int:
        """The row at `y`, or the one below it in a gap; the last one below all rows."""
        ends = bisect_right(self.tops, y) - 1
        if ends < 0:
            return 0
        below = y >= self.tops[ends] + self.heights[ends] and ends + 1 < len(self.tops)
        return ends + 1 if below else ends

    def block_at(self, y: int) -> int:
        """The block at `y`, including its heading; -1 above the first."""
        return bisect_right(self.block_tops, y) - 1

    def photos_between(self, top: int, bottom: int) -> range:
        """The photos of all rows that touch the band from `top` to `bottom`."""
        if not self.tops or bottom < top:
            return range(0)
        last = max(bisect_right(self.tops, bottom) - 1, 0)
        first = self.row_at(top)
        return range(self.starts[min(first, last)], self.starts[last + 1])

    def cell(self, photo: int) -> QRect | None:
        """The place of a photo, from the top left of the wall, or None if it has none yet."""
        if not 0 <= photo < self.laid:
            return None
        row = self.row_of(photo)
        start, sums, exact = self.starts[row], self.shapes.sums, self.exact[row]
        gaps = self.measure.gap * (photo - start)
        gaps += self.measure.day_gap * self.shapes.new_days(start, photo + 1)
        left = round((sums[photo] - sums[start]) * exact) + gaps
        right = round((sums[photo + 1] - sums[start]) * exact) + gaps
        return QRect(left, self.tops[row], max(right - left, 1), self.heights[row])

    def photo_at(self, x: int, y: int) -> int | None:
        """The photo under a point, None in the gaps."""
        if not self.tops:
            return None
        row = self.row_at(y)
        for photo in range(self.starts[row], self.starts[row + 1]):
            if (cell := self.cell(photo)) and cell.contains(x, y):
                return photo
        return None

    def neighbour(self, photo: int, rows: int, x: int) -> int:
        """The photo `rows` rows further down (negative: up) whose middle is nearest to `x`."""
        row = min(max(self.row_of(photo) + rows, 0), len(self.tops) - 1)
        return min(range(self.starts[row], self.starts[row + 1]), key=lambda k: abs(self._middle(k) - x))

    def _middle(self, photo: int) -> float:
        cell = self.cell(photo)
        return cell.x() + cell.width() / 2 if cell else 0.0


def justify(shapes: Shapes, measure: Measure, stop: int | None = None) -> RowLayout:
    """Break the photos in order into rows of the measure's width, each as near to the wanted height as possible.

    The last row of a block is not stretched. With `stop` only about that many photos are laid out, in the same rows as in
    a complete layout, and the height is estimated.
    """
    laying = _Laying(shapes, measure)
    limit = shapes.count if stop is None else min(stop, shapes.count)
    for number, block in enumerate(shapes.blocks):
        last = number + 1 == len(shapes.blocks)
        if block.start >= limit < shapes.count:
            break
        laying.lay(block, shapes.count if last else shapes.blocks[number + 1].start, limit)
    return laying.rows()


class _Laying:
    """A layout in progress."""

    def __init__(self, shapes: Shapes, measure: Measure) -> None:
        self._shapes, self._measure = shapes, measure
        self._starts, self._tops, self._heights = array("l", [0]), array("l"), array("l")
        self._exact, self._block_tops = array("d"), array("l")
        self._next = self._bottom = 0  # the top of the next row, and the height so far

    def lay(self, block: Block, end: int, limit: int) -> None:
        """Add the rows of a block, whose photos end before `end`, until `limit` photos have a place."""
        shapes, gap = self._shapes, self._measure.gap
        self._block_tops.append(self._next)
        top = self._bottom = self._next + round(block.above * self._measure.em)
        begin, wanted = block.start, max(round(self._measure.row * block.row), 1)
        reach = (self._measure.width + gap) / wanted  # about the aspect ratio of a row
        while begin < end and begin < limit:
            stop, exact = self._row(begin, end, wanted, reach)
            if shapes.names_day(begin, stop):
                top += self._measure.day_above
            height = max(round(exact), 1)
            self._starts.append(stop)
            self._tops.append(top)
            self._heights.append(height)
            self._exact.append(exact)
            self._bottom = top + height
            begin, top = stop, self._bottom + gap
            if shapes.one_row:
                break
        self._next = top

    def rows(self) -> RowLayout:
        """The layout so far, with the actual or estimated height of all photos."""
        shapes, laid, height = self._shapes, self._starts[-1], self._bottom
        if 0 < laid < shapes.count and not shapes.one_row:
            height = round(height * shapes.sums[shapes.count] / shapes.sums[laid])
        return RowLayout(
            shapes,
            self._measure,
            self._starts,
            self._tops,
            self._heights,
            self._exact,
            self._block_tops,
            height,
        )

    def _row(self, begin: int, end: int, wanted: int, reach: float) -> tuple[int, float]:
        """The end of the row that starts at `begin`, and its height: the break whose height is nearest to the wanted
        one.
        """
        sums, width, base = self._shapes.sums, self._measure.width, self._shapes.sums[begin]
        stop = min(max(bisect_left(sums, base + reach, begin + 1, end + 1), begin + 1), end)
        while stop > begin + 1 and (sums[stop] - base) * wanted + self._gaps(begin, stop) > width:
            stop -= 1
        while stop < end and (sums[stop + 1] - base) * wanted + self._gaps(begin, stop + 1) <= width:
            stop += 1
        loose = (width - self._gaps(begin, stop)) / (sums[stop] - base)
        if stop == end:
            return end, min(loose, wanted)
        tight = (width - self._gaps(begin, stop + 1)) / (sums[stop + 1] - base)
        if tight > 0 and wanted / tight < loose / wanted:
            return stop + 1, min(tight, wanted) if stop + 1 == end else tight
        return stop, loose

    def _gaps(self, begin: int, end: int) -> int:
        """The total width of the gaps in a row of these photos."""
        gaps = self._measure.gap * (end - begin - 1)
        if self._shapes.days:
            gaps += self._measure.day_gap * self._shapes.new_days(begin, end)
        return gaps
