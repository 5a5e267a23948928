"""The scores of a library's photos for a tag, and how well the tag has learnt. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from picsight_engine.tags.scoring import TagScorer, TrainingSet


@dataclass(frozen=True, slots=True)
class Preview:
    """Every visible photo with its score; `accepted` and `rejected` are decided photos or examples, with any score."""

    ids: NDArray[np.int64]  # [n]
    scores: NDArray[np.float32]  # [n], 0 to 1
    accepted: frozenset[int]
    rejected: frozenset[int]
    threshold: float

    def inside(self, threshold: float | None = None) -> list[int]:
        """The photos that would be in the tag, most likely first."""
        least = self.threshold if threshold is None else threshold
        kept = (self.scores >= least) & ~self._among(self.rejected) | self._among(self.accepted)
        rows = np.flatnonzero(kept)
        return self._photos(rows[np.argsort(-self.scores[rows], kind="stable")])

    def border(self, most: int, threshold: float | None = None) -> list[int]:
        """The undecided photos nearest to the threshold, nearest first, half from above and half from below if possible."""
        least = self.threshold if threshold is None else threshold
        rows = np.flatnonzero(~self._among(self.accepted | self.rejected))
        distances = np.abs(self.scores[rows] - least)
        rows, distances = rows[(order := np.argsort(distances, kind="stable"))], distances[order]
        above = self.scores[rows] >= least
        places = np.empty(len(rows), np.intp)  # the rank of each row on its side of the threshold
        places[above], places[~above] = np.arange(above.sum()), np.arange((~above).sum())
        chosen = np.sort(np.lexsort((distances, places))[: max(most, 0)])
        return self._photos(rows[chosen])

    def _among(self, photos: frozenset[int]) -> NDArray[np.bool_]:
        return np.isin(self.ids, np.fromiter(photos, np.int64))

    def _photos(self, rows: NDArray[np.intp]) -> list[int]:
        found: list[int] = self.ids[rows].tolist()
        return found


Confidence = Literal["learning", "not sure", "fairly sure", "quite sure"]

ENOUGH = 5  # decisions; fewer give no estimate
_PARTS = 8  # folds of the cross-validation
_ONE_SIDED = 1.2816  # standard deviations of a one-sided 90% bound
_QUITE, _FAIRLY = 0.8, 0.6


@dataclass(frozen=True, slots=True)
class Statistics:
    """How well a tag agrees with the decisions.

    `precision` is the share of accepted photos among the decided suggestions, None without any. `right` counts the decided
    photos that the tag judges right in cross-validation. The tag is "quite sure" if, at 90% confidence, it judges four of
    five photos of either side right, and "fairly sure" for three of five; while "learning" it needs `more` decisions.
    `border` are the undecided photos nearest to its threshold.
    """

    decided: int
    accepted: int
    rejected: int
    precision: float | None
    right: int
    confidence: Confidence
    more: int
    border: tuple[int, ...]


def cross_validate(scorer: TagScorer, training: TrainingSet, decided: frozenset[int]) -> dict[int, float]:
    """The cross-validated score of every decided photo, learnt from the words and the photos of the other folds."""
    # Accepted photos first, so that no fold consists of one kind only.
    dealt = [
        photo for kind in (training.alike, training.unlike) for photo in sorted(kind) if photo in decided
    ]
    parts, scores = min(_PARTS, len(dealt)), dict[int, float]()
    for part in range(parts):
        left_out = set(dealt[part::parts])
        rest = replace(
            training,
            alike=tuple(photo for photo in training.alike if photo not in left_out),
            unlike=tuple(photo for photo in training.unlike if photo not in left_out),
        )
        scores |= scorer.scores_for(scorer.train(rest), left_out)
    return scores


def confidence(right: tuple[int, int], wrong: tuple[int, int]) -> Confidence:
    """How sure a tag is, by the numbers (accepted, rejected) of photos that it judged right and wrong."""
    if sum(right) + sum(wrong) < ENOUGH:
        return "learning"
    worse = min(_at_least(good, good + bad) for good, bad in zip(right, wrong, strict=True))
    return "quite sure" if worse >= _QUITE else "fairly sure" if worse >= _FAIRLY else "not sure"


def confusion(
    scores: Mapping[int, float], accepted: frozenset[int], threshold: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The numbers (accepted, rejected) of photos on the right side of the threshold, and of those on the wrong side."""
    high = [photo for photo, score in scores.items() if score >= threshold]
    right_inside = sum(photo in accepted for photo in high)
    inside = sum(photo in accepted for photo in scores)
    wrong_others = len(high) - right_inside
    return (right_inside, len(scores) - inside - wrong_others), (inside - right_inside, wrong_others)


def _at_least(good: int, number: int) -> float:
    """Wilson's lower bound, at 90% confidence, of a share observed as `good` of `number`."""
    if not number:
        return 0.0
    share, square = good / number, _ONE_SIDED**2 / number
    spread = _ONE_SIDED * math.sqrt(share * (1 - share) / number + square / (4 * number))
    return (share + square / 2 - spread) / (1 + square)
