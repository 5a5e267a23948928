"""What was derived from photos: a row for each photo and kind, with the rule by which it was made and its state.

The things themselves lie elsewhere. A row does not prove that something outside `library.db` exists: that can be deleted at any
time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from picsight_engine.store.database import Database

    State = Literal["done", "nothing", "failed"]

MOST_TRIES = 3  # for one photo; a machine short of memory causes failures, too

_PUT = """
INSERT INTO derived (photo_id, kind, rule, state) SELECT id, ?2, ?3, ?4 FROM photos WHERE id = ?1
ON CONFLICT (photo_id, kind) DO UPDATE SET rule = excluded.rule, state = excluded.state,
    tries = CASE WHEN (state, rule) = ('failed', excluded.rule) THEN tries + 1 ELSE 1 END"""
_SETTLED = f"""
SELECT photo_id FROM derived WHERE kind = ? AND rule >= ? AND (state <> 'failed' OR tries >= {MOST_TRIES})"""
_FILES_DUE = f"""
SELECT folder_id, name FROM files WHERE present AND single_id IS NULL AND photo_id NOT IN ({_SETTLED})"""
_FORGET = "DELETE FROM derived WHERE kind = ? RETURNING photo_id"


def record_derived(
    connection: sqlite3.Connection, kind: str, rule: int, photo_ids: Iterable[int], state: State
) -> None:
    """Records in the caller's transaction what became of a kind for these photos; unknown photos are left out."""
    connection.executemany(_PUT, [(photo_id, kind, rule, state) for photo_id in photo_ids])


def settled_photos(db: Database, kind: str, rule: int) -> frozenset[int]:
    """The photos for which nothing of this kind is due by this rule: made, found to have none, or given up."""
    return frozenset(db.column(_SETTLED, kind, rule))


def files_due(db: Database, kind: str, rule: int) -> set[tuple[int, bytes]]:
    """The present files, by folder and name, whose photos are due; not the files behind others."""
    return set(db.rows(_FILES_DUE, kind, rule))


def forget_rows(connection: sqlite3.Connection, kind: str) -> list[int]:
    """Deletes a kind's rows; returns their photos."""
    return [photo_id for (photo_id,) in connection.execute(_FORGET, (kind,))]
