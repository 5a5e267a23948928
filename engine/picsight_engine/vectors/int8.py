"""8-bit quantisation with one scale per row: a quarter of the size of float32, for the scan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import simsimd

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 127


def quantize(
    vectors: NDArray[np.float32] | NDArray[np.float16],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantises vectors [n, dim] to codes int8 [n, dim] and scales float32 [n]; codes * scale approximates the vector."""
    values = np.nan_to_num(np.asarray(vectors, dtype=np.float32), nan=0, posinf=0, neginf=0)  # a damaged row
    scales = np.abs(values).max(axis=1) / np.float32(LARGEST)
    safe = np.where(scales > 0, scales, np.float32(1))  # a zero vector stays zero
    codes = np.rint(values / safe[:, None]).astype(np.int8)
    return codes, scales


def best_dots(
    codes: NDArray[np.int8], queries: NDArray[np.int8], scales: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The largest dot product of each row [n, dim] with any of the queries [m, dim], not multiplied by the row's scale: [n]."""
    dots = np.asarray(simsimd.cdist(codes, queries, "dot", out_dtype="float32"))  # [n, m]
    best: NDArray[np.float32] = dots[:, 0] * scales[0]
    for column in range(1, len(scales)):
        np.maximum(best, dots[:, column] * scales[column], out=best)
    return best


def rounding_error(row_scale: float, query_scale: float) -> float:
    """The standard error of a dot product of two quantised unit vectors.

    The error of each code is uniform within half a step (variance step² / 12), weighted by the other factor.
    """
    return math.sqrt((row_scale**2 + query_scale**2) / 12)
