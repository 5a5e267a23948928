"""From an upright RGB picture to the image tower's input, exactly as the bundle's manifest says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.models.bundle import ImageSpec

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def preprocess(image: Image.Image, spec: ImageSpec) -> NDArray[np.float32]:
    """The tower's input, [3, size, size]: resized once, scaled to 0 to 1, then by mean and std where the graph does not.

    Equals torchvision's Resize and CenterCrop on the same pixels within 1/255.
    """
    square = _resize(image if image.mode == "RGB" else image.convert("RGB"), spec)
    pixels: NDArray[np.float32] = np.asarray(square, dtype=np.float32) / np.float32(255)  # [size, size, 3]
    if spec.mean is not None:
        pixels -= np.asarray(spec.mean, dtype=np.float32)
    if spec.std is not None:
        pixels /= np.asarray(spec.std, dtype=np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def reduced_side(spec: ImageSpec) -> int:
    """The smallest short side, in pixels, that a reduced decode may have: from twice the input size on, the embedding
    keeps a cosine of 0.998 and more to the one of the full picture.
    """
    return 2 * spec.size


def _resize(image: Image.Image, spec: ImageSpec) -> Image.Image:
    size = spec.size
    if spec.resize == "squash":
        box = (0.0, 0.0, float(image.width), float(image.height))
    else:
        box = _centre_box(image.width, image.height, size)
    return image.resize((size, size), _FILTERS[spec.interpolation], box=box)


def _centre_box(width: int, height: int, size: int) -> tuple[float, float, float, float]:
    """The part of a picture that stays when its short side becomes `size` and the centre square is cut out.

    Cutting before resizing gives the same pixels, and a panorama of 8000 by 2 does not become one of 1,024,000 by 256.
    """
    short = min(width, height)
    spans = []
    for side in (width, height):
        resized = int(size * side / short)  # torchvision rounds the long side down
        first = round((resized - size) / 2.0)
        spans.append((first * side / resized, (first + size) * side / resized))
    (left, right), (top, bottom) = spans
    return left, top, right, bottom
