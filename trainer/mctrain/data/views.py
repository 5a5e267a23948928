"""Draws views of a photo, and converts them to and from the public record format, from which they can be replayed.

Crops have the distribution of torchvision's RandomResizedCrop, operations that of its RandAugment; each view has its own
seed. A public record has a slot for each step, in the order of application: the crop, the flip if it is configured, and the
operations if there are any. A skipped step has `null` in its slot.
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


_RATIOS = (3 / 4, 4 / 3)  # of width to height
_TRIES = 10
_OPERATIONS_A_VIEW = 2


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `magnitude` is the value drawn, with a random sign if `signed`; the 31 bins span `least` to `most`."""

    name: str
    magnitude: float
    least: float
    most: float
    signed: bool

    def takes(self, magnitude: float) -> bool:
        """Whether the bins of this operation cover a magnitude."""
        strength = abs(magnitude) if self.signed else magnitude
        return self.least <= strength <= self.most * (1 + _ROUNDING)


PUBLIC_SIZE = 224  # pixels; the view size to which translations refer
_ROUNDING = 1e-6  # of float32
_TRANSLATION = 150 / 331 * PUBLIC_SIZE

# The fourteen operations of RandAugment by their public ids, at magnitude 9 of 31 bins. torchvision's magnitudes are float32,
# written here in their shortest form, as in published records.
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
    Operation("Posterize", 7.0, 4.0, 8.0, signed=False),  # bits kept
    Operation("Solarize", 178.5, 0.0, 255.0, signed=False),  # pixels from this value on are inverted
    Operation("AutoContrast", 0.0, 0.0, 0.0, signed=False),
    Operation("Equalize", 0.0, 0.0, 0.0, signed=False),
)


class Crop(NamedTuple):
    """A crop, in pixels of the photo from which the view was drawn."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class DrawnView:
    """One view: crop, resize, flip horizontally if `flip`, then the operations as (id, signed magnitude)."""

    crop: Crop | None  # None is the whole photo
    flip: bool = False
    operations: tuple[tuple[int, float], ...] = ()

    def fits(self, width: int, height: int) -> bool:
        """Whether the crop is inside a photo of this size; torchvision would pad the rest with black."""
        if self.crop is None:
            return True
        top, left, rows, columns = self.crop
        inside = top >= 0 and left >= 0 and top + rows <= height and left + columns <= width
        return inside and rows > 0 and columns > 0


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of a public record after the crop."""

    flip: bool
    operations: bool


def rescaled(view: DrawnView, from_size: tuple[int, int], to_size: tuple[int, int]) -> DrawnView:
    """Converts a view that fits a photo of `from_size` (width, height) to the same photo at `to_size`."""
    if view.crop is None or from_size == to_size:
        return view
    top, left, height, width = view.crop
    first, columns = _rescaled(left, width, from_size[0], to_size[0])
    upper, rows = _rescaled(top, height, from_size[1], to_size[1])
    return replace(view, crop=Crop(upper, first, rows, columns))


def _rescaled(start: int, length: int, before: int, now: int) -> tuple[int, int]:
    """Scales start and length from an axis of `before` pixels to one of `now`; the result is at least one pixel long."""
    begin = min(round(start * now / before), now - 1)
    end = max(round((start + length) * now / before), begin + 1)
    return begin, end - begin


def write_views(views: Sequence[DrawnView], slots: Slots) -> str:
    """The public record of a photo's views, as JSON text; a shard stores it as a string inside JSON."""
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
    """Parses the public record of a photo's views: JSON text or a list, both of which occur in public sets.

    Raises:
        DataError: the record is invalid; the message says where and why.
    """
    try:
        records = json.loads(param_aug) if isinstance(param_aug, str) else param_aug
        if not isinstance(records, list) or not records:
            raise ValueError("no list of views")  # noqa: TRY301 (one sentence for all)
        return tuple(map(_parse_view, records))
    except (ValueError, RecursionError) as fault:
        raise DataError(f"The augmentations of {where} cannot be read: {fault}; make them again.") from fault


def _parse_view(record: object) -> DrawnView:
    """Parses one view; the content of a slot shows its kind, so no settings are needed."""
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
    """The slots of records with these settings."""
    return Slots(flip=settings.mirror, operations=settings.kind == "strong")


def draw_views(settings: Augmentation, key: str, seed: int, width: int, height: int) -> tuple[DrawnView, ...]:
    """All views of a photo of this size in pixels."""
    return tuple(draw_view(settings, key, seed, number, (width, height)) for number in range(settings.views))


def draw_view(settings: Augmentation, key: str, seed: int, number: int, size: tuple[int, int]) -> DrawnView:
    """Draws the view with this number for a photo of this size (width, height); number 0 is the whole photo.

    The view depends only on the settings, the seed, the key, the number and the size.
    """
    width, height = size
    if number == 0 or settings.kind == "none":
        return DrawnView(Crop(0, 0, height, width))
    digest = hashlib.sha256(f"{seed}/{number}/{key}".encode(errors="surrogatepass")).digest()
    return _draw(settings, np.random.default_rng(int.from_bytes(digest, "little")), width, height)


def _draw(settings: Augmentation, chance: np.random.Generator, width: int, height: int) -> DrawnView:
    """Draws one view; the flip comes last, so that it does not change crop or operations."""
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
    """Like torchvision's RandomResizedCrop: draws area and aspect ratio until a crop fits; after ten tries, a centre crop."""
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
    """The largest crop whose aspect ratio is the photo's times a random ratio: at least three quarters of the photo."""
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
