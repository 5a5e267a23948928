"""Reads shards: tar archives, plain or gzipped, in which `KEY.jpg` or `KEY.webp` is followed by `KEY.json`."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import PIL.Image

from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PHOTO_SUFFIXES = frozenset({"jpg", "webp"})


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


def members(shard: Path) -> Iterator[tuple[str, str, bytes]]:
    """Every file of a shard as (key, suffix, bytes), in the archive's order.

    Raises:
        DataError: the shard is missing or is no tar archive.
    """
    try:
        with tarfile.open(shard) as archive:
            for member in archive:
                if not member.isfile():
                    continue
                content = archive.extractfile(member)
                key, _, suffix = member.name.partition(".")
                yield key, suffix, content.read() if content else b""
    except FileNotFoundError:
        raise DataError(f"There is no shard {shard}; check the name.") from None
    except tarfile.ReadError as fault:  # in five lines, where no packing fits
        raise DataError(f"The shard {shard} cannot be read: it is damaged or no tar archive.") from fault
    except (OSError, EOFError, tarfile.TarError, zlib.error) as fault:
        raise DataError(f"The shard {shard} cannot be read: {fault}.") from fault


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


def parse_words(content: bytes, key: str) -> dict[str, Any]:
    """What a sample's JSON says.

    Raises:
        DataError: it is no JSON object.
    """
    try:
        words = json.loads(content)
    except ValueError as fault:
        raise DataError(f"{key}.json is not JSON: {fault}.") from fault
    if not isinstance(words, dict):
        raise DataError(f"{key}.json is not a JSON object.")
    return words


def find_shards(data: Path, patterns: Sequence[str]) -> list[Path]:
    """The files of the data folder that the patterns name, in the patterns' order.

    Raises:
        DataError: a pattern that fits no file.
    """
    found: list[Path] = []
    for pattern in patterns:
        files = sorted(data.glob(pattern))
        if not files:
            raise DataError(f"There is no file {pattern} in {data}; give the folder of the data with --data.")
        found += files
    return found


def file_digest(path: Path) -> str:
    """SHA-256 of a file, lower-case hex.

    Raises:
        DataError: the file is missing.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}.") from fault
