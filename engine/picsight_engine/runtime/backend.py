"""The two inference Protocols, and what stands behind them; `backend_choice` says which of it runs a bundle here.

Towers give rows of unit length, which cosines are made of; one that gives rows without a direction is found out.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from picsight_engine.errors import VectorError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle


class ImageEncoder(Protocol):
    """An image tower."""

    def encode(self, pixels: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Embeds preprocessed photos: [n, 3, size, size] → [n, dim], rows of unit length."""
        ...


class TextEncoder(Protocol):
    """A text tower."""

    def encode(self, ids: NDArray[np.int64], /) -> NDArray[np.float32]:
        """Embeds token ids: [n, tokens] → [n, dim], rows of unit length."""
        ...


class Backend(Enum):
    """What can run an image tower."""

    ONNX = "ONNX Runtime"
    COREML = "Core ML"
    PROVIDER = "Core ML through ONNX Runtime"


def load_image_encoder(bundle: Bundle, *, threads: int = 1, backend: Backend = Backend.ONNX) -> ImageEncoder:
    """The image tower alone; `threads` are for ONNX Runtime on the CPU.

    Raises:
        BundleError: the tower is missing or cannot be loaded, or the backend does not run here.
    """
    if backend is Backend.COREML:
        from picsight_engine.runtime.coreml import CoreMLImageEncoder  # imports coremltools: 3.3 s

        return CoreMLImageEncoder(bundle)
    from picsight_engine.runtime.onnx import (  # imports onnxruntime: 230 ms
        FixedImageEncoder,
        OnnxImageEncoder,
    )

    if backend is Backend.PROVIDER:
        return FixedImageEncoder(bundle)
    return OnnxImageEncoder(bundle, threads=threads)


def load_text_encoder(bundle: Bundle, *, threads: int = 2) -> TextEncoder:
    """The text tower alone; text always goes through ONNX Runtime, which starts five times faster than Core ML.

    Raises:
        BundleError: the tower is missing or its graph cannot be loaded.
    """
    from picsight_engine.runtime.onnx import OnnxTextEncoder  # imports onnxruntime: 230 ms

    return OnnxTextEncoder(bundle, threads=threads)


def unit_rows(vectors: NDArray[np.float32], file: Path) -> NDArray[np.float32]:
    """The rows [n, dim] that a tower's file gave, at unit length: graphs that others published leave that to their users.

    Raises:
        VectorError: one has no direction.
    """
    import numpy as np  # 60 ms that a list of models does not pay

    flaw = flaw_of(vectors)
    if flaw is not None:
        raise VectorError(
            f"The model file {file} gives {flaw}, as where weights are missing; get the model again, or choose another one."
        )
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def flaw_of(vectors: NDArray[np.float32]) -> str | None:
    """What the worst of the rows [n, dim] are instead of vectors with a direction; None where each is one."""
    import numpy as np  # as above

    if np.isnan(vectors).any():
        return "no numbers (NaN)"
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(lengths).all():
        return "infinite numbers"
    return None if lengths.all() else "vectors of length zero"
