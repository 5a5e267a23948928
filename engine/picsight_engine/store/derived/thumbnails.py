"""Thumbnails of photos and of films' frames, in a separate database that can be rebuilt at any time, and stacks.

A stack is a group of photos that show the same picture. The rows of stacks and frames are deleted with the thumbnails.
"""

from __future__ import annotations

import json
from contextlib import closing, suppress
from typing import TYPE_CHECKING, NamedTuple

from picsight_engine.foundation.errors import LibraryError, StorageError, faults_as
from picsight_engine.foundation.private_files import open_private
from picsight_engine.store.connections import connect, explained, probe
from picsight_engine.store.database import Database

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

FILE_NAME = "thumbnails.db"

MOST_BITS = 5  # of 64: 99 of 100 copies differ in no more bits of the perceptual hash
# A photo without duplicates is its own stack. The hash and size that were compared are stored with it.
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS thumbnails (photo_id INTEGER PRIMARY KEY, jpeg BLOB NOT NULL)",
    # A film's frames but its first, by their seconds into it.
    """
CREATE TABLE IF NOT EXISTS frames (
    photo_id INTEGER NOT NULL REFERENCES thumbnails (photo_id) ON DELETE CASCADE,
    moment REAL NOT NULL,
    jpeg BLOB NOT NULL,
    PRIMARY KEY (photo_id, moment)
)""",
    """
CREATE TABLE IF NOT EXISTS stacks (
    photo_id INTEGER PRIMARY KEY REFERENCES thumbnails (photo_id) ON DELETE CASCADE,
    stack INTEGER NOT NULL,
    phash INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    rule INTEGER NOT NULL
)""",
    "CREATE INDEX IF NOT EXISTS stacks_shared ON stacks (stack) WHERE stack <> photo_id",
)
_PUT = "INSERT INTO thumbnails VALUES (?, ?) ON CONFLICT (photo_id) DO UPDATE SET jpeg = excluded.jpeg"
_GET = "SELECT jpeg FROM thumbnails WHERE photo_id = ?"
_IDS = "SELECT photo_id FROM thumbnails ORDER BY photo_id"
_DELETE = "DELETE FROM thumbnails WHERE photo_id = ?"
_PUT_FRAME = "INSERT INTO frames VALUES (?, ?, ?)"
_GET_FRAME = "SELECT jpeg FROM frames WHERE photo_id = ? AND moment = ?"
_DELETE_FRAMES = "DELETE FROM frames WHERE photo_id = ?"

_KNOWN = "SELECT photo_id, phash, width, height, stack FROM stacks WHERE rule = ?"
_PUT_STACK = """
INSERT OR REPLACE INTO stacks (photo_id, phash, width, height, stack, rule)
SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM thumbnails WHERE photo_id = ?)"""
_DISSOLVE = "DELETE FROM stacks WHERE photo_id = ?1 OR (stack = ?1 AND stack <> photo_id)"
_SHARED = "SELECT stack FROM stacks WHERE stack <> photo_id"
_SHARING = (
    f"{_SHARED} AND stack IN (SELECT stack FROM stacks WHERE photo_id IN (SELECT value FROM json_each(?)))"
)
_FIRSTS = """
SELECT photo_id, first FROM (
    SELECT photo_id, min(photo_id) OVER shown AS first, count(*) OVER shown AS members FROM (
        SELECT photo_id, stack FROM stacks WHERE stack <> photo_id AND stack IN ({shared})
        UNION SELECT photo_id, stack FROM stacks WHERE photo_id IN ({shared}) AND stack = photo_id)
    WINDOW shown AS (PARTITION BY stack))
WHERE members > 1"""


class Sketch(NamedTuple):
    """The values compared before any pixels: signed 64-bit perceptual hash and upright size.

    A tuple for speed, because 100,000 are read at once.
    """

    id: int
    phash: int
    width: int
    height: int


