"""How all photos stand to a tag while a person still moves its words, its photos and its threshold. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Preview:
    """Every visible photo with its score; `accepted` and `rejected` are decided, or examples, whatever they score."""

    ids: NDArray[np.int64]  # [n]
    scores: NDArray[np.float32]  # [n], 0 to 1
    accepted: frozenset[int]
    rejected: frozenset[int]
    threshold: float

    def inside(self, threshold: float | None = None) -> list[int]:
        """The photos that would be in the tag, the likeliest first."""
        least = self.threshold if threshold is None else threshold
        kept = (self.scores >= least) & ~self._among(self.rejected) | self._among(self.accepted)
        rows = np.flatnonzero(kept)
        return self._photos(rows[np.argsort(-self.scores[rows], kind="stable")])

    def border(self, most: int, threshold: float | None = None) -> list[int]:
        """Undecided photos nearest the threshold, the nearest first, as many from above as from below where there are."""
        least = self.threshold if threshold is None else threshold
        rows = np.flatnonzero(~self._among(self.accepted | self.rejected))
        distances = np.abs(self.scores[rows] - least)
        rows, distances = rows[(order := np.argsort(distances, kind="stable"))], distances[order]
        above = self.scores[rows] >= least
        places = np.empty(len(rows), np.intp)  # of each among those of its side
        places[above], places[~above] = np.arange(above.sum()), np.arange((~above).sum())
        chosen = np.sort(np.lexsort((distances, places))[: max(most, 0)])
        return self._photos(rows[chosen])

    def _among(self, photos: frozenset[int]) -> NDArray[np.bool_]:
        return np.isin(self.ids, np.fromiter(photos, np.int64))

    def _photos(self, rows: NDArray[np.intp]) -> list[int]:
        found: list[int] = self.ids[rows].tolist()
        return found
