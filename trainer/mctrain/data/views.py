"""Views of a photo: how they are drawn, and the numbers from which they are made again, in their public form.

Crops have the distribution of torchvision's RandomResizedCrop and operations that of its RandAugment; each view has a seed
of its own. A public record has a slot for each step that was drawn, in the order in which they are applied: the crop, the
mirroring where that is configured, the operations where there are any. A step that was left out has `null` in its slot.
"""

from __future__ import annotations

import hashlib
import json
import math
import reprlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.recipes.tables import Augmentation


_RATIOS = (3 / 4, 4 / 3)  # of a crop's width to its height
_TRIES = 10
_OPERATIONS_A_VIEW = 2


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `magnitude` is what is drawn, with either sign where `signed`; `least` to `most` is all 31 bins."""

    name: str
    magnitude: float
    least: float
    most: float
    signed: bool

    def takes(self, magnitude: float) -> bool:
        """Whether some bin of this operation reaches as far."""
        strength = abs(magnitude) if self.signed else magnitude
        return self.least <= strength <= self.most * (1 + _ROUNDING)


PUBLIC_SIZE = 224  # pixels of the view that magnitudes of translations refer to
_ROUNDING = 1e-6  # of float32
_TRANSLATION = 150 / 331 * PUBLIC_SIZE

# The fourteen operations of RandAugment by their public ids, at magnitude 9 of 31 bins. Magnitudes are float32 in torchvision,
# and written in their shortest form, as published records have them.
OPERATIONS = (
    Operation("Identity", 0.0, 0.0, 0.0, signed=False),
    Operation("ShearX", 0.09, 0.0, 0.3, signed=True),  # tangent of the angle
    Operation("ShearY", 0.09, 0.0, 0.3, signed=True),
    Operation("TranslateX", 30.453173, 0.0, _TRANSLATION, signed=True),  # pixels of a view of PUBLIC_SIZE
    Operation("TranslateY", 30.453173, 0.0, _TRANSLATION, signed=True),
    Operation("Rotate", 9.0, 0.0, 30.0, signed=True),  # degrees, counter-clockwise
    Operation("Brightness", 0.26999998, 0.0, 0.9, signed=True),  # factor minus 1
    Operation("Color", 0.26999998, 0.0, 0.9, signed=True),
    Operation("Contrast", 0.26999998, 0.0, 0.9, signed=True),
    Operation("Sharpness", 0.26999998, 0.0, 0.9, signed=True),
    Operation("Posterize", 7.0, 4.0, 8.0, signed=False),  # bits that are kept
    Operation("Solarize", 178.5, 0.0, 255.0, signed=False),  # pixels from here on are inverted
    Operation("AutoContrast", 0.0, 0.0, 0.0, signed=False),
    Operation("Equalize", 0.0, 0.0, 0.0, signed=False),
)


class Crop(NamedTuple):
    """What is cut out, in pixels of the photo as it was when the view was drawn."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class DrawnView:
    """One view: cut out, brought to size, mirrored where `flip`, then the operations as (id, signed magnitude)."""

    crop: Crop | None  # None is the whole photo
    flip: bool = False
    operations: tuple[tuple[int, float], ...] = ()

    def fits(self, width: int, height: int) -> bool:
        """Whether the crop lies inside a photo of this size; beyond its edge torchvision would paint black."""
        if self.crop is None:
            return True
        top, left, rows, columns = self.crop
        inside = top >= 0 and left >= 0 and top + rows <= height and left + columns <= width
        return inside and rows > 0 and columns > 0


@dataclass(frozen=True, slots=True)
class Slots:
    """Which slots a public record has after that of the crop."""

    flip: bool
    operations: bool


def rescaled(view: DrawnView, from_size: tuple[int, int], to_size: tuple[int, int]) -> DrawnView:
    """The view for a photo that is now `to_size` and was `from_size` (width, height), in which it fits, when it was drawn."""
    if view.crop is None or from_size == to_size:
        return view
    top, left, height, width = view.crop
    first, columns = _rescaled(left, width, from_size[0], to_size[0])
    upper, rows = _rescaled(top, height, from_size[1], to_size[1])
    return replace(view, crop=Crop(upper, first, rows, columns))


