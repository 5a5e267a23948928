"""The beginning of a backup of a whole library, a ZIP: the file of decisions, which is there even if the rest is damaged."""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from picsight_engine.foundation.errors import RequestError
from picsight_engine.store.library_folder import DECISIONS

if TYPE_CHECKING:
    from pathlib import Path

ZIP = b"PK\3\4"
_MEMBER = struct.Struct(
    "<4s5H3I2H"
)  # ..., CRC-32, packed size, size, length of the name, length of the extra field


def is_backup(file: Path) -> bool:
    """Whether a file begins as a backup does; raises OSError."""
    with file.open("rb") as source:
        head = source.read(_MEMBER.size + len(DECISIONS))
    return head.startswith(ZIP) and head[_MEMBER.size :] == DECISIONS.encode()


def decisions_of_backup(file: Path) -> bytes | None:
    """The file of decisions with which a backup begins; None if it is damaged. Raises OSError."""
    with file.open("rb") as source:
        *_, checksum, _packed, size, name, extra = _MEMBER.unpack(source.read(_MEMBER.size))
        source.seek(name + extra, os.SEEK_CUR)
        content = source.read(min(size, file.stat().st_size))
    return content if content and zlib.crc32(content) == checksum else None


def opened_decisions(file: Path) -> BinaryIO:
    """A file of decisions, or the one in a backup, opened to be read; raises RequestError if that is damaged, and OSError."""
    if not is_backup(file):
        return file.open("rb")
    content = decisions_of_backup(file)
    if content is None:
        raise RequestError("The tags in {file} are damaged. Choose another backup.", file=file)
    return BytesIO(content)
