"""The small pictures of photos, in a database of their own that can be made again at any time."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from picsight_engine.errors import LibraryError, StorageError
from picsight_engine.private_files import make_private_file
from picsight_engine.store.connections import Connections, connect, explained, probe
from picsight_engine.store.library_folder import OpenedFolder
from picsight_engine.store.stacks import SCHEMA as STACKS
from picsight_engine.store.stacks import Stacks

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from pathlib import Path

FILE_NAME = "thumbnails.db"

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS thumbnails (photo_id INTEGER PRIMARY KEY, jpeg BLOB NOT NULL)",
    *STACKS,
)
_PUT = "INSERT INTO thumbnails VALUES (?, ?) ON CONFLICT (photo_id) DO UPDATE SET jpeg = excluded.jpeg"
_GET = "SELECT jpeg FROM thumbnails WHERE photo_id = ?"
_HAS = "SELECT 1 FROM thumbnails WHERE photo_id = ?"
_IDS = "SELECT photo_id FROM thumbnails ORDER BY photo_id"
_DELETE = "DELETE FROM thumbnails WHERE photo_id = ?"


class ThumbnailStore:
    """The thumbnails of one library; any thread may use it. What is put is written by the next `commit`.

    Those of the photos in `kept`, which whoever opened this may change, stay though nothing shows them.
    """

    def __init__(self, connections: Connections, kept: AbstractSet[int] = frozenset()) -> None:
        self._connections, self.kept = connections, kept
        self.stacks = Stacks(connections)
        self._waiting: dict[int, bytes] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path, kept: AbstractSet[int] = frozenset()) -> ThumbnailStore:
        """Opens or makes the library's thumbnails; a damaged or foreign file is replaced by an empty one."""
        path = folder / FILE_NAME
        try:
            with explained(path):
                if not path.exists() or not path.stat().st_size:  # a kill may have left it empty
                    _create(path)
                read_only = probe(path, _check)
        except LibraryError:
            remove(folder)
            with explained(path):
                _create(path)
            read_only = False
        return cls(Connections(path, OpenedFolder(folder), read_only=read_only), kept)

    def put(self, photo_id: int, jpeg: bytes) -> None:
        """Keeps a thumbnail until `commit`; call it after the photo itself is safe, or `discard`."""
        with self._lock:
            self._waiting[photo_id] = jpeg

    def commit(self) -> None:
        """Writes what was put, in one transaction; StorageError on a full disk."""
        with self._lock:
            if self._waiting:
                with self._connections.writer() as connection:
                    connection.executemany(_PUT, list(self._waiting.items()))
                self._waiting.clear()

    def discard(self) -> None:
        """Drops what was put and not written, because its photos were not."""
        with self._lock:
            self._waiting.clear()

    def get(self, photo_id: int) -> bytes | None:
        """The photo's JPEG, None if there is none (or its page is damaged: `doctor` makes the file anew)."""
        try:
            with self._connections.reading() as connection:
                row = connection.execute(_GET, (photo_id,)).fetchone()
        except LibraryError:
            return None
        return None if row is None else row[0]

    def has(self, photo_id: int) -> bool:
        """Whether the photo has a thumbnail, without reading it."""
        with self._connections.reading() as connection:
            return connection.execute(_HAS, (photo_id,)).fetchone() is not None

    def ids(self) -> list[int]:
        """The photos that have a thumbnail."""
        with self._connections.reading() as connection:
            return [photo_id for (photo_id,) in connection.execute(_IDS)]

    def delete(self, photo_ids: Iterable[int]) -> None:
        """Removes thumbnails at once and overwrites their bytes: a deleted private picture must not linger."""
        ids = [(photo_id,) for photo_id in photo_ids]
        if ids:
            with self._connections.writer() as connection:
                connection.executemany(_DELETE, ids)

    def faults(self) -> list[str]:
        """What SQLite finds wrong in the file; empty when it is sound."""
        try:
            with self._connections.reading() as connection:
                rows = [text for (text,) in connection.execute("PRAGMA quick_check")]
        except LibraryError as error:
            return [str(error)]
        return [] if rows == ["ok"] else rows

    def close(self) -> None:
        """Closes every thread's connection; no other thread may be inside a call."""
        self._connections.close()


def remove(folder: Path) -> None:
    """Deletes the library's thumbnails (all of them closed); they are made again when their photos are.

    Raises StorageError when the disk or another program that has them open does not allow it.
    """
    try:
        for suffix in ("", "-wal", "-shm"):
            (folder / (FILE_NAME + suffix)).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"The damaged {folder / FILE_NAME} cannot be deleted ({error.strerror}); close what uses it, or delete it."
        ) from error


def _create(path: Path) -> None:
    with suppress(FileExistsError):  # another process was first
        make_private_file(path)
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        _make_tables(connection)


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)


def _check(connection: sqlite3.Connection, writable: bool) -> None:
    """LibraryError, by way of SQLite's own, for a file that is none of ours."""
    if writable:
        _make_tables(connection)
    connection.execute(_HAS, (0,)).fetchone()
