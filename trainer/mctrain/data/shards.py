"""Shards: tar archives, plain or gzipped, in which the members of a photo, `KEY.jpg`, `KEY.json` and others, follow one another.

`samples` reads our shards and stops at whatever is out of order; `grouped` reads anybody's, and says what it passes over.
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
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

import PIL.Image

from mctrain.errors import DataError
from mctrain.places import opened
from mctrain.whole_files import write_whole
from picsight_engine.errors import ImageError
from picsight_engine.photos.decode import Limits, decode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from mctrain.places import Place


def write_archive(path: Path, samples: Iterable[tuple[str, Mapping[str, bytes]]]) -> str:
    """Writes samples, each a key with its members by suffix, beside `path` and moves the archive into place; its SHA-256.

    Only a name that plain headers cannot hold, for its length or its letters, gets a further one.
    """
    with write_whole(path) as file:
        hashed = _Hashed(file)
        with tarfile.open(fileobj=cast("BinaryIO", hashed), mode="w", format=tarfile.PAX_FORMAT) as archive:
            for key, members in samples:
                for suffix, content in members.items():
                    member = tarfile.TarInfo(f"{key}.{suffix}")  # no time, no owner, mode 0644
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return hashed.digest.hexdigest()


class _Hashed:
    """As much of a file as an archive needs that is written, with the digest of what went through."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self._file.write(content)

    def tell(self) -> int:
        return self._file.tell()


PHOTO_SUFFIXES = frozenset({"jpg", "jpeg", "png", "webp"})

FaultKind = Literal["no photo", "broken json", "damaged shard"]

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo of a shard: its key, the bytes of its file, and what its JSON says."""

    key: str
    suffix: str
    photo: bytes
    words: dict[str, Any]

    def image(self) -> PIL.Image.Image:
        """The decoded photo, RGB.

        Raises:
            DataError: the bytes are no picture.
        """
        try:
            return PIL.Image.open(io.BytesIO(self.photo)).convert("RGB")
        except (OSError, SyntaxError, ValueError) as fault:
            raise DataError(f"The photo {self.key} cannot be decoded: {fault}.") from fault


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a sample is passed over: a kind that is counted, and a sentence."""

    kind: FaultKind
    sentence: str


@dataclass(frozen=True, slots=True)
class SampleMembers:
    """The members of one sample by their suffix (`jpg`, `json`, `syn.json`), whole or with its fault."""

    key: str
    members: Mapping[str, bytes]
    fault: Fault | None = None

    @property
    def suffix(self) -> str:
        """That of the photo; empty where there is none."""
        return next((suffix for suffix in self.members if suffix in PHOTO_SUFFIXES), "")

    @property
    def photo(self) -> bytes:
        """The bytes of the photo's file."""
        return self.members.get(self.suffix, b"")

    def image(self) -> PIL.Image.Image:
        """The photo upright, RGB in sRGB, whoever wrote it.

        Raises:
            DataError: it cannot be decoded, or is far too large.
        """
        name = Path(f"{self.key}.{self.suffix}")
        try:
            return decode(self.photo, name, min_side=_LIMITS.side, limits=_LIMITS).image
        except ImageError as fault:
            raise DataError(f"The photo {fault}") from fault


def members(shard: Place, only: Collection[str] = ()) -> Iterator[tuple[str, str, bytes]]:
    """Every file of a shard, or those with some suffixes only, as (key, suffix, bytes), in the archive's order; a folder in
    front of a name belongs to the key.

    Raises:
        DataError: the shard is missing, is no tar archive, or ends before its end mark: what came before it was whole.
    """
    with opened_archive(shard) as archive:
        for member in archive:
            key, suffix = split_name(member.name)
            if member.isfile() and (not only or suffix in only):
                content = archive.extractfile(member)
                yield key, suffix, content.read() if content else b""


