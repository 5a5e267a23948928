"""An open database: its connections and transactions, and an indexing run's lock. `store.opening` opens a library's."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsight_engine.bundles.writable_folder import locked
from picsight_engine.foundation.errors import Message, StorageError, faults_as
from picsight_engine.store.connections import connect, explained

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

FILE_NAME = "library.db"
LOCK_NAME = "index.lock"


class Database:
    """An open database file; any thread may use it: each has a reader, and one at a time has the writer."""

    def __init__(
        self,
        path: Path,
        *places: Path,
        read_only: bool = False,
        before_commit: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> None:
        """Nothing is written once other files have taken the `places`; `before_commit` is called at the end of each
        transaction, inside it.

        Raises:
            StorageError: a place does not exist.
        """
        self.folder = path.parent
        self.path = path
        self.read_only = read_only  # it lies on a read-only medium; searching still works
        self._before_commit = before_commit
        self._places = places
        self._known = self._identities()
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
                connection = connect(self.path, read_only=self.read_only)
                connection.execute("PRAGMA query_only = ON")
            self._keep(connection)
            self._local.connection = connection
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The calling thread's reader; SQLite's errors inside the block become LibraryError or StorageError."""
        with explained(self.path):
            yield self.reader()

    def rows(self, statement: str, *values: object) -> list[Any]:
        """All rows of a query; raises as `reading` does."""
        with self.reading() as connection:
            return connection.execute(statement, values).fetchall()

    def column(self, statement: str, *values: object) -> list[Any]:
        """The first value of each row."""
        return [row[0] for row in self.rows(statement, *values)]

    def row(self, statement: str, *values: object) -> Any:
        """The first row, or None."""
        with self.reading() as connection:
            return connection.execute(statement, values).fetchone()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """The calling thread's reader in a read transaction: the block sees one state, whatever is written meanwhile."""
        with self.reading() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writer(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end of the block, rolled back if it raises.

        Raises StorageError if the disk is full, read-only or gone, or the library has been moved since it was opened, and
        LibraryError if the file is damaged.
        """
        with self._writer_lock, explained(self.path):
            connection = self._open_writer()
            self._require_places()  # the block may write beside the file
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                self._before_commit(connection)
                self._require_places()
                connection.execute("COMMIT")
            except BaseException:  # also Ctrl-C: a transaction must never stay open
                if connection.in_transaction:  # a full disk has already rolled back
                    connection.execute("ROLLBACK")
                raise

    def vacuum(self) -> None:
        """Gives the space of what was deleted back to the disk, so that no byte of it is left; raises as `writer` does."""
        with self._writer_lock, explained(self.path):
            connection = self._open_writer()
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Closes every thread's connection; no other thread may be inside a call."""
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
                "{path} is on a disk that is full or cannot be written, so nothing can be changed.",
                path=self.path,
            )
        if self._closed:
            raise RuntimeError(f"{self.path} was closed")
        if self._writer is None:
            self._writer = connect(self.path)
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

    def _require_places(self) -> None:
        """Raises StorageError if other files have taken the places: what is written to a deleted file is lost."""
        if self._identities() != self._known:
            raise StorageError(
                "Another library has taken the place of {folder} meanwhile, so nothing more was stored. "
                "Start Picsight again.",
                folder=self.folder,
            )

    def _identities(self) -> list[tuple[int, int]]:
        words = "The library folder {folder} no longer exists, so nothing more was stored. Connect its disk, or index the folders again."
        with faults_as(OSError, StorageError, words, folder=self.folder):
            return [(info.st_dev, info.st_ino) for info in map(Path.stat, self._places)]


def index_lock(folder: Path) -> AbstractContextManager[None]:
    """The lock of an indexing run on the library in `folder`; a second run raises BusyError at once."""
    words = "Another Picsight is indexing into {folder} right now; wait until it has finished."
    return locked(folder / LOCK_NAME, Message(words, folder=folder))
