"""Files of downloaded photos or published captions: lists their uids, and reads single samples.

img2dataset writes tars, Parquet files or folders; mlfoundations publishes tars with texts and without photos. A uid is
DataComp's name of a sample, 128 bits in hex, from the sample's JSON, or else the key.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mctrain.data.shard_names import SHARDS, find_shards, split_pattern
from mctrain.data.shards import PHOTO_SUFFIXES, opened_archive, split_name
from mctrain.data.sources.listing import PARQUET
from mctrain.errors import DataError
from mctrain.paths import files_of, read, read_part, size_of, version_of
from mctrain.research.parquet import photo_column, row_at, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mctrain.paths import AnyPath

_UID = re.compile(r"[0-9a-fA-F]{32}")
_STATISTICS = "_stats.json"  # img2dataset's, beside each shard


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A sample in a file: its uid as 16 bytes, its position and size, and whether it has a photo and a text."""

    uid: bytes
    at: int
    size: int
    photo: bool
    text: bool


@dataclass(frozen=True, slots=True)
class FetchedSample:
    """A sample's photo bytes, empty if there is none; its text; and the downloader's facts."""

    photo: bytes
    text: str
    facts: Mapping[str, Any]


def find_sample_files(texts: Sequence[str]) -> list[SampleFile]:
    """The files that names or patterns select, `.tar` or `.parquet`; for a folder, the downloader's output in it.

    Raises:
        DataError: there are none.
    """
    return [file for text in texts for file in _find(text)]


def _find(text: str) -> Sequence[SampleFile]:
    folder, pattern = split_pattern(text)
    if pattern != SHARDS:
        found = find_shards(folder, [pattern])
        return [_TableFile(each) if each.name.endswith(PARQUET) else _TarFile(each) for each in found]
    if tars := files_of(folder, pattern):  # tables beside them have no photos
        return [_TarFile(path) for path in tars]
    tables = [path for path in files_of(folder, f"**/*{PARQUET}") if photo_column(path)]
    if tables:
        return [_TableFile(path) for path in tables]
    records = (path for path in files_of(folder, "**/*.json") if not path.name.endswith(_STATISTICS))
    if folders := dict.fromkeys(path.parent for path in records):
        return [_SampleFolder(path) for path in folders]
    raise DataError(
        f"{text} holds no .tar, no .parquet with photos and no photos with .json beside them; "
        "choose the folder that img2dataset wrote into."
    )


def parse_uid(text: object) -> bytes | None:
    """The 16 bytes of a uid in hex, in either case; None for anything else."""
    return bytes.fromhex(text) if isinstance(text, str) and _UID.fullmatch(text) else None


def uid_of(facts: Mapping[str, Any], key: str) -> bytes | None:
    """A sample's uid from its JSON, or else from its key."""
    return parse_uid(facts.get("uid")) or parse_uid(key.rpartition("/")[2])


def parse_facts(content: bytes) -> Mapping[str, Any]:
    """A downloader's JSON of a sample; empty if it is broken."""
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _fetched(members: Mapping[str, bytes]) -> FetchedSample:
    """Takes the caption from its own file, or else from the JSON."""
    facts = parse_facts(members.get("json", b""))
    photo = next((content for suffix, content in members.items() if suffix in PHOTO_SUFFIXES), b"")
    text = members["txt"].decode(errors="replace") if "txt" in members else facts.get("caption")
    return FetchedSample(photo, text if isinstance(text, str) else "", facts)


@dataclass(slots=True)
class _Span:
    """The byte range of one sample's members in a tar, and its JSON."""

    key: str
    start: int
    end: int = 0
    suffixes: set[str] = field(default_factory=set)
    record: bytes = b""

    def entry(self) -> IndexEntry | None:
        """The index entry, if the sample has a uid."""
        facts = parse_facts(self.record)
        if (uid := uid_of(facts, self.key)) is None:
            return None
        text = "txt" in self.suffixes or bool(facts.get("caption"))
        return IndexEntry(uid, self.start, self.end - self.start, bool(PHOTO_SUFFIXES & self.suffixes), text)


@dataclass(frozen=True, slots=True)
class _SingleFile:
    """One file of samples."""

    path: AnyPath

    def version(self) -> str:
        """A string that changes whenever the file does."""
        return version_of(self.path)


