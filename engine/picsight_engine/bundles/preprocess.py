"""Preprocesses an upright RGB picture for the image tower, exactly as the bundle's manifest says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import ImageSpec

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_MAX_PIXELS = 16_000_000  # 64 MB for a moment; at 224 pixels a picture may be 320 times as long as it is wide


def preprocess(image: Image.Image, spec: ImageSpec) -> NDArray[np.float32]:
    """The tower's input, [3, size, size]: resized once, scaled to 0 to 1, then normalised unless the graph does it.

    Equals torchvision's Resize and CenterCrop on the same pixels within 1/255.
    """
    square = _resize(image if image.mode == "RGB" else image.convert("RGB"), spec)
    # Band by band: interleaved values take five times as long.
    pixels = np.stack([np.asarray(band) for band in square.split()]).astype(np.float32)
    pixels /= np.float32(255)
    if spec.mean is not None:
        pixels -= np.asarray(spec.mean, dtype=np.float32)[:, None, None]
    if spec.std is not None:
        pixels /= np.asarray(spec.std, dtype=np.float32)[:, None, None]
    return pixels


def reduced_side(spec: ImageSpec) -> int:
    """The smallest short side, in pixels, that a reduced decode may have: from twice the input size on, the cosine of the
    embedding to that of the full picture is at least 0.998.
    """
    return 2 * spec.size


def _resize(image: Image.Image, spec: ImageSpec) -> Image.Image:
    size = spec.size
    resample = _FILTERS[spec.interpolation]
    if spec.resize == "squash":
        return image.resize((size, size), resample)
    short = min(image.size)
    width, height = (int(size * side / short) for side in image.size)  # torchvision rounds the long side down
    half = round if spec.crop == "centre" else int
    left, top = half((width - size) / 2.0), half((height - size) / 2.0)
    if width * height <= _MAX_PIXELS:
        return image.resize((width, height), resample).crop((left, top, left + size, top + size))
    # A panorama of 8000 by 2 would become one of 896,000 by 224. Resizing only its middle gives the same result except for
    # rounding, because the order in which Pillow resizes the axes depends on the sizes.
    across, down = image.width / width, image.height / height
    box = (left * across, top * down, (left + size) * across, (top + size) * down)
    return image.resize((size, size), resample, box=box)
