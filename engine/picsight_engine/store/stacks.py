"""Stacks: photos that show the same picture. Kept beside the thumbnails, of which they are made, and gone with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from picsight_engine.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from picsight_engine.store.connections import Connections

MOST_BITS = 5  # of 64 that the perceptual hashes of two copies differ in: 99 of 100
# A photo that is like no other is a stack of its own. What it was like when it was compared is kept with it.
SCHEMA = (
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
_KNOWN = "SELECT photo_id, phash, width, height, stack FROM stacks WHERE rule = ?"
_PUT = """
INSERT OR REPLACE INTO stacks (photo_id, phash, width, height, stack, rule)
SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM thumbnails WHERE photo_id = ?)"""
_DISSOLVE = "DELETE FROM stacks WHERE photo_id = ?1 OR (stack = ?1 AND stack <> photo_id)"
_SHARED = "SELECT stack FROM stacks WHERE stack <> photo_id"
_SHARED_BY = (
    f"{_SHARED} AND stack IN (SELECT stack FROM stacks WHERE photo_id IN (SELECT value FROM json_each(?)))"
)
_MEMBERS = """
SELECT photo_id, stack FROM stacks WHERE stack <> photo_id AND stack IN ({shared})
UNION SELECT photo_id, stack FROM stacks WHERE photo_id IN ({shared}) AND stack = photo_id"""


class Sketch(NamedTuple):
    """What is compared before pixels are: signed 64-bit perceptual hash and upright size.

    A tuple, because 100,000 are read at once.
    """

    id: int
    phash: int
    width: int
    height: int


class Stacks:
    """The stacks of one library, in the database of its thumbnails; any thread may use them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def known(self, rule: int) -> dict[Sketch, int]:
        """The stack of every photo that was compared by this rule."""
        with self._connections.reading() as connection:
            return {Sketch._make(row[:4]): row[4] for row in connection.execute(_KNOWN, (rule,))}

    def put(self, found: Iterable[tuple[Sketch, int]], rule: int) -> None:
        """Stores stacks, in one transaction, but for photos whose thumbnail has gone meanwhile."""
        rows = [(*sketch, stack, rule, sketch.id) for sketch, stack in found]
        with self._connections.writer() as connection:
            connection.executemany(_PUT, rows)

    def dissolve(self, photo_ids: Iterable[int]) -> None:
        """Forgets these photos and what was stacked on them, to be compared anew."""
        with self._connections.writer() as connection:
            connection.executemany(_DISSOLVE, [(photo_id,) for photo_id in photo_ids])

    def members(self, photo_ids: Sequence[int] | None = None) -> list[tuple[int, int]]:
        """The photos that share a stack, each with its stack; of `photo_ids` and those that share theirs, or of all."""
        shared = _SHARED
        values: tuple[str, ...] = ()
        if photo_ids is not None:
            ids = json.dumps([int(each) for each in photo_ids])
            shared, values = _SHARED_BY, (ids, ids)
        try:
            with self._connections.reading() as connection:
                return connection.execute(_MEMBERS.format(shared=shared), values).fetchall()
        except LibraryError:  # of an older Picsight on a read-only medium, or damaged: `doctor` tells
            return []
