"""The words that lie beside photos in a folder: `captions.csv`, files of JSON lines, and a text beside a photo.

`captions.csv` has a header line with `file` and `caption`, and where they are wanted `query`, `license` and `source`;
commas, semicolons or tabs divide its columns; a photo may have several rows. A line of a `.jsonl` is one object with
`file`, and any of `caption` or `captions`, `query` or `queries`, `label` or `labels`, `license`, `source`, and
`caption_source` ("synthetic" where no person wrote them). `file` is a path from the folder in which the table lies.
`PHOTO.txt` or `PHOTO.jpg.txt` has one caption a line.
"""

from __future__ import annotations

import csv
import io
import posixpath
import unicodedata
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from mctrain.data.sources.listing import read_text, records
from mctrain.data.words import Words, described
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CAPTIONS = "captions.csv"

# What goes from a table into a shard. Anything else stays behind: tables that programs write hold places and names.
_FIELDS = frozenset({
    "caption", "captions", "caption_source", "query", "queries", "label", "labels", "license", "source",
})  # fmt: skip
_DIVIDERS = (",", ";", "\t")


class Tables:
    """The tables of one source: words by the photo's path from its top, and what nobody asked for."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._words: dict[str, Words] = {}
        self._places: dict[str, str] = {}  # where a photo was named first, until it is found

    def read(self, path: Path, folder: str) -> None:
        """Takes in one table; `folder` is its folder's path from the top."""
        try:
            rows = self._rows(path) if path.suffix.lower() == ".csv" else records(path, self.faults)
            for where, record in rows:
                self._add(where, record, folder)
        except DataError as fault:
            self.faults.append(str(fault))

    def words_of(self, photo: str) -> Words:
        """The words of a photo by its path from the top."""
        name = spelled(photo)
        self._places.pop(name, None)
        return self._words.get(name, Words())

    def close(self) -> list[str]:
        """All faults, those rows among them whose photo was never asked for."""
        unknown = [f"{where} names {name}, which is no photo here." for name, where in self._places.items()]
        return [*self.faults, *unknown]

    def _rows(self, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        text = read_text(path)
        head = text.partition("\n")[0]
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(_DIVIDERS, key=head.count))
        names = [(name or "").strip().lower() for name in table.fieldnames or ()]
        if "file" not in names or not {"caption", "query"} & set(names):
            self.faults.append(
                f"{path} has no columns `file` and `caption` in its first line; nothing of it is used."
            )
            return
        table.fieldnames = names
        try:
            for row in table:
                yield f"{path}, line {table.line_num}", {name: value for name, value in row.items() if value}
        except csv.Error as fault:
            self.faults.append(f"{path}, line {table.line_num} cannot be read: {fault}.")

    def _add(self, where: str, record: Mapping[str, Any], folder: str) -> None:
        file = record.get("file")
        if not isinstance(file, str) or not file.strip():
            self.faults.append(f"{where} names no photo in `file`.")
            return
        try:
            words = _words(record)
        except DataError as fault:
            self.faults.append(f"{where}: {fault}")
            return
        name = spelled(posixpath.join(folder, file.strip().replace("\\", "/")))
        self._places.setdefault(name, where)
        self._words[name] = self._words[name].joined(words) if name in self._words else words


def words_beside(photo: Path) -> Words:
    """The captions of the text file beside a photo, one a line.

    Raises:
        DataError: there is one, and it cannot be read.
    """
    for text in (photo.with_name(f"{photo.name}.txt"), photo.with_suffix(".txt")):
        if text.is_file():
            return described({"captions": read_text(text).splitlines()})
    return Words()


def spelled(name: str) -> str:
    """A path as it is compared: without detours, and with letters put together, which macOS takes apart."""
    return unicodedata.normalize("NFC", posixpath.normpath(PurePath(name).as_posix()))


def _words(record: Mapping[str, Any]) -> Words:
    known = {name: value for name, value in record.items() if name in _FIELDS}
    query = known.pop("query", None)
    words = described(known)
    return words if query is None else described({"queries": query}).joined(words)
