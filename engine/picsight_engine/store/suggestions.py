"""What tags suggest: scores that reach the threshold, and what each run changed of them, so that it can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from numpy.typing import NDArray

_CHANGE = np.dtype([("photo", "<i8"), ("before", "<f4"), ("after", "<f4")])  # nan is no score

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
_NOTE = """
INSERT INTO tag_run_scores (run_id, tag_id, space, scores) VALUES (?, ?, ?, ?)"""
_CHANGES = """
SELECT tag_id, scores FROM tag_run_scores WHERE run_id = ? AND space = (SELECT name FROM spaces WHERE active)"""


@dataclass(frozen=True, slots=True)
class Scores:
    """The photos that a tag suggests, with how likely they are, by a model of this space."""

    space: str
    photos: Mapping[int, float]


def best_suggestions(connection: sqlite3.Connection, tag_id: int) -> list[tuple[int, float]]:
    """The photos that a tag suggests, with their scores, best first."""
    return connection.execute(_BEST, (tag_id,)).fetchall()


def has_scores(connection: sqlite3.Connection, tag_id: int) -> bool:
    """Whether a tag suggests anything, or did before it was decided."""
    return connection.execute(_ANY, (tag_id,)).fetchone() is not None


def put_scores(connection: sqlite3.Connection, run_id: int, tag_id: int, found: Scores) -> bool:
    """Makes these the scores of a tag, as a part of a run; returns whether they are others than before."""
    scores = found.photos
    known: dict[int, float] = dict(connection.execute(_SCORES, (tag_id,)).fetchall())
    changed = {photo for photo in known.keys() | scores.keys() if known.get(photo) != scores.get(photo)}
    if not changed:
        return False
    nothing = float("nan")
    changes = np.array(
        [(photo, known.get(photo, nothing), scores.get(photo, nothing)) for photo in sorted(changed)], _CHANGE
    )
    _write(connection, tag_id, changes["photo"], changes["after"])
    connection.execute(_NOTE, (run_id, tag_id, found.space, changes.tobytes()))
    return True


def turn_scores(connection: sqlite3.Connection, run_id: int, *, back: bool) -> None:
    """Takes a run's scores back, or gives them again, but for those that a later run has changed, or another model."""
    now, then = ("after", "before") if back else ("before", "after")
    for tag_id, blob in connection.execute(_CHANGES, (run_id,)).fetchall():
        changes = np.frombuffer(blob, _CHANGE)
        known: dict[int, float] = dict(connection.execute(_SCORES, (tag_id,)).fetchall())
        present = np.array([known.get(photo, np.nan) for photo in changes["photo"].tolist()], np.float32)
        own = changes[(present == changes[now]) | (np.isnan(present) & np.isnan(changes[now]))]
        _write(connection, tag_id, own["photo"], own[then])


def _write(
    connection: sqlite3.Connection, tag_id: int, photos: NDArray[np.int64], scores: NDArray[np.float32]
) -> None:
    gone = np.isnan(scores)
    lost = [(tag_id, photo) for photo in photos[gone].tolist()]
    kept = zip(photos[~gone].tolist(), scores[~gone].tolist(), strict=True)
    connection.executemany(_PUT, [(tag_id, photo, score) for photo, score in kept])
    connection.executemany(_DROP, lost)
    connection.executemany(_TIDY, lost)
