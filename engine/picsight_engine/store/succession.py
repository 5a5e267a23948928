"""What a person said of a file's picture holds for what the file shows once another program has edited it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.store.decisions import settle_photo
from picsight_engine.store.stacks import MOST_BITS
from picsight_engine.store.tags import count_up

if TYPE_CHECKING:
    import sqlite3

_ALL_BITS = 2**64 - 1  # hashes are stored signed
_SHOWN = "SELECT photo_id, taken FROM files WHERE id = ? AND photo_id IS NOT NULL"
_PHASHES = "SELECT phash FROM photos WHERE id IN (?, ?)"
# Of the runs that these words were part of, so that they are taken back together.
_DECIDE = """
INSERT INTO tag_decisions (tag_id, photo_id, verdict, source, run_id, decided_at, score)
SELECT tag_id, ?2, verdict, source, run_id, decided_at, score FROM tag_decisions AS said WHERE photo_id = ?1
    AND NOT EXISTS (SELECT 1 FROM tag_decisions WHERE photo_id = ?2 AND tag_id = said.tag_id) ORDER BY id"""
_RATE = """
INSERT INTO ratings (photo_id, stars, run_id, rated_at)
SELECT ?2, stars, run_id, rated_at FROM ratings WHERE photo_id = ?1
    AND NOT EXISTS (SELECT 1 FROM ratings WHERE photo_id = ?2) ORDER BY id"""


def is_same_shot(connection: sqlite3.Connection, file_id: int, photo_id: int, taken: str | None) -> bool:
    """Whether what a file has shown so far and a photo are one shot, and not two under a name that a camera gave again.

    Both were taken at the same second, the latter as the file says now, or they look alike as copies do.
    """
    shown = connection.execute(_SHOWN, (file_id,)).fetchone()
    if shown is None:
        return False
    before, then = shown
    return (taken is not None and taken == then) or look_alike(connection, before, photo_id)


def look_alike(connection: sqlite3.Connection, one: int, other: int) -> bool:
    """Whether two photos look alike as copies do."""
    (a,), (b,) = connection.execute(_PHASHES, (one, other)).fetchall()
    return None not in {a, b} and ((a ^ b) & _ALL_BITS).bit_count() <= MOST_BITS


def say_again(connection: sqlite3.Connection, before: int, after: int) -> None:
    """Lets decisions and stars of the photo `before` hold for `after` too, where nothing was said of that itself."""
    moved = [connection.execute(statement, (before, after)).rowcount for statement in (_DECIDE, _RATE)]
    if any(moved):
        settle_photo(connection, after)
        count_up(connection)
