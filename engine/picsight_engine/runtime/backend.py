"""The backends of image towers; `backend_comparison` selects the one that runs a bundle here."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle


class ImageEncoder(Protocol):
    """An image tower."""

    def encode(self, pixels: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Embeds preprocessed photos: [n, 3, size, size] → [n, dim], rows of unit length."""
        ...


class Backend(Enum):
    """The backends that can run an image tower."""

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
    from picsight_engine.runtime.onnx import CORE_ML, OnnxImageEncoder  # imports onnxruntime: 230 ms

    return OnnxImageEncoder(bundle, threads, CORE_ML if backend is Backend.PROVIDER else None)
