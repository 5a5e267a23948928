"""Writes towers as Core ML packages, on any system; only a Mac can run them.

The image tower takes an 8-bit RGB picture, which Core ML scales to 0 to 1. It supports one scale for all colours, so the
program itself applies the mean and deviation of the three colours.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from mctrain.errors import TrainerError
from picsight_engine.bundles.bundle import IMAGE_PACKAGE, TEXT_PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.bundles.bundle import ImageSpec, TextSpec

IMAGE_INPUT = "image"  # the name in Apple's packages
TEXT_INPUT = "text"
_DEBUG = "executorch_debug_handle_mapping.json"  # only of use to executorch
# the summed squares of a long embedding overflow float16
_FULL_PRECISION = frozenset({"reduce_l2_norm", "reduce_sum_square"})


@dataclass(frozen=True, slots=True)
class Packages:
    """The towers to write as Core ML packages beside their ONNX graphs."""

    image: bool = False
    text: bool = False

    def provenance(self) -> dict[str, str]:
        """The converter's version, for the manifest."""
        return {"coremltools": metadata.version("coremltools")} if self.image or self.text else {}


NO_PACKAGES = Packages()


class FromPicture(nn.Module):
    """An image tower that applies the mean and deviation itself, instead of the engine's preprocessing."""

    mean: Tensor
    factor: Tensor

    def __init__(self, tower: nn.Module, spec: ImageSpec) -> None:
        super().__init__()
        self.tower = tower
        self.plain = spec.mean is None and spec.std is None
        self.register_buffer("mean", torch.tensor(spec.mean or (0.0,) * 3).reshape(1, 3, 1, 1))
        self.register_buffer("factor", 1 / torch.tensor(spec.std or (1.0,) * 3).reshape(1, 3, 1, 1))

    def forward(self, values: Tensor) -> Tensor:
        """Colours from 0 to 1, [1, 3, size, size] → [1, dim]."""
        return cast("Tensor", self.tower(values if self.plain else (values - self.mean) * self.factor))


def write_image_package(tower: nn.Module, spec: ImageSpec, work: Path) -> list[str]:
    """Writes `image.mlpackage` into `work`: a picture of the spec's size → vector [1, dim]; names its files.

    `tower` takes what the engine's preprocessing makes, [n, 3, size, size], and is folded already.

    Raises:
        TrainerError: coremltools is not installed.
    """
    tools = _coremltools()
    shape = (1, 3, spec.size, spec.size)
    entry = tools.ImageType(name=IMAGE_INPUT, shape=shape, scale=1 / 255, color_layout=tools.colorlayout.RGB)
    return _write(FromPicture(tower, spec), torch.zeros(shape), entry, spec.output, work / IMAGE_PACKAGE)


def write_text_package(tower: nn.Module, spec: TextSpec, work: Path) -> list[str]:
    """Writes `text.mlpackage` into `work`: ids, int32 [1, context], padded → vector [1, dim]; names its files.

    Raises:
        TrainerError: coremltools is not installed.
    """
    tools = _coremltools()
    example = torch.full((1, spec.context), spec.pad_id, dtype=torch.int32)
    example[0, :2] = spec.eot
    entry = tools.TensorType(name=TEXT_INPUT, shape=tuple(example.shape), dtype=np.int32)
    return _write(tower, example, entry, spec.output, work / TEXT_PACKAGE)


def _write(module: nn.Module, example: Tensor, entry: Any, output: str, target: Path) -> list[str]:
    tools = _coremltools()
    # MultiHeadAttention's fast path has no Core ML form
    cast("Any", torch.backends).mha.set_fastpath_enabled(False)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")  # torch warns of its exporter, the converter of a newer torch
        # exported, not traced: all lengths are then constants
        program = torch.export.export(module.eval(), (example,)).run_decompositions({})
        model = tools.convert(
            program,
            inputs=[entry],
            outputs=[tools.TensorType(name=output, dtype=np.float32)],
            convert_to="mlprogram",
            minimum_deployment_target=tools.target.iOS15,  # macOS 12: every Mac with Apple's own processor
            compute_precision=tools.transform.FP16ComputePrecision(
                op_selector=lambda operation: operation.op_type not in _FULL_PRECISION
            ),
            skip_model_load=True,
        )
        model.save(str(target))
    (target / _DEBUG).unlink(missing_ok=True)
    return sorted(path.relative_to(target.parent).as_posix() for path in target.rglob("*") if path.is_file())


def _coremltools() -> Any:
    """Imports the converter, without its warning that Linux cannot run the packages.

    Raises:
        TrainerError: it is not installed.
    """
    loggers = [logging.getLogger(name) for name in ("coremltools", "coremltools.libcoremlpython")]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            import coremltools  # 3.3 s
    except ModuleNotFoundError:
        raise TrainerError(
            "Core ML packages need coremltools: install Picsight with the extra coreml."
        ) from None
    return coremltools
