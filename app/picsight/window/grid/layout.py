"""Where each photo of a wall lies: rows of even width from the photos' shapes alone. Pure numbers, no widgets."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NARROWEST, WIDEST = 0.5, 3.0


@dataclass(frozen=True, slots=True)
class Measure:
    """What a layout is made for, in logical pixels: the width to fill, the height wanted for a row, the gap."""

    width: int
    row: int
    gap: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The place of one photo, from the top left of the wall."""

    x: int
    y: int
    width: int
    height: int


def clamped(width: int, height: int) -> float:
    """The shape in which a photo is shown: its width by its height, between 1:2 and 3:1."""
    return min(max(width / height if width > 0 and height > 0 else 1.0, NARROWEST), WIDEST)


def running_sums(shapes: Iterable[float]) -> array[float]:
    """sums[k] is the shapes of the first k photos added up, [n + 1]: a row's shape is one subtraction."""
    return array("d", accumulate(shapes, initial=0.0))


@dataclass(frozen=True, slots=True)
class Rows:
    """A finished layout: row r holds the photos starts[r] to starts[r + 1] from tops[r] on, heights[r] high.

    `laid` photos have a place; where that is not all of them, `height` is an estimate for all.
    """

    sums: array[float]
    measure: Measure
    starts: array[int]  # [rows + 1]
    tops: array[int]
    heights: array[int]
    height: int

    @property
    def laid(self) -> int:
        """How many photos have a place."""
        return self.starts[-1]

    @property
    def complete(self) -> bool:
        """True if every photo has a place."""
        return self.laid == len(self.sums) - 1

    def row_of(self, photo: int) -> int:
        """The row in which a laid photo lies."""
        return bisect_right(self.starts, photo) - 1

    def row_at(self, y: int) -> int:
        """The row at a height, or the one below where `y` is in a gap; the last one where it is under all."""
        ends = bisect_right(self.tops, y) - 1
        if ends < 0:
            return 0
        below = y >= self.tops[ends] + self.heights[ends] and ends + 1 < len(self.tops)
        return ends + 1 if below else ends

    def photos_between(self, top: int, bottom: int) -> range:
        """The photos of all rows that touch the band from `top` to `bottom`."""
        if not self.tops or bottom < top:
            return range(0)
        last = max(bisect_right(self.tops, bottom) - 1, 0)
        first = self.row_at(top)
        return range(self.starts[min(first, last)], self.starts[last + 1])

    def cell(self, photo: int) -> Cell | None:
        """The place of a photo, or None while it has none."""
        if not 0 <= photo < self.laid:
            return None
        row = self.row_of(photo)
        start, end, gap = self.starts[row], self.starts[row + 1], self.measure.gap
        shape = self.sums[end] - self.sums[start]
        exact = self._exact_height(row, shape, end - start)
        left = round((self.sums[photo] - self.sums[start]) * exact) + gap * (photo - start)
        right = round((self.sums[photo + 1] - self.sums[start]) * exact) + gap * (photo - start)
        return Cell(left, self.tops[row], max(right - left, 1), self.heights[row])

    def photo_at(self, x: int, y: int) -> int | None:
        """The photo under a point, None in the gaps."""
        if not self.tops:
            return None
        row = self.row_at(y)
        for photo in range(self.starts[row], self.starts[row + 1]):
            cell = self.cell(photo)
            if cell and cell.x <= x < cell.x + cell.width:
                return photo if cell.y <= y < cell.y + cell.height else None
        return None

    def neighbour(self, photo: int, rows: int, x: int) -> int:
        """The photo so many rows further down (negative: up) whose middle is nearest to `x`."""
        row = min(max(self.row_of(photo) + rows, 0), len(self.tops) - 1)
        return min(range(self.starts[row], self.starts[row + 1]), key=lambda k: abs(self._middle(k) - x))

    def _middle(self, photo: int) -> float:
        cell = self.cell(photo)
        return cell.x + cell.width / 2 if cell else 0.0

    def _exact_height(self, row: int, shape: float, count: int) -> float:
        """The height before rounding at which the row fills the width; the last row keeps the wanted one."""
        full = (self.measure.width - self.measure.gap * (count - 1)) / shape
        is_last = self.complete and row == len(self.tops) - 1
        return min(full, self.measure.row) if is_last else full


def justify(sums: array[float], measure: Measure, stop: int | None = None) -> Rows:
    """Break the photos into rows of the measure's width, each as near to the wanted height as can be, in order.

    The last row is not stretched. With `stop` only about so many photos are laid and the height is estimated: the
    same rows that a whole layout starts with.
    """
    count, gap = len(sums) - 1, measure.gap
    starts, tops, heights = array("l", [0]), array("l"), array("l")
    reach = (measure.width + gap) / measure.row  # about how much shape a row takes
    begin, top, limit = 0, 0, count if stop is None else min(stop, count)
    while begin < limit:
        end = _row_end(sums, measure, begin, reach)
        if end >= count and begin > 0 and stop is not None and stop < count:
            break
        height = _row_height(sums, measure, begin, end)
        starts.append(end)
        tops.append(top)
        heights.append(height)
        begin, top = end, top + height + gap
    height = max(top - gap, 0)
    if 0 < begin < count:
        height = round(height * sums[count] / sums[begin])
    return Rows(sums, measure, starts, tops, heights, height)


def _row_end(sums: array[float], measure: Measure, begin: int, reach: float) -> int:
    """One past the last photo of the row that starts at `begin`: the break whose height is nearest to the wanted."""
    count, row, gap, width = len(sums) - 1, measure.row, measure.gap, measure.width
    base = sums[begin]
    end = min(max(bisect_left(sums, base + reach, begin + 1, count + 1), begin + 1), count)
    while end > begin + 1 and (sums[end] - base) * row + gap * (end - begin - 1) > width:
        end -= 1
    while end < count and (sums[end + 1] - base) * row + gap * (end - begin) <= width:
        end += 1
    if end == count:
        return end
    loose = (width - gap * (end - begin - 1)) / (sums[end] - base)
    tight = (width - gap * (end - begin)) / (sums[end + 1] - base)
    return end + 1 if tight > 0 and row / tight < loose / row else end


def _row_height(sums: array[float], measure: Measure, begin: int, end: int) -> int:
    full = (measure.width - measure.gap * (end - begin - 1)) / (sums[end] - sums[begin])
    return max(round(min(full, measure.row) if end == len(sums) - 1 else full), 1)
