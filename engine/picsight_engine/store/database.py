"""The library's database: connections, transactions, and an indexing run's lock. `store.opening` opens one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from picsight_engine.errors import BusyError, StorageError
from picsight_engine.private_files import FILE_MODE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from picsight_engine.store.connections import Connections

FILE_NAME = "library.db"
LOCK_NAME = "index.lock"


class Database:
    """An open library database; any thread may use it."""

    def __init__(
        self, folder: Path, connections: Connections, before_commit: Callable[[sqlite3.Connection], None]
    ) -> None:
        """`before_commit` is called at the end of each transaction, inside it."""
        self.folder = folder
        self.path = connections.path
        self._connections = connections
        self._before_commit = before_commit

    @property
    def read_only(self) -> bool:
        """Whether the library lies on a read-only medium; searching still works."""
        return self._connections.read_only

    def reader(self) -> sqlite3.Connection:
        """The calling thread's read-only connection."""
        return self._connections.reader()

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """The calling thread's reader; failures inside the block become LibraryError or StorageError."""
        return self._connections.reading()

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
        with self._connections.writer() as connection:
            yield connection
            self._before_commit(connection)

    def close(self) -> None:
        """Closes every thread's connection; no other thread may be inside a call."""
        self._connections.close()


@contextmanager
def index_lock(folder: Path) -> Iterator[None]:
    """The lock of an indexing run on the library in `folder`; a second run raises BusyError at once."""
    from filelock import FileLock, Timeout  # lazy: a search need not pay 35 ms

    lock = FileLock(folder / LOCK_NAME, mode=FILE_MODE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(
            f"Another Picsight is indexing into {folder} right now; wait until it has finished."
        ) from None
    except OSError as error:
        raise StorageError(f"The library folder {folder} cannot be written ({error.strerror}).") from error
    try:
        yield
    finally:
        lock.release()
