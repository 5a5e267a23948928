"""Replays a view from its record, to the same pixels as torchvision's transforms of Pillow images.

They end in the same calls of Pillow, so torchvision, whose import takes seconds, is not needed.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Literal

import PIL
from PIL import ImageEnhance, ImageOps
from PIL.Image import Resampling, Transform, Transpose

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
    crop = image.crop((left, top, left + width, top + height))
    shown = crop.resize((size, size), Resampling[interpolation.upper()])
    if view.flip:
        shown = shown.transpose(Transpose.FLIP_LEFT_RIGHT)
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
    return {"Pillow": PIL.__version__}


def _shift(image: Image, right: float, down: float) -> Image:
    return _moved(image, (1, 0, -int(right), 0, 1, -int(down)))


def _moved(image: Image, matrix: tuple[float, ...]) -> Image:
    """Nearest-neighbour affine transform; pixels from outside the image are black."""
    return image.transform(image.size, Transform.AFFINE, matrix, Resampling.NEAREST)


def _slope(tangent: float) -> float:
    """The tangent as torchvision computes it, by way of the angle in degrees: the last bit decides which pixel is nearest."""
    angle = math.radians(math.degrees(math.atan(tangent)))
    return math.sin(angle) / math.cos(angle)


def _level(image: Image, tangent: float) -> Image:
    slope = math.tan(math.radians(math.degrees(math.atan(tangent))))
    return _moved(image, (1, slope, 0, 0, 1, 0))


_STEPS: dict[str, Callable[[Image, float], Image]] = {
    "Identity": lambda image, _: image,
    "ShearX": _level,
    "ShearY": lambda image, tangent: _moved(image, (1, 0, 0, _slope(tangent), 1, 0)),
    "TranslateX": lambda image, right: _shift(image, right, 0),
    "TranslateY": lambda image, down: _shift(image, 0, down),
    "Rotate": lambda image, degrees: image.rotate(degrees),
    "Brightness": lambda image, more: ImageEnhance.Brightness(image).enhance(1 + more),
    "Color": lambda image, more: ImageEnhance.Color(image).enhance(1 + more),
    "Contrast": lambda image, more: ImageEnhance.Contrast(image).enhance(1 + more),
    "Sharpness": lambda image, more: ImageEnhance.Sharpness(image).enhance(1 + more),
    "Posterize": lambda image, bits: ImageOps.posterize(image, int(bits)),
    "Solarize": ImageOps.solarize,  # type: ignore[dict-item]  # Pillow takes fractions too
    "AutoContrast": lambda image, _: ImageOps.autocontrast(image),
    "Equalize": lambda image, _: ImageOps.equalize(image),
}
