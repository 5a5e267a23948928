"""The positions of a wall's photos: justified rows, computed from the photos' shapes. Pure numbers, no widgets."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NARROWEST, WIDEST = 0.5, 3.0
DAY_ABOVE, DAY_GAP = 1.625, 1.0  # em: the line with the days, and the extra gap between two days


@dataclass(frozen=True, slots=True)
class LayoutMetrics:
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
    def from_ratios(
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
    metrics: LayoutMetrics
    starts: array[int] = field(default_factory=lambda: array("l", [0]))  # [rows + 1]
    tops: array[int] = field(default_factory=lambda: array("l"))
    heights: array[int] = field(default_factory=lambda: array("l"))
    exact: array[float] = field(default_factory=lambda: array("d"))
    block_tops: array[int] = field(default_factory=lambda: array("l"))
    height: int = 0

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
        gaps = self.metrics.gap * (photo - start)
        gaps += self.metrics.day_gap * self.shapes.new_days(start, photo + 1)
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


def justify(shapes: Shapes, metrics: LayoutMetrics, stop: int | None = None) -> RowLayout:
    """Break the photos in order into rows of the given width, each as near to the wanted height as possible.

    The last row of a block is not stretched. With `stop` only about that many photos are laid out, in the same rows as in
    a complete layout, and the height is estimated.
    """
    rows, following, height = RowLayout(shapes, metrics), 0, 0
    limit = shapes.count if stop is None else min(stop, shapes.count)
    ends = (*(block.start for block in shapes.blocks[1:]), shapes.count)
    for block, end in zip(shapes.blocks, ends, strict=True):
        if block.start >= limit < shapes.count:
            break
        rows.block_tops.append(following)
        top = following + round(block.above * metrics.em)
        height, following = _lay(rows, block, end, limit, top)
    if 0 < rows.laid < shapes.count and not shapes.one_row:
        height = round(height * shapes.sums[shapes.count] / shapes.sums[rows.laid])
    return replace(rows, height=height)


def _lay(rows: RowLayout, block: Block, end: int, limit: int, top: int) -> tuple[int, int]:
    """Add the rows of a block, whose photos end before `end`, until `limit` photos have a place; return its bottom, and
    the top of the next row.
    """
    shapes, metrics, bottom = rows.shapes, rows.metrics, top
    begin, wanted = block.start, max(round(metrics.row * block.row), 1)
    while begin < end and begin < limit:
        stop, exact = _row(shapes, metrics, begin, end, wanted)
        if shapes.names_day(begin, stop):
            top += metrics.day_above
        height = max(round(exact), 1)
        rows.starts.append(stop)
        rows.tops.append(top)
        rows.heights.append(height)
        rows.exact.append(exact)
        bottom = top + height
        begin, top = stop, bottom + metrics.gap
        if shapes.one_row:
            break
    return bottom, top


def _row(shapes: Shapes, metrics: LayoutMetrics, begin: int, end: int, wanted: int) -> tuple[int, float]:
    """The end of the row that starts at `begin`, and its height: the break whose height is nearest to the wanted one."""
    sums, width, base = shapes.sums, metrics.width, shapes.sums[begin]
    reach = base + (width + metrics.gap) / wanted  # about the aspect ratio of a row
    stop = min(max(bisect_left(sums, reach, begin + 1, end + 1), begin + 1), end)
    while stop > begin + 1 and (sums[stop] - base) * wanted + _gaps(shapes, metrics, begin, stop) > width:
        stop -= 1
    while stop < end and (sums[stop + 1] - base) * wanted + _gaps(shapes, metrics, begin, stop + 1) <= width:
        stop += 1
    loose = (width - _gaps(shapes, metrics, begin, stop)) / (sums[stop] - base)
    if stop == end:
        return end, min(loose, wanted)
    tight = (width - _gaps(shapes, metrics, begin, stop + 1)) / (sums[stop + 1] - base)
    if tight > 0 and wanted / tight < loose / wanted:
        return stop + 1, min(tight, wanted) if stop + 1 == end else tight
    return stop, loose


def _gaps(shapes: Shapes, metrics: LayoutMetrics, begin: int, end: int) -> int:
    """The total width of the gaps in a row of these photos."""
    gaps = metrics.gap * (end - begin - 1)
    return gaps + metrics.day_gap * shapes.new_days(begin, end) if shapes.days else gaps
