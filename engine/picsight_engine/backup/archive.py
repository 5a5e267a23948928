"""The file of a backup: a ZIP whose first member, the decisions, can be read even if the rest of the file is damaged.

decisions.jsonl   what a person decided, as `exchange.decisions_file` has it; stored as it is
backup.json       what this backup is, see `About`
library.db        the library without vectors of faces; of a small backup, without whatever can be made of photos again
thumbnails.db     not in a small one
model.json        the chosen model, if one was chosen
settings.toml     the user's settings, if there are any
"""

from __future__ import annotations

import errno
import json
import shutil
import struct
import zlib
from dataclasses import asdict, dataclass, fields
from lzma import LZMAError
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from picsight_engine.exchange.backup_beginning import decisions_of_backup, is_backup
from picsight_engine.foundation.errors import LibraryError, Message, RequestError, StorageError, faults_as
from picsight_engine.store.migrations import MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path

ABOUT, SETTINGS = "backup.json", "settings.toml"
_FORMAT = 1
# What Python's reader raises for one changed byte or another.
_DAMAGE = (
    BadZipFile, EOFError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError, LZMAError, struct.error, zlib.error,
)  # fmt: skip
_OF_DAMAGE = (None, errno.EINVAL)  # of bytes that are no such stream, of a place before the file's beginning
_SAVED = Message(
    "Its tags, stars and saved searches are whole: index your folders into a new library, then type: picsight tags import {file}"
)


@dataclass(frozen=True, slots=True)
class About:
    """What a backup is: its format, the library's schema, when it was made, and what it holds."""

    made: str  # ISO 8601
    small: bool
    photos: int
    format: int = _FORMAT
    schema: int = len(MIGRATIONS)

    def encoded(self) -> bytes:
        """The content of the member `ABOUT`."""
        return json.dumps(asdict(self)).encode()


def check(file: Path) -> About:
    """Reads a whole backup and compares every member with its checksum.

    Raises:
        RequestError: there is no such file, or it is no backup.
        LibraryError: it is damaged, which says what can be saved from it, or was made by a newer program.
        StorageError: it cannot be read.
    """
    with faults_as(
        FileNotFoundError, RequestError, "There is no backup at {file}. Check its name.", file=file
    ):
        file.stat()
    words = "{file} cannot be read ({reason}); check its disk and its permissions."
    with faults_as(OSError, StorageError, words, file=file):
        if not is_backup(file):
            raise RequestError("{file} is no backup of Picsight. Choose another file.", file=file)
        try:
            with ZipFile(file) as archive:
                if wrong := archive.testzip():
                    raise BadZipFile(wrong)
                about = json.loads(archive.read(ABOUT))
                newer = about["format"] > _FORMAT or about["schema"] > len(MIGRATIONS)
                if not newer:
                    return About(**{each.name: about[each.name] for each in fields(About)})
        except _DAMAGE as fault:
            if (
                isinstance(fault, OSError) and fault.errno != errno.EINVAL
            ):  # of a place before the file's beginning
                raise
            saved = (
                _SAVED.about(file=file)
                if decisions_of_backup(file)
                else Message("Nothing in it can be saved.")
            )
            words = "{file} is damaged, so nothing was restored. {saved}"
            raise LibraryError(words, file=file, saved=saved) from fault
    raise LibraryError("{file} was made by a newer Picsight; update Picsight to restore it.", file=file)


def extract(archive: ZipFile, name: str, path: Path) -> None:
    """Writes a member to a file; raises OSError."""
    with archive.open(name) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