@dataclass(frozen=True, slots=True)
class _TarFile(_SingleFile):
    """An uncompressed tar archive; a sample is located by its first byte and size."""

    def entries(self) -> Iterator[IndexEntry]:
        """Its samples with a uid, without reading photos.

        Raises:
            DataError: it is missing or damaged; samples before the damage are intact.
        """
        spans: list[_Span] = []
        damage: DataError | None = None
        try:
            self._walk(spans)
        except DataError as fault:
            damage = fault
        whole = size_of(self.path)  # the last sample of a damaged archive may lack its end
        yield from (entry for each in spans if each.end <= whole and (entry := each.entry()))
        if damage is not None:
            raise damage

    def _walk(self, spans: list[_Span]) -> None:
        with opened_archive(self.path, plain=True) as archive:
            for member in filter(tarfile.TarInfo.isfile, archive):
                key, suffix = split_name(member.name)
                if not spans or key != spans[-1].key or suffix in spans[-1].suffixes:
                    spans.append(_Span(key, member.offset))
                spans[-1].suffixes.add(suffix)
                spans[-1].end = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                if suffix == "json" and (content := archive.extractfile(member)):
                    spans[-1].record = content.read()

    def fetch(self, at: int, size: int) -> FetchedSample:
        """One of its samples; raises DataError if the file has changed."""
        try:
            with tarfile.open(fileobj=io.BytesIO(read_part(self.path, at, size)), mode="r:") as archive:
                contents = ((each.name, archive.extractfile(each)) for each in archive if each.isfile())
                return _fetched({split_name(name)[1]: each.read() for name, each in contents if each})
        except tarfile.TarError as fault:
            raise DataError(f"The shard {self.path} has changed while it was read; join again.") from fault


@dataclass(frozen=True, slots=True)
class _TableFile(_SingleFile):
    """A Parquet file with one row per sample; failed downloads are rows without a photo."""

    def entries(self) -> Iterator[IndexEntry]:
        """As those of a tar."""
        column = photo_column(self.path)
        for at, row in enumerate(rows(self.path, without=column)):
            if (uid := uid_of(row, str(row.get("key", "")))) is not None:
                photo = column is not None and row.get("status", "success") == "success"
                yield IndexEntry(uid, at, 0, photo, bool(row.get("txt") or row.get("caption")))

    def fetch(self, at: int, size: int) -> FetchedSample:  # noqa: ARG002 (a row has none)
        """One of its rows."""
        row = dict(row_at(self.path, at))
        photo = row.pop(photo_column(self.path) or "", None) or b""
        text = row.pop("txt", None) or row.get("caption")
        return FetchedSample(photo, text if isinstance(text, str) else "", row)


@dataclass(frozen=True, slots=True)
class _SampleFolder:
    """A folder with photos, texts and JSON under the same names; a sample is located by its index in name order."""

    path: AnyPath

    def version(self) -> str:
        """A string that changes whenever a file is added or removed."""
        names = "\n".join(str(file) for _, files in _listed(self.path) for file in files.values())
        return hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()

    def entries(self) -> Iterator[IndexEntry]:
        """As those of a tar."""
        for at, (key, files) in enumerate(_listed(self.path)):
            facts = parse_facts(read(files["json"])) if "json" in files else {}
            if (uid := uid_of(facts, key)) is not None:
                text = "txt" in files or bool(facts.get("caption"))
                yield IndexEntry(uid, at, 0, bool(PHOTO_SUFFIXES & files.keys()), text)

    def fetch(self, at: int, size: int) -> FetchedSample:  # noqa: ARG002 (a folder's samples have none)
        """One of its samples."""
        return _fetched({suffix: read(file) for suffix, file in _listed_once(self.path)[at][1].items()})


def _listed(folder: AnyPath) -> tuple[tuple[str, Mapping[str, AnyPath]], ...]:
    """The files of each sample by suffix, in the order of the keys."""
    found: dict[str, dict[str, AnyPath]] = {}
    for file in files_of(folder, "*"):
        key, suffix = split_name(file.name)
        found.setdefault(key, {})[suffix] = file
    return tuple(sorted(found.items()))


_listed_once = lru_cache(maxsize=64)(_listed)
SampleFile = _TarFile | _TableFile | _SampleFolder
