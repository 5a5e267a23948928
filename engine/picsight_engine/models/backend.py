"""The two inference Protocols, and the one choice of what runs a bundle on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.models.bundle import Bundle


class ImageEncoder(Protocol):
    """An image tower."""

    def encode(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeds preprocessed photos: [n, 3, size, size] → [n, dim], rows of unit length."""
        ...


class TextEncoder(Protocol):
    """A text tower."""

    def encode(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embeds token ids: [n, tokens] → [n, dim], rows of unit length."""
        ...


def load_image_encoder(bundle: Bundle, *, threads: int = 1) -> ImageEncoder:
    """The image tower alone, on the backend that is right for this machine.

    Raises:
        BundleError: the tower is missing or its graph cannot be loaded.
    """
    from picsight_engine.models.onnx import OnnxImageEncoder  # imports onnxruntime: 230 ms

    return OnnxImageEncoder(bundle, threads=threads)


def load_text_encoder(bundle: Bundle, *, threads: int = 2) -> TextEncoder:
    """The text tower alone; text always goes through ONNX Runtime, which starts five times faster than Core ML.

    Raises:
        BundleError: the tower is missing or its graph cannot be loaded.
    """
    from picsight_engine.models.onnx import OnnxTextEncoder  # imports onnxruntime: 230 ms

    return OnnxTextEncoder(bundle, threads=threads)
