"""Reads a folder of photos with their texts, from files beside the photos or from XMP.

`captions.csv` has a header line with `file` and `caption` or `query`, and optionally `license` and `source`. Its columns
are separated by commas, semicolons or tabs, and a photo may have several rows. A line of a `.jsonl` file is one object with
`file` and any of `caption` or `captions`, `query` or `queries`, `label` or `labels`, `license`, `source`, and
`caption_source` ("synthetic" if no person wrote the captions). `file` is a path relative to the table's folder.
`PHOTO.txt` or `PHOTO.jpg.txt` has one caption per line.
"""

from __future__ import annotations

import csv
import io
import os
import posixpath
import unicodedata
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from mctrain.data.sources.listing import SourceEntry, SourceListing, read_text, records
from mctrain.data.texts import SampleTexts, described
from mctrain.errors import DataError
from mctrain.paths import read_part
from picsight_engine.photos.decoding.decode import IMAGE_SUFFIXES
from picsight_engine.photos.metadata.sidecars import long_sidecar, short_sidecar
from picsight_engine.photos.metadata.xmp import read_packet
from picsight_engine.photos.metadata.xmp_tree import PacketError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


CAPTIONS = "captions.csv"

# The fields that are copied into a shard. Others are dropped: tables that programs write contain places and names.
_FIELDS = frozenset({
    "caption", "captions", "caption_source", "query", "queries", "label", "labels", "license", "source",
})  # fmt: skip
_DIVIDERS = (",", ";", "\t")


_WITHIN = 1 << 20  # bytes to search for XMP, which precedes the picture


class Tables:
    """The tables of one source: the texts of photos by their path relative to the source, and rows without a photo."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._words: dict[str, SampleTexts] = {}
        self._places: dict[str, str] = {}  # the first row of each photo, until the photo is found

    def read(self, path: Path, folder: str) -> None:
        """Reads one table; `folder` is the path of its folder relative to the source."""
        try:
            rows = self._rows(path) if path.suffix.lower() == ".csv" else records(path, self.faults)
            for where, record in rows:
                self._add(where, record, folder)
        except DataError as fault:
            self.faults.append(str(fault))

    def texts_of(self, photo: str) -> SampleTexts:
        """The texts of a photo, by its path relative to the source."""
        name = spelled(photo)
        self._places.pop(name, None)
        return self._words.get(name, SampleTexts())

    def close(self) -> list[str]:
        """All faults, including rows whose photo was not found."""
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
            words = _texts_of_record(record)
        except DataError as fault:
            self.faults.append(f"{where}: {fault}")
            return
        name = spelled(posixpath.join(folder, file.strip().replace("\\", "/")))
        self._places.setdefault(name, where)
        self._words[name] = self._words[name].joined(words) if name in self._words else words


def texts_beside(photo: Path) -> SampleTexts:
    """The captions in the text file beside a photo, one per line.

    Raises:
        DataError: the file exists but cannot be read.
    """
    for text in (photo.with_name(f"{photo.name}.txt"), photo.with_suffix(".txt")):
        if text.is_file():
            return described({"captions": read_text(text).splitlines()})
    return SampleTexts()


def spelled(name: str) -> str:
    """A path normalised for comparison: without `..`, and in NFC, because macOS stores decomposed letters."""
    return unicodedata.normalize("NFC", posixpath.normpath(PurePath(name).as_posix()))


def _texts_of_record(record: Mapping[str, Any]) -> SampleTexts:
    known = {name: value for name, value in record.items() if name in _FIELDS}
    query = known.pop("query", None)
    words = described(known)
    return words if query is None else described({"queries": query}).joined(words)


def read_folder(folder: Path) -> SourceListing:
    """All photos in a folder and its subfolders, with the texts of tables, files beside them and XMP.

    Names that begin with a dot are ignored, and links to folders are not followed.

    Raises:
        DataError: the folder cannot be read.
    """
    tables = Tables()
    photos: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in files if not name.startswith(".")):
            path = Path(place, name)
            if is_photo(name):
                photos.append(path)
            elif path.suffix.lower() == ".txt" and is_photo(path.stem) and path.stem not in files:
                tables.faults.append(f"{path} describes {path.stem}, which is no photo here.")
            elif name.lower() == CAPTIONS or path.suffix.lower() == ".jsonl":
                tables.read(path, Path(place).relative_to(folder).as_posix())
    entries = []
    for path in photos:
        words = tables.texts_of(path.relative_to(folder).as_posix())
        entries.append(SourceEntry(path, words.joined(_beside(path, tables))))
    return SourceListing(tuple(entries), tuple(tables.close()))


def is_photo(name: str) -> bool:
    """Whether a file has the name of a photo."""
    return PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def _beside(path: Path, tables: Tables) -> SampleTexts:
    try:
        return texts_beside(path).joined(texts_inside(path))
    except DataError as fault:
        tables.faults.append(str(fault))
        return SampleTexts()


def _refuse(fault: OSError) -> None:
    raise DataError(f"The folder {fault.filename} cannot be read: {fault.strerror}.") from fault


def texts_inside(photo: Path) -> SampleTexts:
    """The XMP description as a caption and the keywords as queries, from side-cars and from the photo.

    Raises:
        DataError: a file cannot be read.
    """
    words = SampleTexts()
    for path in (long_sidecar(photo), short_sidecar(photo), photo):
        if path is not None and path.is_file():
            words = words.joined(_texts_in_xmp(path))
    return words


def _texts_in_xmp(path: Path) -> SampleTexts:
    try:
        packet = read_packet(read_part(path, 0, _WITHIN))
    except PacketError:  # a truncated or damaged packet gives no texts
        return SampleTexts()
    queries = [path[-1] for path in packet.keywords]
    return described({"captions": [packet.description or ""], "queries": queries})
