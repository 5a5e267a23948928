"""Shards: tar archives, plain or gzipped, in which the members of a photo (`KEY.jpg`, `KEY.json`, ...) are adjacent.

`samples` stops at the first fault; `grouped` reads on and reports faults.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import tarfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mctrain.atomic_files import open_atomic
from mctrain.errors import DataError
from mctrain.paths import opened
from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.decoding.decode import Limits, decode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import PIL.Image

    from mctrain.paths import AnyPath


def write_archive(path: Path, samples: Iterable[tuple[str, Mapping[str, bytes]]]) -> str:
    """Writes samples, as keys with members by suffix, to a temporary file, then moves it to `path`; returns its SHA-256.

    Only names that are too long for plain headers, or not ASCII, get an extended header.
    """
    with (
        open_atomic(path) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for key, members in samples:
            for suffix, content in members.items():
                member = tarfile.TarInfo(f"{key}.{suffix}")  # no time, no owner, mode 0644
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return file_digest(path)


PHOTO_SUFFIXES = frozenset({"jpg", "jpeg", "png", "webp"})

FaultKind = Literal["no photo", "broken json", "damaged shard"]

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a sample is skipped: a kind, for counting, and a sentence."""

    kind: FaultKind
    sentence: str


@dataclass(frozen=True, slots=True)
class SampleMembers:
    """The members of one sample by suffix (`jpg`, `json`, `syn.json`), and its fault if it has one."""

    key: str
    members: Mapping[str, bytes]
    fault: Fault | None = None

    @property
    def suffix(self) -> str:
        """The suffix of the photo; empty if there is no photo."""
        return next((suffix for suffix in self.members if suffix in PHOTO_SUFFIXES), "")

    @property
    def photo(self) -> bytes:
        """The bytes of the photo's file."""
        return self.members.get(self.suffix, b"")

    @property
    def record(self) -> dict[str, Any]:
        """The JSON of the sample; raises DataError if it is missing or no object."""
        return parse_record(self.members.get("json", b""), self.key)

    def image(self) -> PIL.Image.Image:
        """The photo, rotated upright and converted to sRGB.

        Raises:
            DataError: the photo cannot be decoded, or is too large.
        """
        name = Path(f"{self.key}.{self.suffix}")
        try:
            return decode(self.photo, name, min_side=_LIMITS.side, limits=_LIMITS).image
        except ImageError as fault:
            raise DataError(f"The photo {fault}") from fault


def members(shard: AnyPath, only: Collection[str] = ()) -> Iterator[tuple[str, str, bytes]]:
    """The files of a shard as (key, suffix, bytes), in order; `only` limits the suffixes. A folder is part of the key.

    Raises:
        DataError: the shard is missing, is not a tar archive, or has no end mark; all files yielded before are complete.
    """
    with opened_archive(shard) as archive:
        for member in archive:
            key, suffix = split_name(member.name)
            if member.isfile() and (not only or suffix in only):
                content = archive.extractfile(member)
                yield key, suffix, content.read() if content else b""


@contextmanager
def opened_archive(shard: AnyPath, *, plain: bool = False) -> Iterator[tarfile.TarFile]:
    """Opens a tar archive, and checks its end mark after the block; a `plain` one must not be gzipped.

    Raises:
        DataError: the archive is missing, is not a tar archive, is damaged, or has no end mark.
    """
    try:
        with opened(shard) as file, tarfile.open(fileobj=file, mode="r:" if plain else "r:*") as archive:
            yield archive
            _demand_end(archive, shard)
    except tarfile.ReadError as fault:  # its message has five lines if no compression fits
        raise DataError(f"The shard {shard} cannot be read: it is damaged or no tar archive.") from fault
    except (EOFError, tarfile.TarError, zlib.error) as fault:
        raise DataError(f"The shard {shard} cannot be read: {fault}.") from fault


def split_name(name: str) -> tuple[str, str]:
    """Key and suffix: splits the file name, after any folder, at its first dot."""
    folder, base = posixpath.split(posixpath.normpath(name))
    stem, _, suffix = base.partition(".")
    return posixpath.join(folder, stem), suffix.lower()


def _demand_end(archive: tarfile.TarFile, shard: AnyPath) -> None:
    """Checks for the end mark after the last member.

    `tarfile` treats a damaged header or a truncated file as the end of the archive.

    Raises:
        DataError: there is no end mark.
    """
    assert archive.fileobj is not None, "it is open"
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise DataError(
            f"The shard {shard} is damaged or cut off after {archive.offset} bytes; copy it again."
        )


def count_photos(shard: Path) -> int:
    """Counts the photos of a shard by the names of its members; stops at damage.

    Raises:
        DataError: the shard is missing, or no photo comes before the damage.
    """
    count = 0
    try:
        with opened_archive(shard) as archive:
            for member in archive:
                count += member.isfile() and split_name(member.name)[1] in PHOTO_SUFFIXES
    except DataError:
        if not count:
            raise
    return count


def grouped(shard: AnyPath) -> Iterator[SampleMembers]:
    """The samples of any shard: adjacent members with one key. A repeated suffix begins the next sample.

    Never raises DataError: missing photos, broken JSON and damaged shards are reported as faults.
    """
    key, found = "", dict[str, bytes]()
    try:
        for following, suffix, content in members(shard):
            if found and (following != key or suffix in found):
                yield _judged(key, found)
                found = {}
            key = following
            found[suffix] = content
    except DataError as fault:
        if found:
            yield _judged(key, found)
        yield SampleMembers(shard.name, {}, Fault("damaged shard", str(fault)))
        return
    if found:
        yield _judged(key, found)


def samples(shard: AnyPath) -> Iterator[SampleMembers]:
    """The samples of any shard, up to the first fault; raises DataError if a sample or the shard has a fault."""
    for sample in grouped(shard):
        if sample.fault is not None:
            raise DataError(
                f"{sample.fault.sentence.rstrip('.')}, in {shard}; run `mctrain data check` on it."
            )
        yield sample


def _judged(key: str, found: dict[str, bytes]) -> SampleMembers:
    """A sample with its first fault, if any."""
    fault = None if PHOTO_SUFFIXES & found.keys() else Fault("no photo", f"{key} has no photo")
    for suffix, content in found.items():
        if suffix.rpartition(".")[2] == "json":
            try:
                _parse(content, f"{key}.{suffix}")
            except DataError as broken:
                fault = fault or Fault("broken json", str(broken))
    return SampleMembers(key, found, fault)


def parse_record(content: bytes, key: str, suffix: str = "json") -> dict[str, Any]:
    """Parses a JSON member of a sample; raises DataError if the content is not a JSON object."""
    words = _parse(content, f"{key}.{suffix}")
    if not isinstance(words, dict):
        raise DataError(f"{key}.{suffix} is not a JSON object.")
    return words


def _parse(content: bytes, name: str) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise DataError(f"{name} is not JSON: {fault}.") from fault


def file_digest(path: Path) -> str:
    """SHA-256 of a file, lower-case hex; raises DataError if the file is missing or cannot be read."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
