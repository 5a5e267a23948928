"""The backend for Macs with Apple silicon: the image tower in Core ML, never the text tower.

ONNX Runtime's Core ML provider (`onnx.CORE_ML`) is the alternative. It needs no package and no extra. But it splits a
graph at every unknown operator and copies between the parts, it translates the graph again in each process, and it keeps
the graph's float32, which the neural engine does not support, so that Core ML uses the CPU or the GPU. A package converted
once from torch is one program with fixed shapes and half precision. This is from the documentation of both, not measured;
`backend_comparison` compares and times them on the user's machine, and takes the faster one.

Loaded by one process only: importing coremltools takes 3.3 seconds, and Core ML compiles the package for each owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from picsight_engine.bundles.bundle import IMAGE_PACKAGE
from picsight_engine.foundation.errors import BundleError
from picsight_engine.runtime.unit_rows import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle, ImageSpec

BATCH = 8


class CoreMLImageEncoder:
    """An image tower as `image.mlpackage`, with any names of input and output."""

    def __init__(self, bundle: Bundle) -> None:
        """Loads the package.

        Raises:
            BundleError: the package is missing or damaged, or does not fit the bundle's manifest.
        """
        self._spec = bundle.image_spec()
        self._dim = bundle.manifest.dim
        self._path = bundle.folder / IMAGE_PACKAGE
        try:
            from coremltools import ComputeUnit  # 3.3 s, and torch where that is installed
            from coremltools.models import MLModel

            # The neural engine, for which these towers are made: the GPU stays free for the window, and a photo's vector
            # does not depend on which of the two was free.
            self._model = MLModel(str(self._path), compute_units=ComputeUnit.CPU_AND_NE)
            description = self._model.get_spec().description
        # coremltools, where it can be imported, and Core ML raise any exception.
        except Exception as fault:
            raise self._fault("cannot be loaded", fault) from fault
        self._source, self._target = self._ports(description)

    def encode(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeds preprocessed photos: [n, 3, size, size] → [n, dim], rows of unit length; a photo's vector does not depend on its neighbours.

        Raises:
            BundleError: Core ML cannot run the package.
        """
        try:
            vectors = embed(self._model.predict, pictures(pixels, self._spec), self._source, self._target)
        except Exception as fault:  # as above
            raise self._fault("cannot be run", fault) from fault
        return unit_rows(vectors, (len(pixels), self._dim), self._path)

    def _ports(self, description: Any) -> tuple[str, str]:
        """The names of the only input, a picture, and of the only output, an array."""
        size = self._spec.size
        entries, results = description.input, description.output
        if len(entries) == len(results) == 1:
            image, array = entries[0].type, results[0].type
            fits = (
                image.WhichOneof("Type") == "imageType"
                and (image.imageType.width, image.imageType.height) == (size, size)
                and array.WhichOneof("Type") == "multiArrayType"
                and list(array.multiArrayType.shape)
                in ([1, self._dim], [])  # Apple's own leave the shape out
            )
            if fits:
                return str(entries[0].name), str(results[0].name)
        raise BundleError(
            "The model file {path} does not fit its manifest: it does not turn one picture of {size} by {size} "
            "pixels into {dim} numbers; install the model again.",
            path=self._path,
            size=size,
            dim=self._dim,
        )

    def _fault(self, what: str, fault: Exception) -> BundleError:
        reason = str(fault).strip().split("\n")[0].rstrip(".")
        return BundleError(
            "The model file {path} {what} ({reason}); install the model again.",
            path=self._path,
            what=what,
            reason=reason,
        )


def pictures(pixels: NDArray[np.float32], spec: ImageSpec) -> list[Image.Image]:
    """Converts pixels [n, 3, size, size] of `preprocess` back to the exact 8-bit RGB squares, which Core ML needs."""
    values = np.asarray(pixels, dtype=np.float32).transpose(0, 2, 3, 1)
    if spec.std is not None:
        values = values * np.asarray(spec.std, dtype=np.float32)
    if spec.mean is not None:
        values = values + np.asarray(spec.mean, dtype=np.float32)
    colours = np.rint(values * 255).clip(0, 255).astype(np.uint8)  # [n, size, size, 3]
    return [Image.fromarray(each) for each in colours]


def embed(
    predict: Callable[[list[dict[str, Image.Image]]], Sequence[Mapping[str, NDArray[Any]]]],
    squares: Sequence[Image.Image],
    source: str,
    target: str,
) -> NDArray[np.float32]:
    """The model's vectors [n, dim], with eight pictures per call.

    Each is copied before the next call, because Core ML returns views of memory that it reuses.
    """
    rows: list[NDArray[np.float32]] = []
    for start in range(0, len(squares), BATCH):
        answers = predict([{source: square} for square in squares[start : start + BATCH]])
        rows += [np.array(answer[target], dtype=np.float32).reshape(-1) for answer in answers]
    return np.stack(rows)
