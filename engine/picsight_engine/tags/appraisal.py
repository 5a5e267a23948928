"""How the photos of a library stand to a tag, and how well the tag has learnt. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from picsight_engine.tags.lesson import Lesson, Material


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


Sureness = Literal["learning", "not sure", "fairly sure", "quite sure"]

ENOUGH = 5  # decisions; of fewer nothing can be said
_PARTS = 8  # ... of the decisions, one of which is judged by what the others taught
_ONE_SIDED = 1.2816  # deviations that nine of ten estimates lie within, on one side
_QUITE, _FAIRLY = 0.8, 0.6


@dataclass(frozen=True, slots=True)
class Statistics:
    """What decisions say of a tag.

    `precision` is the share of accepted photos among the decided ones that had been suggested, None without any. `right`
    are the decided photos that the tag would have judged so by what the others taught it. It is quite sure where, nine
    to one, four of five photos of either side are judged right, fairly sure where three of five are; while it is
    "learning" it needs `more` decisions. `border` are undecided photos nearest its threshold.
    """

    decided: int
    accepted: int
    rejected: int
    precision: float | None
    right: int
    sure: Sureness
    more: int
    border: tuple[int, ...]


def judged(lesson: Lesson, material: Material, decided: frozenset[int]) -> dict[int, float]:
    """The score of every decided photo by what the words and the other photos taught."""
    # Accepted ones first, so that dealing them out in turn takes no part all of one kind.
    dealt = [
        photo for kind in (material.alike, material.unlike) for photo in sorted(kind) if photo in decided
    ]
    parts, scores = min(_PARTS, len(dealt)), dict[int, float]()
    for part in range(parts):
        left_out = set(dealt[part::parts])
        rest = replace(
            material,
            alike=tuple(photo for photo in material.alike if photo not in left_out),
            unlike=tuple(photo for photo in material.unlike if photo not in left_out),
        )
        scores |= lesson.scores_for(lesson.learnt(rest), left_out)
    return scores


def sureness(right: tuple[int, int], wrong: tuple[int, int]) -> Sureness:
    """How sure a tag is that has judged so many accepted and rejected photos right, and so many of both wrong."""
    if sum(right) + sum(wrong) < ENOUGH:
        return "learning"
    worse = min(_at_least(good, good + bad) for good, bad in zip(right, wrong, strict=True))
    return "quite sure" if worse >= _QUITE else "fairly sure" if worse >= _FAIRLY else "not sure"


def right_and_wrong(
    scores: Mapping[int, float], accepted: frozenset[int], threshold: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many accepted and rejected photos lie on their side of the threshold, and how many do not."""
    high = [photo for photo, score in scores.items() if score >= threshold]
    right_inside = sum(photo in accepted for photo in high)
    inside = sum(photo in accepted for photo in scores)
    wrong_others = len(high) - right_inside
    return (right_inside, len(scores) - inside - wrong_others), (inside - right_inside, wrong_others)


def _at_least(good: int, number: int) -> float:
    """The share that is this good at least, nine to one, where `good` of so many were (Wilson's lower bound)."""
    if not number:
        return 0.0
    share, square = good / number, _ONE_SIDED**2 / number
    spread = _ONE_SIDED * math.sqrt(share * (1 - share) / number + square / (4 * number))
    return (share + square / 2 - spread) / (1 + square)
