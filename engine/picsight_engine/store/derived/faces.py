"""Faces of photos, the groups of those that look alike, and what a person put away.

A face keeps its number while its picture is read again, and a number is never used twice: decisions are about it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.face import FACE_DIM, FACE_SPACE, SAME_OVERLAP, Box
from picsight_engine.store.files import IDS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.foundation.face import FoundFace, PutAway
    from picsight_engine.store.database import Database

LEAST_SCORE = 0.8  # of a face that counts
# Only core faces, which are large, sure and frontal, form groups (CORE_PIXELS in the picture as it was taken).
CORE_PIXELS, MOST_MISFIT = 40, 6
_VECTOR = np.dtype("<f2")

_BOX = "x, y, width, height"
# A face alone is in no group.
_GROUP = (
    "(SELECT min(group_id) FROM faces AS other WHERE other.group_id = faces.group_id HAVING count(*) > 1)"
)
_COLUMNS = f"id, photo_id, {_BOX}, score, {_GROUP}, put_away"
_CORE = f"score >= {LEAST_SCORE} AND pixels >= {CORE_PIXELS} AND misfit < {MOST_MISFIT}"
_BOXES_OF = f"SELECT id, {_BOX} FROM faces WHERE photo_id = ?"
_ADD = f"""
INSERT INTO faces (photo_id, {_BOX}, score, pixels, misfit, space, vector, written_name)
SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
WHERE EXISTS (SELECT 1 FROM photos WHERE id = ?1)"""
_MARK = f"INSERT INTO faces (photo_id, {_BOX}) VALUES (?, ?, ?, ?, ?)"
_PUT = """
UPDATE faces SET x = ?, y = ?, width = ?, height = ?, score = ?, pixels = ?, misfit = ?, space = ?, vector = ?, written_name = ?
WHERE id = ?"""
# What a person decided about stays, seen again or not.
_DROP = """
DELETE FROM faces WHERE id = ? AND put_away IS NULL
AND NOT EXISTS (SELECT 1 FROM tag_decisions WHERE face_id = faces.id)"""
_OF_PHOTOS = f"SELECT {_COLUMNS} FROM faces WHERE photo_id IN {IDS} ORDER BY photo_id, x"
_BY_ID = f"SELECT {_COLUMNS} FROM faces WHERE id IN {IDS} ORDER BY id"
_VECTORS = f"""
SELECT id, photo_id, {_CORE}, vector FROM faces
WHERE space = '{FACE_SPACE}' AND length(vector) = {FACE_DIM * _VECTOR.itemsize} ORDER BY id"""
_GROUPS = "SELECT id, coalesce(group_id, 0) FROM faces WHERE put_away IS NULL ORDER BY id"
_IN_GROUP = "SELECT id FROM faces WHERE group_id = ? AND put_away IS NULL ORDER BY id"
_AWAY = "SELECT id FROM faces INDEXED BY faces_away WHERE put_away IS NOT NULL"
_NEXT_GROUP = "UPDATE tag_state SET last_group = last_group + 1 RETURNING last_group"
_JOIN = "UPDATE faces SET group_id = ? WHERE id = ? AND group_id IS NULL"
_MOVE = f"""
INSERT INTO face_moves (run_id, face_id, group_before, group_after, away_before, away_after)
SELECT ?1, id, group_id, iif(?3, ?4, group_id), put_away, iif(?3, put_away, ?4) FROM faces WHERE id IN {IDS.replace("?", "?2")}"""
_APPLY = """
UPDATE faces SET group_id = move.group_{then}, put_away = move.away_{then} FROM face_moves AS move
WHERE move.run_id = ? AND move.face_id = faces.id
    AND faces.group_id IS move.group_{now} AND faces.put_away IS move.away_{now}"""
_COUNT_PHOTOS = "SELECT count(DISTINCT photo_id) FROM faces"
_FORGET_REJECTED = """
DELETE FROM tag_decisions WHERE face_id IS NOT NULL AND verdict <> 'accepted' AND EXISTS (
    SELECT 1 FROM tag_photos WHERE tag_id = tag_decisions.tag_id AND photo_id = tag_decisions.photo_id AND verdict = 'accepted')"""
_FORGET = "DELETE FROM faces"
_NAMED = "SELECT id, photo_id, written_name FROM faces WHERE written_name IS NOT NULL AND put_away IS NULL ORDER BY id"
_TAKEN = "UPDATE faces SET written_name = NULL WHERE written_name IS NOT NULL"
_IN_SIGHT = (
    "photo_id NOT IN (SELECT id FROM photos WHERE missing_since IS NOT NULL) AND put_away IS NOT 'no face'"
)
_WITH_NUMBER = f"""
SELECT photo_id FROM faces WHERE score >= {LEAST_SCORE} AND {_IN_SIGHT} GROUP BY photo_id
HAVING count(*) BETWEEN ? AND ? ORDER BY photo_id"""
_SWITCH = "UPDATE tag_state SET finds_people = ?"
_IS_ON = "SELECT finds_people FROM tag_state"


@dataclass(frozen=True, slots=True)
class Face:
    """A stored face: its `group` is None if it looks like no other, or not clearly enough."""

    id: int
    photo_id: int
    box: Box
    score: float
    group: int | None
    put_away: PutAway | None


@dataclass(frozen=True, slots=True)
class FaceRows:
    """The faces with a vector, ascending by number: core faces may form groups."""

    ids: NDArray[np.int64]  # [n]
    photo_ids: NDArray[np.int64]  # [n]
    is_core: NDArray[np.bool_]  # [n]
    vectors: NDArray[np.float32]  # [n, 128]


def put_faces(connection: sqlite3.Connection, found: Mapping[int, Sequence[FoundFace] | None]) -> None:
    """Stores the faces of photos, in the caller's transaction; a face at the place of a known one keeps its number."""
    for photo_id, faces in found.items():
        left = _boxes_of(connection, photo_id)
        for face in faces or ():
            values = (
                *face.box,
                face.score,
                face.pixels,
                face.misfit,
                FACE_SPACE,
                face.vector or None,
                face.name,
            )
            known = _same(left, face.box)
            if known is None:
                connection.execute(_ADD, (photo_id, *values))
            else:
                del left[known]
                connection.execute(_PUT, (*values, known))
        connection.executemany(_DROP, [(face_id,) for face_id in left])


