"""The views of a photo that are cached: the whole photo, its mirror image, and crops drawn from the photo's own key."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import PIL.Image
import PIL.ImageOps

WHOLE, MIRRORED = 0, 1  # views 2 and up are random crops


def view(image: PIL.Image.Image, key: str, number: int, least: float) -> PIL.Image.Image:
    """One view of a photo, always the same for the same key and number.

    `least` is the smallest share of the photo's area that a crop may keep, 0 to 1.
    """
    if number == WHOLE:
        return image
    if number == MIRRORED:
        return PIL.ImageOps.mirror(image)
    return _crop(image, _generator(key, number), least)


def _crop(image: PIL.Image.Image, draw: np.random.Generator, least: float) -> PIL.Image.Image:
    """A crop of at least `least` of the area, up to a quarter wider or narrower, mirrored half of the time."""
    area = draw.uniform(least, 1.0)
    stretch = math.exp(draw.uniform(-math.log(1.25), math.log(1.25)))
    width = min(image.width, round(image.width * math.sqrt(area * stretch)))
    height = min(image.height, round(image.height * math.sqrt(area / stretch)))
    left = int(draw.integers(0, image.width - width + 1))
    top = int(draw.integers(0, image.height - height + 1))
    cropped = image.crop((left, top, left + width, top + height))
    return PIL.ImageOps.mirror(cropped) if draw.random() < 0.5 else cropped


def _generator(key: str, number: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{key}/{number}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))
