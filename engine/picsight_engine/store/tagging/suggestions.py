"""The suggestions of tags: scores that reach the threshold, and each run's changes to them, which undo needs.

Text embeddings of tags are cached too, so that ten thousand tags are not embedded again after each indexing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

_TEXT_VECTOR = np.dtype("<f4")  # full precision: suggestions must not depend on whether a vector was cached
_CHANGE = np.dtype([("photo", "<i8"), ("before", "<f4"), ("after", "<f4")])  # nan means no score

_SCORES = "SELECT photo_id, score FROM tag_photos WHERE tag_id = ? AND score IS NOT NULL"
_BEST = """
SELECT photo_id, score FROM tag_photos WHERE tag_id = ? AND score IS NOT NULL AND verdict IS NULL
ORDER BY score DESC, photo_id"""
_ANY = "SELECT 1 FROM tag_photos WHERE tag_id = ? AND score IS NOT NULL LIMIT 1"
_PUT = """
INSERT INTO tag_photos (tag_id, photo_id, score)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM photos WHERE id = ?2)
ON CONFLICT (tag_id, photo_id) DO UPDATE SET score = excluded.score"""
_DROP = "UPDATE tag_photos SET score = NULL WHERE tag_id = ? AND photo_id = ?"
_TIDY = "DELETE FROM tag_photos WHERE tag_id = ? AND photo_id = ? AND score IS NULL AND verdict IS NULL"
_OF_PHOTOS = """
SELECT tag_id, photo_id, score FROM tag_photos
WHERE score IS NOT NULL AND photo_id IN (SELECT value FROM json_each(?))"""
_NOTE = """
INSERT INTO tag_run_scores (run_id, tag_id, space, scores) VALUES (?, ?, ?, ?)"""
_CHANGES = "SELECT tag_id, space = (SELECT name FROM spaces WHERE active), scores FROM tag_run_scores WHERE run_id = ?"
# Each run adds one record and drops old ones; runs that changed nothing leave gaps in the ids.
_SHED = """
UPDATE tag_run_scores SET scores = x''
WHERE run_id IN (SELECT id FROM tag_runs ORDER BY id DESC LIMIT 8 OFFSET ?) AND length(scores) > 0"""
_STATE = "SELECT space, scored_row FROM tag_state"
_PUT_STATE = "UPDATE tag_state SET space = ?, scored_row = ?"
_BEGIN_STATE = """
UPDATE tag_state SET space = ?1, scored_row = coalesce((
    SELECT max(vectors.id) FROM vectors JOIN spaces ON spaces.id = space_id WHERE name = ?1), 0)
WHERE space IS NULL"""
_KNOWN_TEXTS = """
SELECT text, vector FROM prompt_vectors WHERE tower = ? AND text IN (SELECT value FROM json_each(?))"""
_PUT_TEXT = "INSERT OR REPLACE INTO prompt_vectors (tower, text, vector) VALUES (?, ?, ?)"
_DROP_TEXTS = "DELETE FROM prompt_vectors WHERE tower <> ?"
_REMEMBERED = 200  # runs; one run of a tag with a thousand suggestions takes 16 KB


@dataclass(frozen=True, slots=True)
class Scores:
    """The photos that a tag suggests, with their scores by a model of this space."""

    space: str
    photos: Mapping[int, float]


def best_suggestions(connection: sqlite3.Connection, tag_id: int) -> list[tuple[int, float]]:
    """The photos that a tag suggests, with their scores, best first."""
    return connection.execute(_BEST, (tag_id,)).fetchall()


def has_scores(connection: sqlite3.Connection, tag_id: int) -> bool:
    """Whether a tag has any scores, including those of photos decided since."""
    return connection.execute(_ANY, (tag_id,)).fetchone() is not None


def put_scores(connection: sqlite3.Connection, run_id: int | None, tag_id: int, found: Scores) -> bool:
    """Replaces the scores of a tag, as part of a run or without one; returns whether they changed."""
    connection.execute(_BEGIN_STATE, (found.space,))
    known = dict(connection.execute(_SCORES, (tag_id,)).fetchall())
    space, _ = scored_until(connection)
    return _replace(connection, run_id, tag_id, known, found, comes_back=space == found.space)


def add_scores(
    connection: sqlite3.Connection, run_id: int, photo_ids: Sequence[int], found: Mapping[int, Scores]
) -> bool:
    """The same for several tags, but only for these photos."""
    known: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for tag_id, photo_id, score in connection.execute(_OF_PHOTOS, (json.dumps(photo_ids),)):
        known[tag_id][photo_id] = score
    changed = [_replace(connection, run_id, tag_id, known[tag_id], rows) for tag_id, rows in found.items()]
    return any(changed)


def restore_scores(connection: sqlite3.Connection, run_id: int, *, undo: bool) -> set[int]:
    """Undoes or redoes a run's scores; returns the tags whose scores were changed since or whose record was dropped."""
    now, then = ("after", "before") if undo else ("before", "after")
    due = set()
    for tag_id, is_of_model, blob in connection.execute(_CHANGES, (run_id,)).fetchall():
        changes = np.frombuffer(blob if is_of_model else b"", _CHANGE)
        known: dict[int, float] = dict(connection.execute(_SCORES, (tag_id,)).fetchall())
        present = np.array([known.get(photo, np.nan) for photo in changes["photo"].tolist()], np.float32)
        rows = changes[(present == changes[now]) | (np.isnan(present) & np.isnan(changes[now]))]
        _write(connection, tag_id, rows["photo"], rows[then])
        if len(rows) < len(changes) or not len(changes):
            due.add(tag_id)
    return due