def _rescaled(start: int, length: int, before: int, now: int) -> tuple[int, int]:
    """Start and length on an axis of another length, at least a pixel."""
    begin = min(round(start * now / before), now - 1)
    end = max(round((start + length) * now / before), begin + 1)
    return begin, end - begin


def write_views(views: Sequence[DrawnView], slots: Slots) -> str:
    """The public form of a photo's views, a JSON text; in a shard that is a string inside JSON."""
    return json.dumps([_public(view, slots) for view in views], separators=(",", ":"))


def _public(view: DrawnView, slots: Slots) -> list[object]:
    if (view.flip and not slots.flip) or (view.operations and not slots.operations):
        raise ValueError(f"{view} does not go into {slots}")
    record: list[object] = [view.crop]
    if slots.flip:
        record.append(view.flip or None)
    if slots.operations:
        record.append(view.operations or None)
    return record


def parse_views(param_aug: object, where: str) -> tuple[DrawnView, ...]:
    """The views of a photo from its public record, a JSON text or the list in it: both are published.

    Raises:
        DataError: it is no such record; the sentence says where and why.
    """
    try:
        records = json.loads(param_aug) if isinstance(param_aug, str) else param_aug
        if not isinstance(records, list) or not records:
            raise ValueError("no list of views")  # noqa: TRY301 (one sentence for all)
        return tuple(map(_parse_view, records))
    except (ValueError, RecursionError) as fault:
        raise DataError(f"The augmentations of {where} cannot be read: {fault}; make them anew.") from fault


def _parse_view(record: object) -> DrawnView:
    """Slots are told apart by what they hold, so that no settings are needed to read."""
    match record:
        case [crop]:
            return DrawnView(_parse_crop(crop))
        case [crop, None | True as flip]:
            return DrawnView(_parse_crop(crop), flip is True)
        case [crop, list() as operations]:
            return DrawnView(_parse_crop(crop), operations=tuple(map(_parse_operation, operations)))
        case [crop, None | True as flip, None | list() as operations]:
            return DrawnView(_parse_crop(crop), flip is True, tuple(map(_parse_operation, operations or ())))
    raise ValueError(f"no crop, mirroring and operations but {reprlib.repr(record)}")


def _parse_crop(slot: object) -> Crop | None:
    if slot is None:
        return None
    if isinstance(slot, list) and len(slot) == 4 and all(type(number) is int for number in slot):
        crop = Crop(*slot)
        if min(crop.top, crop.left) >= 0 and min(crop.height, crop.width) > 0:
            return crop
    raise ValueError(f"no crop [top, left, height, width] but {reprlib.repr(slot)}")


def _parse_operation(operation: object) -> tuple[int, float]:
    match operation:
        case [int() as number, int() | float() as magnitude] if not isinstance(number, bool):
            if 0 <= number < len(OPERATIONS) and OPERATIONS[number].takes(magnitude):
                return number, float(magnitude)
    raise ValueError(f"no operation of RandAugment's but {reprlib.repr(operation)}")


def slots_of(settings: Augmentation) -> Slots:
    """What the public records of such views hold beside the crop."""
    return Slots(flip=settings.mirror, operations=settings.kind == "strong")


def draw_views(settings: Augmentation, key: str, seed: int, width: int, height: int) -> tuple[DrawnView, ...]:
    """The views of a photo of this size."""
    return tuple(draw_view(settings, key, seed, number, (width, height)) for number in range(settings.views))


def draw_view(settings: Augmentation, key: str, seed: int, number: int, size: tuple[int, int]) -> DrawnView:
    """A view of a photo of this size (width, height), one of as many as are wanted; the first, number 0, is the whole photo.

    It depends on the seed, the photo's key and its own number, on nothing else.
    """
    width, height = size
    if number == 0 or settings.kind == "none":
        return DrawnView(Crop(0, 0, height, width))
    return _draw(settings, _generator(seed, key, number), width, height)


def _generator(seed: int, key: str, number: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}/{number}/{key}".encode(errors="surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def _draw(settings: Augmentation, chance: np.random.Generator, width: int, height: int) -> DrawnView:
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
    return DrawnView(crop, settings.mirror and bool(chance.integers(2)), operations)


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
