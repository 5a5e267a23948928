"""Checks single values of an untrusted manifest; an invalid value raises a ValueError that names it."""

from __future__ import annotations

import re
import reprlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MODEL_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME = re.compile(r"[\w .,()+@=-]{1,200}", re.ASCII)
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def require(key: str, value: object, *, fits: bool) -> None:
    """Raises a ValueError that shows the value, unless it fits."""
    if not fits:
        raise ValueError(f"{key} is {reprlib.repr(value)}")


def require_texts(values: Mapping[str, object]) -> None:
    """Each must be a text."""
    for key, value in values.items():
        require(key, value, fits=isinstance(value, str))


def require_whole(key: str, value: object, least: int, most: int) -> None:
    """Requires an integer in its range; true and false are not integers here."""
    require(key, value, fits=type(value) is int and least <= value <= most)


def is_number(value: object) -> bool:
    """Whether a value is a number; true and false are not."""
    return type(value) in {int, float}


def is_portable(name: str) -> bool:
    """Whether every system accepts this file or folder name: Windows rejects or changes "con" and "a."."""
    return bool(_NAME.fullmatch(name)) and not (_DEVICE.fullmatch(name) or name.endswith((".", " ")))


def is_model_name(name: str) -> bool:
    """Whether a model can be installed under this name."""
    return bool(MODEL_NAME.fullmatch(name)) and is_portable(name)


def require_apart(names: Iterable[str], taken: str) -> None:
    """Requires file names with "/" that stay inside their folder and differ from each other and `taken` on every system."""
    files, folders = {taken.casefold()}, set()
    for name in names:
        if not all(map(is_portable, name.split("/"))):
            raise ValueError(
                f"the file name {reprlib.repr(name)} leads out of the bundle, or not every system takes it"
            )
        if name.casefold() in files:
            raise ValueError(f"the file name {reprlib.repr(name)} is there twice, but for capital letters")
        files.add(name.casefold())
        folders |= {parent.as_posix().casefold() for parent in PurePosixPath(name).parents}
    if both := files & folders:
        raise ValueError(f"{reprlib.repr(min(both))} is a file and a folder")
