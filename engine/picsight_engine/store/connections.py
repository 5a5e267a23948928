"""SQLite connections: one reader per thread, one writer per database, and SQLite's errors turned into sentences."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from picsight_engine.errors import LibraryError, PicsightError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsight_engine.store.library_folder import OpenedFolder

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
RESTORE = "move it away with library.db-wal; then restore it from a backup, or index the folders again and import the tags from decisions.jsonl beside it."
DISK_FULL = "The disk is full. Nothing was lost; make room and try again."


def explain(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> PicsightError | None:
    """The error for a failure of the disk, the file or SQLite itself; None if our statement is at fault."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF  # the higher bits hold the extended code
    if code in _FULL:
        return StorageError(DISK_FULL)
    if primary in _DAMAGED or isinstance(error, UnicodeDecodeError) or str(error).startswith(_NONSENSE):
        return LibraryError(f"{path} is damaged ({error}). Nothing was changed; {RESTORE}")
    if str(error).startswith("no such module"):
        return LibraryError(
            f"{path} cannot be used: the SQLite of this Python ({sqlite3.sqlite_version}) was built without text search "
            f"({error}). Nothing was changed; run Picsight with another Python, such as the one from python.org."
        )
    if primary in _REFUSED:
        return StorageError(
            f"{path} cannot be written or opened ({error}). Nothing was lost; check its disk and its permissions, and close "
            "other programs that use it."
        )
    return None


def require_sqlite() -> None:
    """Raises LibraryError if this Python's SQLite is too old for the library's schema."""
    if sqlite3.sqlite_version_info < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise LibraryError(
            f"Picsight needs SQLite {oldest} or newer, and this Python has {sqlite3.sqlite_version}. Run Picsight "
            "with another Python, such as the one from python.org."
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


class Connections:
    """The open connections of one database file: one reader per thread, and one writer for one thread at a time."""

    def __init__(self, path: Path, place: OpenedFolder, *, read_only: bool = False) -> None:
        self.path = path
        self._place = place
        self.read_only = read_only
        self._local = threading.local()
        self._readers: dict[threading.Thread, sqlite3.Connection] = {}
        self._readers_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._writer_lock = threading.RLock()
        self._closed = False

    def reader(self) -> sqlite3.Connection:
        """The calling thread's read-only connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with explained(self.path):
                connection = self._connect()
                connection.execute("PRAGMA query_only = ON")
            self._keep(connection)
            self._local.connection = connection
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The calling thread's reader; SQLite's errors inside the block become LibraryError or StorageError."""
        with explained(self.path):
            yield self.reader()

    @contextmanager
    def writer(self) -> Iterator[sqlite3.Connection]:
        """The writer in one transaction: committed at the end of the block, rolled back if the block raises or the file is
        no longer in its place.
        """
        with self._writer_lock, explained(self.path):
            connection = self._open_writer()
            self._place.require()  # the block may write beside the file
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                self._place.require()
                connection.execute("COMMIT")
            except BaseException:  # also Ctrl-C: a transaction must never stay open
                if connection.in_transaction:  # a full disk has already rolled back
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Closes every connection; no other thread may be inside a call."""
        with self._readers_lock, self._writer_lock:
            self._closed = True
            for connection in self._readers.values():
                connection.close()
            self._readers.clear()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _open_writer(self) -> sqlite3.Connection:
        if self.read_only:
            raise StorageError(
                f"{self.path} is on a disk that is full or cannot be written, so nothing can be changed."
            )
        if self._closed:
            raise RuntimeError(f"{self.path} was closed")
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    def _keep(self, connection: sqlite3.Connection) -> None:
        """Remembers a reader for `close`, and closes those whose threads have ended."""
        with self._readers_lock:
            if self._closed:
                connection.close()
                raise RuntimeError(f"{self.path} was closed")
            for thread in [thread for thread in self._readers if not thread.is_alive()]:
                self._readers.pop(thread).close()
            self._readers[threading.current_thread()] = connection

    def _connect(self) -> sqlite3.Connection:
        return connect(self.path, read_only=self.read_only)


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
