"""Resolves shard names: files, folders, wildcards and ranges, on this machine or in a store."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import bracex

from mctrain.errors import DataError
from mctrain.paths import AnyPath, files_of, parse_path

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARDS = "**/*.tar"
_MANY = 16  # names looked up one by one in a store; more are listed
_MOST_SHARDS = 1_000_000  # most files of one pattern
_PATTERN = re.compile(r"[*?\[{]")
_Folder = TypeVar("_Folder", bound=AnyPath)


@dataclass(frozen=True, slots=True)
class NamedShard:
    """A file, and its path relative to the searched folder."""

    path: AnyPath
    name: str


def find_shards(folder: _Folder, patterns: Sequence[str]) -> list[_Folder]:
    """The distinct files of a folder that match the patterns, in the patterns' order.

    Raises:
        DataError: a pattern matches no file.
    """
    found: list[_Folder] = []
    for pattern in patterns:
        names = [pattern] if (folder / pattern).is_file() else expand_braces(pattern)
        listed = _listed(folder, names) if len(names) > _MANY else None
        for name in names:
            files = files_of(folder, name) if listed is None else listed.get(name, [])
            if not files:
                packed = ", or make shards of photos with `mctrain data pack`" * name.endswith(".tar")
                raise DataError(
                    f"There is no file {name} in {folder}; choose the folder that has it{packed}."
                )
            found += files
    return list(dict.fromkeys(found))


def expand_braces(pattern: str) -> list[str]:
    """Expands braces as a shell does: `{000000..000012}`, `{a,b}`; raises DataError if there are too many results."""
    try:
        return bracex.expand(pattern, keep_escapes=True, limit=_MOST_SHARDS)
    except bracex.ExpansionLimitException as fault:
        raise DataError(
            f"{pattern} stands for more than {_MOST_SHARDS} files; name fewer at a time."
        ) from fault


def _listed(folder: _Folder, names: Sequence[str]) -> dict[str, list[_Folder]] | None:
    """The files of many plain names, by listing their folders, because single lookups in a store are slow."""
    if any(_PATTERN.search(name) for name in names):
        return None
    folders = {posixpath.dirname(name) for name in names}
    files = (
        (posixpath.join(within, file.name), file)
        for within in folders
        for file in files_of(folder, f"{within}/*" if within else "*")
    )
    return {name: [each] for name, each in files}


def resolve_shards(patterns: Sequence[str]) -> list[AnyPath]:
    """The distinct shards that patterns or folders name; raises DataError if a pattern matches no file."""
    return list(dict.fromkeys(each.path for pattern in patterns for each in shards_below(pattern)))


def shards_below(text: str) -> list[NamedShard]:
    """The shards of a folder and its subfolders, or those of a pattern; each with its relative path.

    Raises:
        DataError: there is none.
    """
    folder, pattern = split_pattern(text)
    return [NamedShard(path, _from(folder, path)) for path in find_shards(folder, [pattern])]


def _from(folder: AnyPath, path: AnyPath) -> str:
    if isinstance(folder, Path) and isinstance(path, Path):
        return path.relative_to(folder).as_posix()
    return str(path).removeprefix(f"{folder}/")


def split_pattern(text: str) -> tuple[AnyPath, str]:
    """Splits a name into a folder and a pattern: all shards for a folder, the file name for a file."""
    parts = text.rstrip("/").split("/")
    first = next((index for index, part in enumerate(parts) if _PATTERN.search(part)), len(parts))
    if first == len(parts):
        path = parse_path(text)
        is_file = path.is_file() or path.name.endswith(".tar")
        return (path.parent, path.name) if is_file else (path, SHARDS)
    return parse_path("/".join(parts[:first]) or ("/" if text.startswith("/") else ".")), "/".join(
        parts[first:]
    )
