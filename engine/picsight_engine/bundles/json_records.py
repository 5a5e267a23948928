"""Reads records from untrusted JSON; an invalid value raises a ValueError that names it."""

from __future__ import annotations

import re
import reprlib
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import PurePosixPath
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import DataclassInstance

_Record = TypeVar("_Record", bound="DataclassInstance")
MODEL_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME = re.compile(r"[\w .,()+@=-]{1,200}", re.ASCII)
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def require(key: str, value: object, *, fits: bool) -> None:
    """Raises a ValueError that shows the value, unless it fits."""
    if not fits:
        raise ValueError(f"{key} is {reprlib.repr(value)}")


def read_record(kind: type[_Record], data: Any, key: str = "") -> _Record:
    """The dataclass of this kind that a JSON object describes; ignores unknown keys.

    A field may be annotated with its range, `Annotated[int, (least, most)]`, or with the pattern of its text.

    Raises:
        KeyError: a field without a default is missing.
        ValueError: a value is not of its type, or out of its range; the message begins with `key` and the field.
    """
    require(key, data, fits=isinstance(data, dict))
    hints = _types(kind)
    values = {}
    for each in fields(kind):
        if each.name in data or (each.default is MISSING and each.default_factory is MISSING):
            where = f"{key}.{each.name}" if key else each.name
            values[each.name] = _read_value(hints[each.name], data[each.name], where)
    return kind(**values)


@cache
def _types(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _read_value(kind: Any, value: Any, key: str) -> Any:
    """A value of a field's type, which may be a number, a text, a record, or a list or table of them."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        found, limits = _read_value(arguments[0], value, key), arguments[1]
        fits = limits.fullmatch(found) if isinstance(found, str) else limits[0] <= found <= limits[1]
        require(key, value, fits=bool(fits))
        return found
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{key} is {reprlib.repr(value)}, known are {', '.join(arguments)}")
        return value
    if NoneType in arguments:
        return None if value is None else _read_value(arguments[0], value, key)
    if origin is tuple:
        require(key, value, fits=isinstance(value, list))
        kinds = arguments[:1] * len(value) if arguments[-1] is ... else arguments
        require(key, value, fits=len(value) == len(kinds))
        return tuple(_read_value(kinds[place], each, f"{key}[{place}]") for place, each in enumerate(value))
    if origin is dict:
        require(key, value, fits=isinstance(value, dict))
        return {name: _read_value(arguments[1], each, f"{key}.{name}") for name, each in value.items()}
    return _read_plain(kind, value, key)


def _read_plain(kind: Any, value: Any, key: str) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        return read_record(kind, value, key)
    if kind is float:
        require(key, value, fits=type(value) in {int, float})
        return float(value)
    require(key, value, fits=kind is Any or type(value) is kind)  # true and false are not numbers here
    return value


def is_portable(name: str) -> bool:
    """Whether every system accepts this file or folder name: Windows rejects or changes "con" and "a."."""
    return bool(_NAME.fullmatch(name)) and not (_DEVICE.fullmatch(name) or name.endswith((".", " ")))


def is_model_name(name: str) -> bool:
    """Whether a model can be installed under this name."""
    return bool(MODEL_NAME.fullmatch(name)) and is_portable(name)


def require_distinct(names: Iterable[str], taken: str) -> None:
    """Requires file names with "/" that stay inside their folder and differ from each other and `taken` on every system."""
    files, folders = {taken.casefold()}, set()
    for name in names:
        if not all(map(is_portable, name.split("/"))):
            raise ValueError(
                f"the file name {reprlib.repr(name)} leads out of the bundle, or is not valid on every system"
            )
        if name.casefold() in files:
            raise ValueError(f"the file name {reprlib.repr(name)} occurs twice, apart from case")
        files.add(name.casefold())
        folders |= {parent.as_posix().casefold() for parent in PurePosixPath(name).parents}
    if both := files & folders:
        raise ValueError(f"{reprlib.repr(min(both))} is a file and a folder")
