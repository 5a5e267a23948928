"""Retrieval: how often a text finds its photo, and a photo one of its texts, among the first 1, 5 and 10."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.evaluation.outcome import Outcome
from mctrain.evaluation.ranks import ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

DEPTHS = (1, 5, 10)
_FORTH, _BACK = "text to image", "image to text"


def retrieval(photos: Vectors, texts: Vectors, owner: NDArray[np.int64]) -> list[Outcome]:
    """Recall both ways and their mean at 1, of vectors [n, dim] and [m, dim] as they are ranked by; text j belongs to photo `owner[j]`.

    Of a photo's texts the first that is found counts; every photo must have one.
    """
    rows = np.arange(len(photos))
    forth = ranks(texts, photos, lambda block: owner[block, None] == rows)
    back = ranks(photos, texts, lambda block: rows[block, None] == owner)
    both, way = np.concatenate([forth, back]), np.repeat([0, 1], [len(texts), len(photos)])
    mean = Outcome("mean at 1", both < 1, np.concatenate([owner, rows]), way)
    others = len(texts) - int(np.bincount(owner).min())
    return [
        *_recalls(_FORTH, forth, owner, len(photos) - 1),
        *_recalls(_BACK, back, rows, others),
        mean,
    ]


def finding(photos: Vectors, texts: Vectors, owner: NDArray[np.int64], way: str = _FORTH) -> list[Outcome]:
    """Recall of texts alone; text j belongs to photo `owner[j]`, and `way` is what the figures are called."""
    found = ranks(texts, photos, lambda block: owner[block, None] == np.arange(len(photos)))
    return _recalls(way, found, owner, len(photos) - 1)


def searching(
    photos: Vectors, texts: Vectors, owner: NDArray[np.int64], right: NDArray[np.bool_]
) -> list[Outcome]:
    """Recall of texts for which several photos may be `right` [m, n]: the first of them counts."""
    found = ranks(texts, photos, lambda block: right[block])
    return _recalls(_FORTH, found, owner, int((~right).sum(1).max()))


def _recalls(way: str, found: NDArray[np.int64], photo: NDArray[np.int64], wrong: int) -> list[Outcome]:
    """`wrong` answers has a question at the most: a depth for all of them and a right one would be reached by any model."""
    depths = [depth for depth in DEPTHS if depth <= max(wrong, DEPTHS[0])]
    return [Outcome.plain(f"{way} at {depth}", found < depth, photo) for depth in depths]
