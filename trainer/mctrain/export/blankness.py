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


def fit_blankness(photos: Vectors, blanks: Vectors, things: Vectors) -> Blankness:
    """Of unit vectors [n, dim] of photos, [b, dim] of pictures that show nothing, [m, dim] of words that ask for something.

    The direction is Fisher's linear discriminant, along which the means of both kinds are 1 apart; none of these photos
    lies beyond the cut, and words ask for blanks that are nearer to the blanks' mean than any thing is.
    """
    middle, there = photos.mean(axis=0), blanks.mean(axis=0)
    within = (np.cov(photos.T) + np.cov(blanks.T)) / 2
    axis = np.linalg.solve(within + _RIDGE * np.eye(len(middle)), there - middle)
    axis /= (there - middle) @ axis
    mean = there / np.linalg.norm(there)
    return Blankness(
        direction=vector_text(axis),
        cut=round(float((photos @ axis).max()), 4),
        weight=_WEIGHT,
        mean=vector_text(mean),
        asked=round(float((things @ mean).max()), 4),
    )
