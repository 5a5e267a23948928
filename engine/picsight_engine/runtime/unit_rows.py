"""Normalises rows for cosines, and detects rows without a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.errors import BundleError, VectorError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def unit_rows(vectors: NDArray[np.float32], shape: tuple[int, int], file: Path) -> NDArray[np.float32]:
    """A tower's output rows at unit length; many published graphs do not normalise.

    Raises:
        BundleError: they have another shape than [n, dim].
        VectorError: one has no direction.
    """
    if vectors.shape != shape:
        raise BundleError(
            "The model file {file} gives vectors of shape {found} instead of {shape}; install the model again.",
            file=file,
            found=str(vectors.shape),
            shape=str(shape),
        )
    flaw = flaw_of(vectors)
    if flaw is not None:
        raise VectorError(
            "The model file {file} gives {flaw}, as where weights are missing; get the model again, or choose another one.",
            file=file,
            flaw=flaw,
        )
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def flaw_of(vectors: NDArray[np.float32]) -> str | None:
    """The fault of the worst of the rows [n, dim]; None if every row has a direction."""
    if np.isnan(vectors).any():
        return "no numbers (NaN)"
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(lengths).all():
        return "infinite numbers"
    return None if lengths.all() else "vectors of length zero"
