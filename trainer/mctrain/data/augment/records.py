"""A view of a photo as the numbers from which it is made again, and the public form in which such records are stored.

A public record has a slot for each step that was drawn, in the order in which they are applied: the crop, the mirroring
where that is configured, the operations where there are any. A step that was left out has `null` in its slot.
"""

from __future__ import annotations

import json
import reprlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from mctrain.data.augment.operations import OPERATIONS
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Crop(NamedTuple):
    """What is cut out, in pixels of the photo as it was when the view was drawn."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class View:
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


def rescaled(view: View, from_size: tuple[int, int], to_size: tuple[int, int]) -> View:
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


def write_views(views: Sequence[View], slots: Slots) -> str:
    """The public form of a photo's views, a JSON text; in a shard that is a string inside JSON."""
    return json.dumps([_public(view, slots) for view in views], separators=(",", ":"))


def _public(view: View, slots: Slots) -> list[object]:
    if (view.flip and not slots.flip) or (view.operations and not slots.operations):
        raise ValueError(f"{view} does not go into {slots}")
    record: list[object] = [view.crop]
    if slots.flip:
        record.append(view.flip or None)
    if slots.operations:
        record.append(view.operations or None)
    return record


def parse_views(param_aug: object, where: str) -> tuple[View, ...]:
    """The views of a photo from its public record, a JSON text or the list in it: both are published.

    Raises:
        DataError: it is no such record; the sentence says where and why.
    """
    records = _decoded(param_aug, where) if isinstance(param_aug, str) else param_aug
    if not isinstance(records, list) or not records:
        raise _fault(where, "are no list of records", param_aug)
    return tuple(_parse_view(record, where) for record in records)


def _decoded(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise _fault(where, "are no JSON", text) from fault


def _parse_view(record: object, where: str) -> View:
    """Slots are told apart by what they hold, so that no settings are needed to read."""
    match record:
        case [crop]:
            return View(_parse_crop(crop, where))
        case [crop, None | True as flip]:
            return View(_parse_crop(crop, where), flip is True)
        case [crop, operations]:
            return View(_parse_crop(crop, where), operations=_parse_operations(operations, where))
        case [crop, None | True as flip, operations]:
            return View(_parse_crop(crop, where), flip is True, _parse_operations(operations, where))
    raise _fault(where, "hold a record that is not a crop, a mirroring and operations", record)


def _parse_crop(slot: object, where: str) -> Crop | None:
    if slot is None:
        return None
    if isinstance(slot, list) and len(slot) == 4 and all(type(number) is int for number in slot):
        crop = Crop(*slot)
        if min(crop.top, crop.left) >= 0 and min(crop.height, crop.width) > 0:
            return crop
    raise _fault(where, "hold a crop that is not [top, left, height, width]", slot)


def _parse_operations(slot: object, where: str) -> tuple[tuple[int, float], ...]:
    if slot is None:
        return ()
    if not isinstance(slot, list):
        raise _fault(where, "hold operations that are no list", slot)
    return tuple(_parse_operation(operation, where) for operation in slot)


def _parse_operation(operation: object, where: str) -> tuple[int, float]:
    match operation:
        case [int() as number, int() | float() as magnitude] if not isinstance(number, bool):
            if 0 <= number < len(OPERATIONS) and OPERATIONS[number].takes(magnitude):
                return number, float(magnitude)
    raise _fault(where, "hold an operation that RandAugment cannot have drawn", operation)


def _fault(where: str, what: str, found: object) -> DataError:
    return DataError(f"The augmentations of {where} {what}: {reprlib.repr(found)}; make them anew.")
