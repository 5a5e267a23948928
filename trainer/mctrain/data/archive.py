"""Writes shards: POSIX archives whose bytes follow from their members alone, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING, BinaryIO, cast

from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


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
