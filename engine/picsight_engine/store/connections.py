"""SQLite connections with our settings, and SQLite's errors turned into sentences."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import LibraryError, Message, PicsightError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_BUSY_SECONDS = 30.0  # a batch of another process takes milliseconds, a migration of a large library seconds
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_REFUSED = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
    }
)
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})  # ... for the log's index
# SQLite's messages if a changed byte has renamed a table or broken a text; our own statements never cause them.
_NONSENSE = (
    "no such table",
    "no such column",
    "malformed",
    "Could not decode to UTF-8",
    "vtable constructor failed",  # the index of texts
    "invalid fts5 file format",
)
_OLDEST = (3, 35)  # the first version with DROP COLUMN; trigrams came one version earlier
# SQLite would replay the log of the damaged file into the restored one, and damage that.
RESTORE = Message(
    "move it away with library.db-wal; then restore it from a backup, or index the folders again and import the tags from decisions.jsonl beside it."
)
DISK_FULL = "The disk is full. Nothing was lost; make room and try again."


def explain(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> PicsightError | None:
    """The error for a failure of the disk, the file or SQLite itself; None if our statement is at fault."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF  # the higher bits hold the extended code
    if code in _FULL:
        return StorageError(DISK_FULL)
    if primary in _DAMAGED or isinstance(error, UnicodeDecodeError) or str(error).startswith(_NONSENSE):
        return LibraryError(
            "{path} is damaged ({fault}). Nothing was changed; {restore}",
            path=path,
            fault=error,
            restore=RESTORE,
        )
    if str(error).startswith("no such module"):
        return LibraryError(
            "{path} cannot be used: the SQLite of this Python ({sqlite_version}) was built without text search "
            "({fault}). Nothing was changed; run Picsight with another Python, such as the one from python.org.",
            path=path,
            sqlite_version=sqlite3.sqlite_version,
            fault=error,
        )
    if primary in _REFUSED:
        return StorageError(
            "{path} cannot be written or opened ({fault}). Nothing was lost; check its disk and its permissions, and close "
            "other programs that use it.",
            path=path,
            fault=error,
        )
    return None


def require_sqlite() -> None:
    """Raises LibraryError if this Python's SQLite is too old for the library's schema."""
    if sqlite3.sqlite_version_info < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise LibraryError(
            "Picsight needs SQLite {oldest} or newer, and this Python has {sqlite_version}. Run Picsight "
            "with another Python, such as the one from python.org.",
            oldest=oldest,
            sqlite_version=sqlite3.sqlite_version,
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns a failure of disk or file inside the block into StorageError or LibraryError."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite's message may quote damaged text
        sentence = explain(error, path)
        if sentence is None:
            raise
        raise sentence from error


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode with our settings; a missing file is an error, an empty one a new database.

    `read_only` opens a file beside which SQLite cannot make side files, because the medium is read-only or full. The file
    must not change meanwhile.
    """
    mode = "mode=ro&immutable=1" if read_only else "mode=rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # each thread has its own; only `close` reaches across
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        # Deleted content is overwritten, not only unlinked.
        connection.execute("PRAGMA secure_delete = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def probe(path: Path, check: Callable[[sqlite3.Connection, bool], None]) -> bool:
    """Opens the file, runs `check(connection, writable)`, and returns whether the file is read-only.

    A WAL database needs side files. If a read-only medium or a full disk refuses them, the file is opened as it is. A
    file that `check` rejects stays unchanged, and so does its log.
    """
    try:
        with _log_kept(path), closing(connect(path)) as connection:
            check(connection, True)
    except sqlite3.OperationalError as error:
        refused = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
        code = error.sqlite_errorcode
        if (code & 0xFF not in refused and code not in _FULL) or not stands_alone(path):
            raise
        with closing(connect(path, read_only=True)) as connection:
            check(connection, False)
        return True
    return False


@contextmanager
def _log_kept(path: Path) -> Iterator[None]:
    """Holds a read-only connection open: the last writer to close would checkpoint a killed program's log into the file.

    If the file is damaged, reading it here fails before a writable connection has touched it.
    """
    if stands_alone(path):
        yield
        return
    with closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    ) as keeper:
        keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield


def stands_alone(path: Path) -> bool:
    """Whether the file is readable and complete without its write-ahead log."""
    log = path.with_name(path.name + "-wal")
    return os.access(path, os.R_OK) and not (log.exists() and log.stat().st_size)
