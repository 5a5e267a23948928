"""The two inference Protocols, and the one choice of what runs a bundle on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from picsight_engine.models.agreement import LEAST_COSINE, Machine, holds_package, read_verdict

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


class Backend(Enum):
    """What can run an image tower."""

    ONNX = "ONNX Runtime"
    COREML = "Core ML"


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend of an image tower, and why in one sentence for a person."""

    backend: Backend
    sentence: str


def choose_image_backend(bundle: Bundle, machine: Machine | None = None) -> Choice:
    """What runs the bundle's image tower over a whole library: Core ML only where it was seen to agree.

    Core ML takes seconds to start and wants one owner, so this is for the encoder process of an indexing run; whoever
    needs a few vectors takes `load_image_encoder` as it is.
    """
    machine = machine or Machine.this()
    if not holds_package(bundle):
        return Choice(Backend.ONNX, "Photos are read by ONNX Runtime.")
    if not machine.apple_silicon:
        return Choice(
            Backend.ONNX, "Photos are read by ONNX Runtime: Core ML needs a Mac with Apple's own processor."
        )
    if not machine.coremltools:
        return Choice(
            Backend.ONNX,
            "Photos are read by ONNX Runtime: for Core ML install Picsight with the extra coreml.",
        )
    verdict = read_verdict(bundle, machine)
    if verdict is None:
        return Choice(
            Backend.ONNX,
            "Photos are read by ONNX Runtime: Core ML was not compared with it on this system yet.",
        )
    if not verdict.agreed:
        reason = verdict.fault or f"eight photos agree only to {verdict.least:.3f}, {LEAST_COSINE} is needed"
        return Choice(
            Backend.ONNX,
            f"Photos are read by ONNX Runtime, because Core ML is not right here: {reason.rstrip('.')}.",
        )
    return Choice(Backend.COREML, f"Photos are read by Core ML, which agrees to {verdict.least:.3f}.")


def load_image_encoder(bundle: Bundle, *, threads: int = 1, backend: Backend = Backend.ONNX) -> ImageEncoder:
    """The image tower alone; `threads` are for ONNX Runtime.

    Raises:
        BundleError: the tower is missing or cannot be loaded.
    """
    if backend is Backend.COREML:
        from picsight_engine.models.coreml import CoreMLImageEncoder  # imports coremltools: 3.3 s

        return CoreMLImageEncoder(bundle)
    from picsight_engine.models.onnx import OnnxImageEncoder  # imports onnxruntime: 230 ms

    return OnnxImageEncoder(bundle, threads=threads)


def load_text_encoder(bundle: Bundle, *, threads: int = 2) -> TextEncoder:
    """The text tower alone; text always goes through ONNX Runtime, which starts five times faster than Core ML.

    Raises:
        BundleError: the tower is missing or its graph cannot be loaded.
    """
    from picsight_engine.models.onnx import OnnxTextEncoder  # imports onnxruntime: 230 ms

    return OnnxTextEncoder(bundle, threads=threads)