def drop_old_scores(connection: sqlite3.Connection) -> None:
    """Drops the score changes of old runs; undoing such a run recomputes the scores."""
    connection.execute(_SHED, (_REMEMBERED,))


def scored_until(connection: sqlite3.Connection) -> tuple[str | None, int]:
    """The space of the tags' scores, None if there are none, and the newest vector that all tags have scored."""
    state: tuple[str | None, int] = connection.execute(_STATE).fetchone()
    return state


def put_scored_until(connection: sqlite3.Connection, space: str, row: int) -> None:
    """Stores the space and the newest vector that all tags have scored."""
    connection.execute(_PUT_STATE, (space, row))


def cached_vectors(db: Database, tower: str, texts: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """The cached vectors [dim] of these texts."""
    rows = db.rows(_KNOWN_TEXTS, tower, json.dumps(list(texts)))
    return {text: np.frombuffer(blob, _TEXT_VECTOR).astype(np.float32) for text, blob in rows}


def cache_vectors(
    connection: sqlite3.Connection, tower: str, vectors: Mapping[str, NDArray[np.float32]]
) -> None:
    """Caches vectors of texts and deletes those of other towers."""
    connection.execute(_DROP_TEXTS, (tower,))
    rows = [(tower, text, vector.astype(_TEXT_VECTOR).tobytes()) for text, vector in vectors.items()]
    connection.executemany(_PUT_TEXT, rows)


def _replace(
    connection: sqlite3.Connection,
    run_id: int | None,
    tag_id: int,
    known: Mapping[int, float],
    found: Scores,
    *,
    comes_back: bool = True,
) -> bool:
    """Replaces scores. Scores of another model cannot be restored: undoing the run recomputes them."""
    scores = found.photos
    changed = {photo for photo in known.keys() | scores.keys() if known.get(photo) != scores.get(photo)}
    if not changed:
        return False
    nothing = float("nan")
    changes = np.array(
        [(photo, known.get(photo, nothing), scores.get(photo, nothing)) for photo in sorted(changed)], _CHANGE
    )
    _write(connection, tag_id, changes["photo"], changes["after"])
    if run_id is not None:
        connection.execute(_NOTE, (run_id, tag_id, found.space, changes.tobytes() if comes_back else b""))
    return True


def _write(
    connection: sqlite3.Connection, tag_id: int, photos: NDArray[np.int64], scores: NDArray[np.float32]
) -> None:
    gone = np.isnan(scores)
    lost = [(tag_id, photo) for photo in photos[gone].tolist()]
    kept = zip(photos[~gone].tolist(), scores[~gone].tolist(), strict=True)
    connection.executemany(_PUT, [(tag_id, photo, score) for photo, score in kept])
    connection.executemany(_DROP, lost)
    connection.executemany(_TIDY, lost)
