"""Draws the views of a photo: the distributions of torchvision's RandomResizedCrop and RandAugment, a seed per view."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.augment.operations import OPERATIONS
from mctrain.data.augment.records import Crop, Slots, View

if TYPE_CHECKING:
    from mctrain.recipes.tables import Augmentation

_RATIOS = (3 / 4, 4 / 3)  # of a crop's width to its height
_TRIES = 10
_OPERATIONS_A_VIEW = 2


def slots_of(settings: Augmentation) -> Slots:
    """What the public records of such views hold beside the crop."""
    return Slots(flip=settings.mirror, operations=settings.kind == "strong")


def draw_views(settings: Augmentation, key: str, seed: int, width: int, height: int) -> tuple[View, ...]:
    """The views of a photo of this size."""
    return tuple(draw_view(settings, key, seed, number, (width, height)) for number in range(settings.views))


def draw_view(settings: Augmentation, key: str, seed: int, number: int, size: tuple[int, int]) -> View:
    """A view of a photo of this size (width, height), one of as many as are wanted; the first, number 0, is the whole photo.

    It depends on the seed, the photo's key and its own number, on nothing else.
    """
    width, height = size
    if number == 0 or settings.kind == "none":
        return View(Crop(0, 0, height, width))
    return _draw(settings, _generator(seed, key, number), width, height)


def _generator(seed: int, key: str, number: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}/{number}/{key}".encode(errors="surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def _draw(settings: Augmentation, chance: np.random.Generator, width: int, height: int) -> View:
    """One view; mirroring is drawn last, so that it changes neither crop nor operations."""
    match settings.kind:
        case "strong" | "weak":
            crop = _random_crop(chance, width, height, settings.least_area)
        case "aspect":
            crop = _stretched_crop(chance, width, height)
        case "none":
            raise AssertionError("the whole photo is its only view")
    operations = tuple(
        _draw_operation(chance) for _ in range(_OPERATIONS_A_VIEW * slots_of(settings).operations)
    )
    return View(crop, settings.mirror and bool(chance.integers(2)), operations)


def _random_crop(chance: np.random.Generator, width: int, height: int, least: float) -> Crop:
    """As torchvision's RandomResizedCrop: an area, then a ratio, until a crop fits; after ten tries the middle."""
    for _ in range(_TRIES):
        area = width * height * chance.uniform(least, 1.0)
        ratio = _log_uniform(chance)
        columns, rows = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < columns <= width and 0 < rows <= height:
            return _placed(chance, width, height, columns, rows)
    narrowest, widest = _RATIOS
    columns, rows = width, height
    if width / height < narrowest:
        rows = round(width / narrowest)
    elif width / height > widest:
        columns = round(height * widest)
    return Crop((height - rows) // 2, (width - columns) // 2, rows, columns)


def _stretched_crop(chance: np.random.Generator, width: int, height: int) -> Crop:
    """As much of the photo as proportions leave that are its own times a ratio: at least three quarters."""
    ratio = _log_uniform(chance)
    columns = max(1, round(width * min(ratio, 1.0)))
    rows = max(1, round(height / max(ratio, 1.0)))
    return _placed(chance, width, height, columns, rows)


def _log_uniform(chance: np.random.Generator) -> float:
    return math.exp(chance.uniform(math.log(_RATIOS[0]), math.log(_RATIOS[1])))


def _placed(chance: np.random.Generator, width: int, height: int, columns: int, rows: int) -> Crop:
    top = int(chance.integers(height - rows + 1))
    left = int(chance.integers(width - columns + 1))
    return Crop(top, left, rows, columns)


def _draw_operation(chance: np.random.Generator) -> tuple[int, float]:
    number = int(chance.integers(len(OPERATIONS)))
    operation = OPERATIONS[number]
    negative = operation.signed and bool(chance.integers(2))
    return number, -operation.magnitude if negative else operation.magnitude
