"""Vectors like those of photos: a common direction, groups that look alike, and half precision."""

from __future__ import annotations

import numpy as np

from picsight_engine.vectors.int8 import quantize
from picsight_engine.vectors.matrix import Rows

DIM = 32


def photos_like(seed, count, dim=DIM):
    """Unit vectors [count, dim], all a little alike, in groups that are more so."""
    random = np.random.default_rng(seed)
    groups = np.random.default_rng(0).normal(size=(8, dim))
    vectors = (
        0.4 * groups[0] + groups[random.integers(8, size=count)] + 0.7 * random.normal(size=(count, dim))
    )
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def rows_of(vectors):
    """The resident rows of these vectors, without files."""
    originals = vectors.astype(np.float16)
    codes, scales = quantize(originals)
    return Rows(np.arange(1, len(vectors) + 1), scales, codes, originals, None)
