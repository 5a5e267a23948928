"""The file of a backup: a ZIP whose first member, the decisions, can be read even if the rest of the file is damaged.

decisions.jsonl   what a person decided, as `exchange.decisions_file` has it; stored as it is
backup.json       format, schema (of the library), small, photos (their number), made (when), members (all names, in order)
library.db        the library without vectors of faces; of a small backup, without whatever can be made of photos again
thumbnails.db     not in a small one
model.json        the chosen model, if one was chosen
settings.toml     the user's settings, if there are any
"""

from __future__ import annotations

import errno
import json
import sqlite3
import struct
import zlib
from contextlib import contextmanager
from lzma import LZMAError
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from picsight_engine.exchange.backup_beginning import decisions_of_backup, is_backup
from picsight_engine.foundation.errors import LibraryError, Message, RequestError, StorageError, faults_as
from picsight_engine.store.database import FILE_NAME
from picsight_engine.store.migrations import MIGRATIONS
from picsight_engine.store.opening import APPLICATION_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT, ABOUT, SETTINGS = 1, "backup.json", "settings.toml"
# What Python's readers and SQLite raise for one changed byte or another, or for what somebody made up.
_DAMAGE = (
    BadZipFile, EOFError, KeyError, NotImplementedError, OSError, RuntimeError, TypeError, ValueError, LZMAError, struct.error,
    zlib.error, sqlite3.Error, LibraryError,
)  # fmt: skip
_OF_DAMAGE = (None, errno.EINVAL)  # of bytes that are no such stream, of a place before the file's beginning
_SAVED = Message(
    "Its tags, stars and saved searches are whole: index your folders into a new library, then type: picsight tags import {file}"
)


def check(file: Path) -> int:
    """Reads a whole backup and compares every member with its checksum; returns the number of its photos.

    Raises:
        RequestError: there is no such file, or it is no backup.
        LibraryError: it is damaged, which says what can be saved from it, or was made by a newer program.
        StorageError: it cannot be read.
    """
    missing = "There is no backup at {file}. Check its name."
    words = "{file} cannot be read ({reason}); check its disk and its permissions."
    with (
        faults_as(OSError, StorageError, words, file=file),
        faults_as(FileNotFoundError, RequestError, missing, file=file),
    ):
        if not is_backup(file):
            raise RequestError("{file} is no backup of Picsight. Choose another file.", file=file)
        with refusing_damage(file), ZipFile(file) as archive:
            if wrong := archive.testzip():
                raise BadZipFile(wrong)
            about = json.loads(archive.read(ABOUT))
            is_newer = about["format"] > FORMAT or about["schema"] > len(MIGRATIONS)
            photos = int(about["photos"])
            if not is_newer:
                _require_members(archive, about)
    if is_newer:
        raise LibraryError("{file} was made by a newer Picsight; update Picsight to restore it.", file=file)
    return photos


@contextmanager
def refusing_damage(file: Path) -> Iterator[None]:
    """Turns what a damaged backup causes inside the block into a LibraryError, which says what can be saved from it."""
    try:
        yield
    except _DAMAGE as fault:
        if isinstance(fault, OSError) and fault.errno not in _OF_DAMAGE:
            raise
        saved = _SAVED.about(file=file) if decisions_of_backup(file) else "Nothing in it can be saved."
        words = "{file} is damaged, so nothing was restored. {saved}"
        raise LibraryError(words, file=file, saved=Message.from_words(saved)) from fault


def _require_members(archive: ZipFile, about: dict[str, Any]) -> None:
    """Raises unless there is each member, and the library has the marks of one: the list of a ZIP has no checksum."""
    with archive.open(FILE_NAME) as library:
        marks = struct.unpack_from(">I4xI", library.read(72), 60)  # as in the header of an SQLite file
    names = archive.namelist()
    if marks != (about["schema"], APPLICATION_ID) or names != about.get("members", names):
        raise BadZipFile
