"""What a source of photos gives, whichever it is: files with their words, and what of it cannot be used."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mctrain.errors import DataError
from mctrain.places import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mctrain.data.words import SampleTexts


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One photo's file and its words."""

    path: Path
    words: SampleTexts


@dataclass(frozen=True, slots=True)
class SourceListing:
    """The photos of a source in a fixed order, and sentences about what is left out."""

    entries: tuple[SourceEntry, ...]
    faults: tuple[str, ...]


def read_text(path: Path) -> str:
    """A file of texts; one that is not UTF-8 was written by Windows' older programs, as UTF-16 where it begins so.

    Raises:
        DataError: it cannot be read.
    """
    content = read(path)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def sound_records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a file of JSON lines in which every line must be one, each with its place for sentences.

    It is of a data set: in what encoding a person saved it is not guessed, as it is by `read_text`.

    Raises:
        DataError: it cannot be read, is not UTF-8, or a line is no JSON object.
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
    """The objects of a file of JSON lines, each with its place for sentences; other lines go to the faults.

    Raises:
        DataError: it cannot be read.
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
