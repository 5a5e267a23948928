"""Writes a library into one file while others use it."""

from __future__ import annotations

import glob
import json
import os
import re
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from picsight_engine.backup.archive import ABOUT, FORMAT, SETTINGS, check
from picsight_engine.exchange.backup_beginning import is_backup
from picsight_engine.exchange.decisions_backup import decision_lines
from picsight_engine.exchange.decisions_file import encode
from picsight_engine.foundation.errors import (
    LibraryError,
    ReplaceError,
    RequestError,
    StorageError,
    faults_as,
)
from picsight_engine.foundation.private_files import DRAFTED, drafted, sweep_drafts
from picsight_engine.kinds import FACES
from picsight_engine.store.connections import connect, explained
from picsight_engine.store.copies import copy_database, pack
from picsight_engine.store.database import FILE_NAME
from picsight_engine.store.derived import thumbnails
from picsight_engine.store.derived.states import forget_rows
from picsight_engine.store.library_folder import DECISIONS, MODEL
from picsight_engine.store.migrations import MIGRATIONS
from picsight_engine.store.opening import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_MIGRATIONS = re.compile(r"library\.v\d+\.backup\.(db|jsonl)")  # see `store.opening`


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A finished backup: its photos and bytes, and the older copies that were deleted after it."""

    photos: int
    bytes: int
    deleted: tuple[Path, ...]


def back_up(
    folder: Path, file: Path, *, small: bool = False, replace: bool = False, settings: Path | None = None
) -> BackedUp:
    """Writes the library in `folder` into `file`, or the target of that link, which appears once it was read back; others may
    write to the library.

    A `small` one leaves out whatever can be made of photos again. `settings` is the user's file of settings. Afterwards, the
    copies that migrations made beside the library are deleted; no other file is.

    Raises:
        RequestError: there is no library, or `file` is something other than a backup.
        ReplaceError: there is a backup at `file` already, and `replace` is not set.
        LibraryError: the library is damaged, or was made by a newer program.
        StorageError: the disk is full, read-only or gone; an earlier backup stays.
    """
    file = Path(os.path.realpath(file))
    words = "{file} could not be written ({reason}). Choose another place, or make room."
    with faults_as(OSError, StorageError, words, file=file), explained(file):
        _require_replaceable(file, replace=replace)
        sweep_drafts(file.parent, glob.escape(file.name) + DRAFTED)
        with drafted(file) as draft, _scratch(file) as library, _scratch(file) as pictures:
            members = {FILE_NAME: library, MODEL: folder / MODEL, SETTINGS: settings}
            with closing(open_database(folder, create=False)) as db:
                if not small and (stored := folder / thumbnails.FILE_NAME).exists():
                    # First: a thumbnail that came since is made again; one of a later photo would be another's.
                    with suppress(LibraryError), explained(stored):  # damaged ones are made again
                        _copy_thumbnails(stored, pictures, read_only=db.read_only)
                        members[thumbnails.FILE_NAME] = pictures
                # SQLite deletes a database without a name even if the program is killed: no vector of a face is left.
                with db.reading() as source, closing(sqlite3.connect("", isolation_level=None)) as connection:
                    copy_database(source, connection)
                    decisions = "".join(encode(decision_lines(connection)))
                    forget_rows(connection, FACES.name)
                    photos = pack(connection, library, small=small)
            made = datetime.now(UTC).isoformat(timespec="seconds")
            present = {name: path for name, path in members.items() if path is not None and path.exists()}
            about = {
                "format": FORMAT,
                "schema": len(MIGRATIONS),
                "small": small,
                "photos": photos,
                "made": made,
                "members": [DECISIONS, ABOUT, *present],
            }
            with ZipFile(draft, "w", strict_timestamps=False) as archive:
                archive.writestr(DECISIONS, decisions)
                archive.writestr(ABOUT, json.dumps(about))
                for name, path in present.items():
                    archive.write(path, name, None if path is pictures else ZIP_DEFLATED, compresslevel=1)
            words = "{file} reads back differently than it was written; check its disk."
            with faults_as(LibraryError, StorageError, words, file=file):
                check(draft)
        return BackedUp(photos, file.stat().st_size, tuple(_delete_copies(folder)))


def _require_replaceable(file: Path, *, replace: bool) -> None:
    if not os.path.lexists(file):
        return
    if not file.is_file() or not is_backup(file):
        raise RequestError("{file} is there already and is no backup; choose another name.", file=file)
    if not replace:
        raise ReplaceError("{file} is there already, so it was left as it is.", file=file)


@contextmanager
def _scratch(file: Path) -> Iterator[Path]:
    """An empty file beside the backup, removed afterwards."""
    with drafted(file) as draft:
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)


def _copy_thumbnails(path: Path, copy: Path, *, read_only: bool) -> None:
    with closing(connect(path, read_only=read_only)) as source, closing(connect(copy)) as connection:
        copy_database(source, connection)


def _delete_copies(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if _OF_MIGRATIONS.fullmatch(path.name):
            with suppress(OSError):  # of a library that cannot be written; the next backup tries again
                path.unlink()
                yield path