@contextmanager
def opened_archive(shard: Place, *, plain: bool = False) -> Iterator[tarfile.TarFile]:
    """A tar archive, whose end mark is looked for when the block has read its members; a `plain` one is not zipped.

    Raises:
        DataError: it is missing, is no tar archive, or ends before its end mark, as if it were damaged.
    """
    try:
        with opened(shard) as file, tarfile.open(fileobj=file, mode="r:" if plain else "r:*") as archive:
            yield archive
            _demand_end(archive, shard)
    except tarfile.ReadError as fault:  # in five lines, where no packing fits
        raise DataError(f"The shard {shard} cannot be read: it is damaged or no tar archive.") from fault
    except (EOFError, tarfile.TarError, zlib.error) as fault:
        raise DataError(f"The shard {shard} cannot be read: {fault}.") from fault


def split_name(name: str) -> tuple[str, str]:
    """Key and suffix: the name of the file, without its folder, is divided at its first dot."""
    folder, base = posixpath.split(posixpath.normpath(name))
    stem, _, suffix = base.partition(".")
    return posixpath.join(folder, stem), suffix.lower()


def _demand_end(archive: tarfile.TarFile, shard: Place) -> None:
    """Looks for the end mark behind the members that were read.

    The library takes a damaged header, and the end of a file that was cut off, for the end of the archive.

    Raises:
        DataError: there is none.
    """
    assert archive.fileobj is not None, "it is open"
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise DataError(
            f"The shard {shard} is damaged or cut off after {archive.offset} bytes; copy it again."
        )


def count_photos(shard: Path) -> int:
    """How many photos a shard holds, by the names of its members; of one that is damaged, those before the damage.

    Raises:
        DataError: the shard is missing, or nothing of it can be read.
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


def grouped(shard: Place) -> Iterator[SampleMembers]:
    """The samples of any shard: what follows one another under one key. A suffix that comes again begins the next sample.

    Nothing stops it: a sample without a photo or with broken JSON, and a shard that cannot be read on, come as faults.
    """
    key, found = "", dict[str, bytes]()
    try:
        for each, suffix, content in members(shard):
            if found and (each != key or suffix in found):
                yield _judged(key, found)
                found = {}
            key = each
            found[suffix] = content
    except DataError as fault:
        if found:
            yield _judged(key, found)
        yield SampleMembers(shard.name, {}, Fault("damaged shard", str(fault)))
        return
    if found:
        yield _judged(key, found)


def sound_groups(shard: Place) -> Iterator[SampleMembers]:
    """The samples of any shard, up to the first fault.

    Raises:
        DataError: there it is.
    """
    for each in grouped(shard):
        if each.fault is not None:
            raise DataError(f"{each.fault.sentence.rstrip('.')}, in {shard}; run `mctrain data check` on it.")
        yield each


def _judged(key: str, found: dict[str, bytes]) -> SampleMembers:
    """A sample with what is wrong with it."""
    fault = None if PHOTO_SUFFIXES & found.keys() else Fault("no photo", f"{key} has no photo")
    for suffix, content in found.items():
        if suffix.rpartition(".")[2] == "json":
            try:
                _parse(content, f"{key}.{suffix}")
            except DataError as broken:
                fault = fault or Fault("broken json", str(broken))
    return SampleMembers(key, found, fault)


def samples(shard: Path) -> Iterator[Sample]:
    """The photos of a shard with their words.

    Raises:
        DataError: the shard cannot be read, or a photo lacks its JSON.
    """
    photo: tuple[str, str, bytes] | None = None
    for key, suffix, content in members(shard):
        if suffix in PHOTO_SUFFIXES and photo is None:
            photo = (key, suffix, content)
        elif suffix == "json" and photo is not None and photo[0] == key:
            yield Sample(key, photo[1], photo[2], parse_words(content, key))
            photo = None
        else:
            raise DataError(
                f"The shard {shard} is out of order at {key}.{suffix}; run `mctrain data check` on it."
            )
    if photo is not None:
        raise DataError(f"The shard {shard} ends before {photo[0]}.json; run `mctrain data check` on it.")


def parse_words(content: bytes, key: str, suffix: str = "json") -> dict[str, Any]:
    """What one JSON of a sample says.

    Raises:
        DataError: it is no JSON object.
    """
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
    """SHA-256 of a file, lower-case hex.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
