"""Fits what parts pictures that show nothing from photos, in the space of one bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.models.blankness import Blankness, vector_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_RIDGE = 1e-4  # beside the variance along directions in which neither kind varies
_WEIGHT = 0.3


def fit_blankness(photos: Vectors, blanks: Vectors, things: Vectors, asking: Vectors) -> Blankness:
    """Of unit vectors: photos [n, dim], pictures that show nothing [b, dim], words for something [m, dim], and for such pictures.

    Both directions are Fisher's linear discriminant, along which the means of both kinds are 1 apart. The cut for photos is
    at the farthest of these, to four digits; words ask for blanks beyond the middle between the two means.
    """
    axis, words = _discriminant(photos, blanks), _discriminant(things, asking)
    return Blankness(
        direction=vector_text(axis),
        cut=round(float((photos @ axis).max()), 4),
        weight=_WEIGHT,
        words=vector_text(words),
        asked=round(float((things.mean(axis=0) + asking.mean(axis=0)) @ words / 2), 4),
    )


def _discriminant(some: Vectors, others: Vectors) -> Vectors:
    """The direction [dim] from some vectors to others."""
    apart = others.mean(axis=0) - some.mean(axis=0)
    within = (np.cov(some.T) + np.cov(others.T)) / 2
    axis = np.linalg.solve(within + _RIDGE * np.eye(len(apart)), apart)
    direction: Vectors = axis / (apart @ axis)
    return direction
