"""Retrieval: how often a caption finds its photo, and a photo one of its captions, among the first 1, 5 and 10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEPTHS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Recall:
    """Percent of queries answered within the first 1, 5 and 10."""

    at_1: float
    at_5: float
    at_10: float


def retrieval(
    photos: NDArray[np.float32], texts: NDArray[np.float32], owner: NDArray[np.int64]
) -> tuple[Recall, Recall]:
    """Text→image and image→text recall of unit vectors [n, dim] and [m, dim]; text j belongs to photo `owner[j]`.

    Equal scores count against the model: a query's rank is the number of wrong answers that score no less.
    """
    scores = texts @ photos.T  # [m, n]
    right = scores[np.arange(len(texts)), owner]
    ranks = (scores >= right[:, None]).sum(1) - 1
    found = np.array([_rank_of_photo(scores[:, photo], owner == photo) for photo in np.unique(owner)])
    return _recall(ranks), _recall(found)


def recall_of_any(
    photos: NDArray[np.float32], texts: NDArray[np.float32], right: NDArray[np.bool_]
) -> Recall:
    """Text→image recall of unit vectors where several photos may be `right` [m, n]: the first of them counts.

    Equal scores count against the model here too.
    """
    scores = texts @ photos.T  # [m, n]
    best = np.where(right, scores, -np.inf).max(1)
    return _recall(((scores >= best[:, None]) & ~right).sum(1))


def _rank_of_photo(scores: NDArray[np.float32], own: NDArray[np.bool_]) -> int:
    return int((scores[~own] >= scores[own].max()).sum())


def _recall(ranks: NDArray[np.int64]) -> Recall:
    return Recall(*(round(100 * float((ranks < depth).mean()), 2) for depth in DEPTHS))