class ThumbnailStore:
    """The thumbnails of one library; thread-safe.

    Photos in `kept`, a set that the caller may change, keep their thumbnails even without files.
    """

    def __init__(self, db: Database, kept: AbstractSet[int] = frozenset()) -> None:
        self._db, self.kept = db, kept

    @classmethod
    def open(cls, folder: Path, kept: AbstractSet[int] = frozenset()) -> ThumbnailStore:
        """Opens or creates the library's thumbnails; replaces a damaged or foreign file by an empty one."""
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
        return cls(Database(path, folder, read_only=read_only), kept)

    def put(self, jpegs: Mapping[int, bytes], frames: Iterable[tuple[int, float, bytes]] = ()) -> None:
        """Writes the thumbnails of photos, and all frames of films among them, each with photo and moment, in one transaction.

        Raises StorageError on a full disk.
        """
        if jpegs:
            with self._db.writer() as connection:
                connection.executemany(_PUT, jpegs.items())
                connection.executemany(_DELETE_FRAMES, [(photo_id,) for photo_id in jpegs])
                connection.executemany(_PUT_FRAME, frames)

    def get(self, photo_id: int, moment: float | None = None) -> bytes | None:
        """The JPEG of a photo, or of a film's frame at `moment` if that is stored; None if there is none or its page is damaged
        (`doctor` rebuilds the file).
        """
        frame = None if moment is None else self._jpeg(_GET_FRAME, photo_id, moment)
        return frame or self._jpeg(_GET, photo_id)

    def _jpeg(self, statement: str, *key: float) -> bytes | None:
        try:
            row = self._db.row(statement, *key)
        except LibraryError:  # damaged, or frames from an older Picsight on a read-only medium
            return None
        return None if row is None else row[0]

    def ids(self) -> list[int]:
        """The photos that have a thumbnail."""
        return self._db.column(_IDS)

    def delete(self, photo_ids: Iterable[int]) -> None:
        """Deletes thumbnails at once and overwrites their bytes, so that no private picture remains on disk."""
        ids = [(photo_id,) for photo_id in photo_ids]
        if ids:
            with self._db.writer() as connection:
                connection.executemany(_DELETE, ids)

    def stacks(self, rule: int) -> dict[Sketch, int]:
        """The stack of every photo that was compared by this rule."""
        return {Sketch._make(row[:4]): row[4] for row in self._db.rows(_KNOWN, rule)}

    def put_stacks(self, found: Iterable[tuple[Sketch, int]], rule: int) -> None:
        """Stores stacks in one transaction; skips photos whose thumbnail was deleted meanwhile."""
        rows = [(*sketch, stack, rule, sketch.id) for sketch, stack in found]
        with self._db.writer() as connection:
            connection.executemany(_PUT_STACK, rows)

    def dissolve_stacks(self, photo_ids: Iterable[int]) -> None:
        """Deletes the stacks of these photos, so that their members are compared again."""
        with self._db.writer() as connection:
            connection.executemany(_DISSOLVE, [(photo_id,) for photo_id in photo_ids])

    def firsts(self, photo_ids: Sequence[int] | None = None) -> dict[int, int]:
        """The first photo of each stack with several photos, by photo: for `photo_ids` and their duplicates, or for all."""
        shared, values = _SHARED, tuple[str, ...]()
        if photo_ids is not None:
            shared, values = _SHARING, (json.dumps([int(each) for each in photo_ids]),) * 2
        try:
            return dict(self._db.rows(_FIRSTS.format(shared=shared), *values))
        except LibraryError:  # from an older Picsight on a read-only medium, or damaged: `doctor` reports it
            return {}

    def faults(self) -> list[str]:
        """The faults that SQLite finds in the file; empty if it is sound."""
        try:
            rows = self._db.column("PRAGMA quick_check")
        except LibraryError as error:
            return [str(error)]
        return [] if rows == ["ok"] else rows

    def close(self) -> None:
        """Closes every thread's connection; no other thread may be inside a call."""
        self._db.close()


def remove(folder: Path) -> None:
    """Deletes the library's closed thumbnails; indexing makes them again. Raises StorageError if that is not possible."""
    words = "The damaged {path} cannot be deleted ({reason}); close what uses it, or delete it."
    with faults_as(OSError, StorageError, words, path=folder / FILE_NAME):
        for suffix in ("", "-wal", "-shm"):
            (folder / (FILE_NAME + suffix)).unlink(missing_ok=True)


def _create(path: Path) -> None:
    with suppress(FileExistsError):  # another process was first
        open_private(path, "xb").close()
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        _make_tables(connection)


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)


def _check(connection: sqlite3.Connection, writable: bool) -> None:
    """Raises SQLite's error, which becomes LibraryError, for a foreign file."""
    if writable:
        _make_tables(connection)
    connection.execute(_GET, (0,)).fetchone()