def face_at(connection: sqlite3.Connection, photo_id: int, box: Box) -> int:
    """The face at this place of a photo; without one, a face is added that has no vector until one is found there."""
    known = _same(_boxes_of(connection, photo_id), box)
    if known is None:
        known = connection.execute(_MARK, (photo_id, *box)).lastrowid
    return known or 0


def names_in_files(connection: sqlite3.Connection) -> list[tuple[int, int, str]]:
    """The faces that other programs named and nobody has taken over yet: face, photo, name."""
    return connection.execute(_NAMED).fetchall()


def end_names_in_files(connection: sqlite3.Connection) -> None:
    """Forgets these names, which were taken over."""
    connection.execute(_TAKEN)


def _boxes_of(connection: sqlite3.Connection, photo_id: int) -> dict[int, Box]:
    return {face_id: Box(*box) for face_id, *box in connection.execute(_BOXES_OF, (photo_id,))}


def _same(boxes: Mapping[int, Box], box: Box) -> int | None:
    """The face whose box overlaps this one most; None if none does enough."""
    overlaps = {face_id: other.overlap(box) for face_id, other in boxes.items()}
    best = max(overlaps, key=overlaps.__getitem__, default=None)
    return best if best is not None and overlaps[best] >= SAME_OVERLAP else None


def faces_of(db: Database, photo_ids: Iterable[int]) -> list[Face]:
    """The faces of these photos, those of one photo from left to right."""
    return [_face(row) for row in db.rows(_OF_PHOTOS, json.dumps([*photo_ids]))]


def faces_by_id(connection: sqlite3.Connection, face_ids: Iterable[int]) -> dict[int, Face]:
    """Those of these faces that there are."""
    rows = connection.execute(_BY_ID, (json.dumps([*face_ids]),))
    return {row[0]: _face(row) for row in rows}


def face_rows(db: Database) -> FaceRows:
    """All faces with a vector of the present space."""
    rows = db.rows(_VECTORS)
    ids, photo_ids, is_core, vectors = zip(*rows, strict=True) if rows else ((), (), (), ())
    matrix = np.frombuffer(b"".join(vectors), _VECTOR).reshape(len(rows), FACE_DIM).astype(np.float32)
    return FaceRows(
        np.array(ids, np.int64), np.array(photo_ids, np.int64), np.array(is_core, np.bool_), matrix
    )


def groups_of_faces(db: Database) -> dict[int, int]:
    """The group of each face that is not put away, 0 without one."""
    return dict(db.rows(_GROUPS))


def faces_in_group(connection: sqlite3.Connection, group: int) -> list[int]:
    """The faces of a group that are not put away."""
    return [face_id for (face_id,) in connection.execute(_IN_GROUP, (min(group, 2**63 - 1),))]


def faces_put_away(connection: sqlite3.Connection) -> frozenset[int]:
    """The faces that nobody wants to name, and what is no face."""
    return frozenset(face_id for (face_id,) in connection.execute(_AWAY))


def next_group(connection: sqlite3.Connection) -> int:
    """The number of a new group."""
    return int(connection.execute(_NEXT_GROUP).fetchone()[0])


def join_group(connection: sqlite3.Connection, groups: Iterable[tuple[int, int]]) -> None:
    """Puts faces, given as (group, face), into groups, unless they are in one."""
    connection.executemany(_JOIN, groups)


def move_faces(
    connection: sqlite3.Connection, run_id: int, face_ids: Iterable[int], to: int | PutAway | None
) -> None:
    """Moves faces into a group, puts them away, or with None brings them back, as a part of a run."""
    connection.execute(_MOVE, (run_id, json.dumps([*face_ids]), isinstance(to, int), to))
    restore_faces(connection, run_id, undo=False)


def restore_faces(connection: sqlite3.Connection, run_id: int, *, undo: bool) -> None:
    """Undoes or redoes a run's moves; faces that were moved again since stay."""
    now, then = ("after", "before") if undo else ("before", "after")
    connection.execute(_APPLY.format(now=now, then=then), (run_id,))


def forget_all_faces(connection: sqlite3.Connection) -> int:
    """Deletes all faces, their vectors and groups; returns how many photos had any.

    Persons stay in their photos; that one of several faces was not theirs is forgotten.
    """
    photos: int = connection.execute(_COUNT_PHOTOS).fetchone()[0]
    connection.execute(_FORGET_REJECTED)
    connection.execute(_FORGET)
    return photos


def photos_with_people(db: Database, least: float, most: float) -> NDArray[np.int64]:
    """The visible photos with this many faces, ascending."""
    return np.asarray(db.column(_WITH_NUMBER, least, most), np.int64)


def finds_people(db: Database) -> bool:
    """Whether this library's photos are searched for faces."""
    return bool(db.row(_IS_ON)[0])


def switch_people(connection: sqlite3.Connection, *, on: bool) -> None:
    """Turns the search for faces on or off."""
    connection.execute(_SWITCH, (on,))


def _face(row: tuple[int, int, float, float, float, float, float, int | None, PutAway | None]) -> Face:
    face_id, photo_id, *box, score, group, away = row
    return Face(face_id, photo_id, Box(*box), score, group, away)
