"""Opens a library's database file: creates it, checks it, and migrates it after a backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import LibraryError, RequestError, StorageError, faults_as
from picsight_engine.foundation.private_files import (
    DRAFTED,
    drafted,
    make_private_folder,
    move_unless_there,
    sweep_drafts,
    write_private,
)
from picsight_engine.store.connections import RESTORE, connect, explained, probe, require_sqlite, stands_alone
from picsight_engine.store.database import FILE_NAME, Database
from picsight_engine.store.full_text import write_due_texts
from picsight_engine.store.library_folder import DECISIONS, close_to_others, require_library_folder
from picsight_engine.store.migrations import MIGRATIONS, migrate

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.store.migrations import Steps

APPLICATION_ID = 0x50535431  # "PST1" in the file's header marks a Picsight library under any name


def open_database(folder: Path, *, create: bool = True, steps: Steps = MIGRATIONS) -> Database:
    """Opens the library in `folder`; backs up an older one and migrates it.

    Raises RequestError if there is none and `create` is false, ForeignFolderError if the folder holds other files instead,
    LibraryError if the library is damaged, made by a newer program or not a library, or if this Python's SQLite is
    unsuitable, and StorageError if the folder cannot be used.
    """
    require_sqlite()
    path = folder / FILE_NAME
    if not _is_there(path):
        require_library_folder(folder)
        if not create:
            raise RequestError("There is no library in {folder}; index a folder first.", folder=folder)
        _create(path, steps)
    with explained(path):
        read_only = _prepare(path, steps)
    if not read_only:
        close_to_others(folder)
    return Database(path, folder, path, read_only=read_only, before_commit=write_due_texts)


def back_up(connection: sqlite3.Connection, target: Path, version: int) -> None:
    """Copies the whole database to `target`, which appears only once it is complete and on disk; skips the copy if another
    process has migrated the database from `version` meanwhile.
    """
    sweep_drafts(target.parent, target.name + DRAFTED)
    with drafted(target) as draft:
        with closing(sqlite3.connect(draft)) as copy:
            connection.backup(copy)
            (copied,) = copy.execute("PRAGMA user_version").fetchone()
        if copied != version:
            draft.unlink()


def put_log_aside(path: Path) -> None:
    """Renames the log of a library that was at `path`: SQLite would replay it into a new one. Raises OSError."""
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.replace(side.with_name(side.name + ".orphan"))


def _is_there(path: Path) -> bool:
    words = "The library folder {parent} cannot be opened ({reason})."
    with (
        faults_as(OSError, StorageError, words, parent=path.parent),
        suppress(FileNotFoundError, NotADirectoryError),
    ):
        path.stat()
        return True
    return False


def _create(path: Path, steps: Steps) -> None:
    """Makes a new library under a temporary name and moves it into place, so that it is never incomplete."""
    words = "The library folder {parent} cannot be made or written ({reason}); choose another one."
    with faults_as(OSError, StorageError, words, parent=path.parent):
        make_private_folder(path.parent)
        put_log_aside(path)
        with drafted(path) as draft:
            with explained(path), closing(connect(draft)) as connection:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                migrate(connection, steps)
                connection.execute("PRAGMA journal_mode = WAL")  # stored in the file
            try:
                move_unless_there(draft, path)
            except FileExistsError:  # another process has made the library meanwhile
                draft.unlink()


def _prepare(path: Path, steps: Steps) -> bool:
    """Checks the file and migrates its schema; returns whether it is read-only."""

    def check(connection: sqlite3.Connection, writable: bool) -> None:
        version = _checked_version(connection, path, len(steps))
        if version == len(steps):
            return
        if not writable:
            raise StorageError(
                "{path} is from an older Picsight and on a disk that cannot be written.", path=path
            )
        words = "{path} is from an older Picsight, and a backup cannot be written beside it ({reason}). Make room, or check the permissions of its folder."
        with faults_as(OSError, StorageError, words, path=path):
            back_up(connection, path.with_name(f"library.v{version}.backup.db"), version)
            decisions = path.with_name(DECISIONS)  # newer programs can read it without the database backup
            if decisions.exists():
                write_private(path.with_name(f"library.v{version}.backup.jsonl"), decisions.read_bytes())
        migrate(connection, steps)

    if path.stat().st_size == 0:  # SQLite would treat it as a new database and discard its log
        raise LibraryError(
            "{path} is empty. Nothing was changed; move it away or choose another library folder.", path=path
        )
    return probe(path, check)


def _checked_version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    """The schema's version; LibraryError if the file is not a library, newer than this program, or truncated."""
    ours = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if ours != APPLICATION_ID:
        raise LibraryError(
            "{path} is not a Picsight library. Nothing was changed; move it away or choose another library folder.",
            path=path,
        )
    if version > known:
        raise LibraryError(
            "{path} was made by a newer Picsight (version {version} of the library, this program knows {known}); "
            "update Picsight to open it. Nothing was changed.",
            path=path,
            version=version,
            known=known,
        )
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # parses the whole schema
    _refuse_cut_file(connection, path)
    return version


def _refuse_cut_file(connection: sqlite3.Connection, path: Path) -> None:
    """Raises if the file is shorter than its page count; with a log beside it, the pages may be in the log."""
    if stands_alone(path):
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
        page_size: int = connection.execute("PRAGMA page_size").fetchone()[0]
        if path.stat().st_size < pages * page_size:
            raise LibraryError(
                "{path} is damaged (its end is missing). Nothing was changed; {restore}",
                path=path,
                restore=RESTORE,
            )
