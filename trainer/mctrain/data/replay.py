"""Replays a view from its record, with torchvision's operations on Pillow images.

This module imports torchvision, which takes 1,030 ms on top of torch; drawing and storing records do not need it.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Literal

import PIL
import torchvision
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as pixels

from mctrain.data.views import OPERATIONS, PUBLIC_SIZE
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from mctrain.data.views import DrawnView

_MEASURED_IN_PIXELS = {"TranslateX", "TranslateY"}


def replay(
    image: Image, view: DrawnView, size: int, interpolation: Literal["bicubic", "bilinear"] = "bicubic"
) -> Image:
    """The view of an RGB photo, `size` pixels high and wide.

    Size and interpolation may differ between replays; translations scale with the size.

    Raises:
        DataError: the view does not lie inside the photo.
    """
    if not view.fits(*image.size):
        raise DataError(
            f"A view of a photo of {image.width} by {image.height} pixels reaches beyond its edge ({view.crop}); "
            "it was drawn from the photo in another size, or from another photo."
        )
    top, left, height, width = view.crop or (0, 0, image.height, image.width)
    resampling = InterpolationMode(interpolation)
    shown: Image = pixels.resized_crop(
        image, top, left, height, width, [size, size], resampling, antialias=True
    )
    if view.flip:
        shown = pixels.hflip(shown)
    for number, magnitude in view.operations:
        name = OPERATIONS[number].name
        scale = size / PUBLIC_SIZE if name in _MEASURED_IN_PIXELS else 1.0
        shown = _STEPS[name](shown, magnitude * scale)
    return shown


def picture_digest(image: Image) -> str:
    """The SHA-256 of the RGB pixels, to check that a replayed view is identical."""
    return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()


def versions() -> dict[str, str]:
    """The versions of the libraries that determine the pixels of a view."""
    return {"Pillow": PIL.__version__, "torchvision": torchvision.__version__}


def _affine(
    image: Image,
    *,
    shear: tuple[float, float] = (0.0, 0.0),
    translate: tuple[int, int] = (0, 0),
    center: list[int] | None = None,
) -> Image:
    """Nearest-neighbour affine transform; pixels from outside the image are black."""
    moved: Image = pixels.affine(
        image, angle=0.0, translate=list(translate), scale=1.0, shear=list(shear), center=center
    )
    return moved


def _degrees(tangent: float) -> float:
    return math.degrees(math.atan(tangent))


_STEPS: dict[str, Callable[[Image, float], Image]] = {
    "Identity": lambda image, _: image,
    "ShearX": lambda image, tangent: _affine(image, shear=(_degrees(tangent), 0.0), center=[0, 0]),
    "ShearY": lambda image, tangent: _affine(image, shear=(0.0, _degrees(tangent)), center=[0, 0]),
    "TranslateX": lambda image, right: _affine(image, translate=(int(right), 0)),
    "TranslateY": lambda image, down: _affine(image, translate=(0, int(down))),
    "Rotate": pixels.rotate,
    "Brightness": lambda image, more: pixels.adjust_brightness(image, 1 + more),
    "Color": lambda image, more: pixels.adjust_saturation(image, 1 + more),
    "Contrast": lambda image, more: pixels.adjust_contrast(image, 1 + more),
    "Sharpness": lambda image, more: pixels.adjust_sharpness(image, 1 + more),
    "Posterize": lambda image, bits: pixels.posterize(image, int(bits)),
    "Solarize": pixels.solarize,
    "AutoContrast": lambda image, _: pixels.autocontrast(image),
    "Equalize": lambda image, _: pixels.equalize(image),
}
