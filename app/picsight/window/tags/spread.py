"""How photos score for a tag, as a person sees it: bars, what was decided, and how many a threshold lets in."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from math import log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BARS = 50


@dataclass(frozen=True, slots=True)
class Spread:
    """Scores from 0 to 1 of undecided photos in ascending order, and those of photos that a person decided on.

    Accepted photos are in the tag whatever the threshold is, rejected ones never.
    """

    undecided: Sequence[float] = ()
    accepted: Sequence[float] = ()
    rejected: Sequence[float] = ()

    def count_in(self, threshold: float) -> int:
        """How many photos are in the tag with this threshold."""
        return len(self.accepted) + len(self.undecided) - bisect_left(self.undecided, threshold)

    def bars(self) -> list[int]:
        """How many undecided photos lie in each of `BARS` equal parts from 0 to 1."""
        edges = [bisect_left(self.undecided, bar / BARS) for bar in range(BARS)]
        return [after - before for before, after in pairwise([*edges, len(self.undecided)])]

    def heights(self) -> list[float]:
        """The bars from 0 to 1, by the logarithm: nearly all photos of a library have nothing to do with a tag."""
        bars = [log1p(bar) for bar in self.bars()]
        most = max(bars, default=0) or 1
        return [bar / most for bar in bars]
