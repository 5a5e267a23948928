"""The shards that a person names: files, folders of them, wildcards and ranges, on this machine or in a store."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.data.shards import spelled_out
from mctrain.errors import DataError
from mctrain.places import LocalPlace, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.places import Place

SHARDS = "**/*.tar"
_MANY = 16  # names that a store is asked for one by one
_PATTERN = re.compile(r"[*?\[{]")


@dataclass(frozen=True, slots=True)
class Named:
    """A file and its name from the folder that all of them were looked for in."""

    place: Place
    name: str


def found_in(folder: Place, patterns: Sequence[str]) -> list[Place]:
    """The files of a folder that the patterns name, each once, in the patterns' order.

    Raises:
        DataError: a pattern that fits no file.
    """
    found: list[Place] = []
    for pattern in patterns:
        names = [pattern] if (folder / pattern).exists() else spelled_out(pattern)
        listed = _listed(folder, names) if len(names) > _MANY else None
        for name in names:
            files = folder.files(name) if listed is None else listed.get(name, [])
            if not files:
                packed = ", or make shards of photos with `mctrain data pack`" * name.endswith(".tar")
                raise DataError(
                    f"There is no file {name} in {folder}; choose the folder that has it{packed}."
                )
            found += files
    return list(dict.fromkeys(found))


def _listed(folder: Place, names: Sequence[str]) -> dict[str, list[Place]] | None:
    """The files of many plain names: by a listing of each of their folders, for a store is asked anew for each name."""
    if any(_PATTERN.search(name) for name in names):
        return None
    found: dict[str, list[Place]] = {}
    for within in dict.fromkeys(posixpath.dirname(name) for name in names):
        for file in (folder / within if within else folder).files("*"):
            found[posixpath.join(within, file.name)] = [file]
    return found


def named_shards_below(text: str) -> list[Named]:
    """The shards of a folder and of all below it, or those that a pattern names; each with its path from where both begin.

    Raises:
        DataError: there is none.
    """
    folder, pattern = divided(text)
    found = found_in(folder, [pattern])
    return [Named(place, _from(folder, place)) for place in found]


def _from(folder: Place, place: Place) -> str:
    if isinstance(folder, LocalPlace) and isinstance(place, LocalPlace):
        return place.path.relative_to(folder.path).as_posix()
    return str(place).removeprefix(f"{folder}/")


def divided(text: str) -> tuple[Place, str]:
    """The folder that a person names and a pattern in it: of a folder that of all its shards, of a file its name."""
    parts = text.rstrip("/").split("/")
    first = next((place for place, part in enumerate(parts) if _PATTERN.search(part)), len(parts))
    if first == len(parts):
        place = place_of(text)
        is_file = place.exists() or place.name.endswith(".tar")
        return (place.folder, place.name) if is_file else (place, SHARDS)
    return place_of("/".join(parts[:first]) or ("/" if text.startswith("/") else ".")), "/".join(
        parts[first:]
    )
