"""The common result of all photo sources: files with their texts, and faults."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mctrain.errors import DataError
from mctrain.paths import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mctrain.data.texts import SampleTexts


PARQUET = ".parquet"  # the suffix of tables of photos


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """The file of one photo, and its texts."""

    path: Path
    texts: SampleTexts


@dataclass(frozen=True, slots=True)
class SourceListing:
    """The photos of a source in a fixed order, and sentences about the photos left out."""

    entries: tuple[SourceEntry, ...]
    faults: tuple[str, ...]


def read_text(path: Path) -> str:
    """Reads a text file as UTF-8, as UTF-16 if it has that byte order mark, or else as Windows-1252.

    Raises:
        DataError: the file cannot be read.
    """
    content = read(path)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def sound_records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a JSON lines file, each with its location for messages; any other line is an error.

    The file must be UTF-8; unlike `read_text`, this does not guess the encoding.

    Raises:
        DataError: the file cannot be read, is not UTF-8, or a line is not a JSON object.
    """
    try:
        text = read(path).decode("utf-8-sig")
    except ValueError as fault:
        raise DataError(f"{path} is not UTF-8: {fault}.") from fault
    faults: list[str] = []
    found = list(_objects(text, path, faults))
    if faults:
        raise DataError(faults[0])
    return found


def records(path: Path, faults: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON lines file, each with its location for messages; other lines are added to `faults`.

    Raises:
        DataError: the file cannot be read.
    """
    return _objects(read_text(path), path, faults)


def _objects(text: str, path: Path, faults: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as fault:
            faults.append(f"{where} is not JSON: {fault}.")
            continue
        if isinstance(record, dict):
            yield where, record
        else:
            faults.append(f"{where} is not a JSON object.")
