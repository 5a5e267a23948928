"""Image embeddings of photos and of their parts, float16, separated by the tower's space.

Vectors of one space are comparable, so all of them are made with the same preprocessing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.bundle import preprocessing_of, require_preprocessing
from picsight_engine.foundation.errors import LibraryError
from picsight_engine.store.files import IDS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.store.database import Database

    Vector = NDArray[np.float32] | NDArray[np.float16]

STORED = np.dtype("<f2")  # little-endian on every machine
# Rule 2 added squares of long pictures, and moments of films that are right.
VECTORS_RULE = 2
_VECTORS = "vectors "
WHOLE = 0  # the part number of the whole picture; the others are squares of a panorama, or moments of a film

_SPACE = "SELECT id, name, dim FROM spaces WHERE name = ?"
_ACTIVE = "SELECT id, name, dim FROM spaces WHERE active"
_ADD_SPACE = """
INSERT INTO spaces (name, dim, active) VALUES (?, ?, NOT EXISTS (SELECT 1 FROM spaces WHERE active))"""
_PREPROCESSING = "SELECT coalesce(preprocessing, '') FROM spaces WHERE name = ?"
_NOTE_PREPROCESSING = "UPDATE spaces SET preprocessing = ? WHERE name = ?"
_CALIBRATION = "SELECT calibration FROM spaces WHERE name = ?"
_CALIBRATE = "UPDATE spaces SET calibration = ? WHERE name = ?"
_ACTIVATE = "UPDATE spaces SET active = (id = ?)"
# A replaced vector gets a new id, so that caches notice it.
_DELETE = "DELETE FROM vectors WHERE photo_id = ? AND space_id = ?"
_DELETE_ALL = "DELETE FROM vectors WHERE photo_id = ? AND space_id = (SELECT id FROM spaces WHERE name = ?)"
_PUT = "INSERT INTO vectors (photo_id, space_id, part, vector, moment) VALUES (?, ?, ?, ?, ?)"
_PHOTOS_WITH = f"""
SELECT photo_id FROM vectors WHERE space_id = (SELECT id FROM spaces WHERE name = ?) AND part = {WHOLE}"""
_VECTOR_OF = f"""
SELECT vector FROM vectors JOIN spaces ON spaces.id = space_id WHERE photo_id = ? AND name = ? AND part = {WHOLE}
AND typeof(vector) = 'blob' AND length(vector) = 2 * dim -- a damaged one is none"""
_HAS_VECTOR = "SELECT EXISTS (SELECT 1 FROM vectors WHERE photo_id = ?)"
_IN_ROW = "SELECT vector FROM vectors WHERE id = ?"
_MOMENTS_OF = f"""
SELECT photo_id, part, moment FROM vectors INDEXED BY vectors_moments
WHERE moment IS NOT NULL AND photo_id IN {IDS} AND space_id = (SELECT id FROM spaces WHERE name = ?) ORDER BY moment"""
_SINCE = """
SELECT id, photo_id, part, vector FROM vectors
WHERE space_id = (SELECT id FROM spaces WHERE name = ?) AND id > ? AND id <= ? ORDER BY id LIMIT ?"""
_PHOTOS_SINCE = f"""
SELECT photo_id FROM vectors
WHERE space_id = (SELECT id FROM spaces WHERE name = ?) AND id > ? AND id <= ? AND part = {WHOLE} ORDER BY id"""
_LIVE = "SELECT id FROM vectors WHERE space_id = (SELECT id FROM spaces WHERE name = ?) ORDER BY id"
_STATE = """
SELECT coalesce((SELECT max(id) FROM vectors WHERE space_id = spaces.id), 0), deletions
FROM spaces WHERE name = ?"""


@dataclass(frozen=True, slots=True)
class Space:
    """An image tower's space: its `space_id` as name, and the length of its vectors."""

    id: int
    name: str
    dim: int


@dataclass(frozen=True, slots=True)
class SpaceState:
    """What a cache compares: the row of the newest vector and the number of vectors ever deleted."""

    last_row: int
    deletions: int


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Vectors in the order in which they were stored; a photo's whole comes before its parts."""

    rows: NDArray[np.int64]  # [n] ids of the stored vectors, ascending
    photo_ids: NDArray[np.int64]  # [n]
    parts: NDArray[np.int32]  # [n] part numbers
    vectors: NDArray[np.float16]  # [n, dim]


def enter_space(connection: sqlite3.Connection, manifest: Manifest, *, active: bool = False) -> None:
    """Adds a model's space to a library; with `active`, searches use it.

    Raises BundleError if the library knows the space with other preprocessing, LibraryError if with another vector length.
    """
    ensure_space(connection, manifest.space_id, manifest.dim, active=active)
    known = _known_preprocessing(connection, manifest.space_id)
    require_preprocessing(manifest, known)
    if not known:
        connection.execute(_NOTE_PREPROCESSING, (preprocessing_of(manifest), manifest.space_id))


def require_space(db: Database, manifest: Manifest) -> None:
    """Raises BundleError if a library knows a model's space with other preprocessing; an older library stores it now."""
    with db.reading() as connection:
        known = _known_preprocessing(connection, manifest.space_id)
    require_preprocessing(manifest, known)
    if known == "" and preprocessing_of(manifest) and not db.read_only:
        with db.writer() as connection:
            connection.execute(_NOTE_PREPROCESSING, (preprocessing_of(manifest), manifest.space_id))


def _known_preprocessing(connection: sqlite3.Connection, name: str) -> str | None:
    """The preprocessing of a space; "" if the library has not stored it yet, None if the space is unknown."""
    row = connection.execute(_PREPROCESSING, (name,)).fetchone()
    return None if row is None else row[0]


def stored_calibration(db: Database, space: str) -> str | None:
    """The calibration that was fitted to the library for a space, as JSON; None if there is none."""
    return next(iter(db.column(_CALIBRATION, space)), None)


def store_calibration(db: Database, space: str, calibration: str) -> None:
    """Stores a calibration that was fitted to the library for a space."""
    with db.writer() as connection:
        connection.execute(_CALIBRATE, (calibration, space))


def active_space(db: Database) -> Space | None:
    """The space that searches use, None in a library without vectors."""
    row = db.row(_ACTIVE)
    return None if row is None else Space(*row)


def put_vector(
    connection: sqlite3.Connection,
    photo_id: int,
    space: str,
    vector: Vector,
    *,
    moment: float | None = None,
    parts: Sequence[tuple[Vector, float | None]] = (),
) -> None:
    """Stores a photo's vector [dim] and those of its parts as float16, each with its moment in a film in seconds.

    Replaces all older ones of the photo in this space; the first vector adds the space.
    """
    known = ensure_space(connection, space, vector.size)
    connection.execute(_DELETE, (photo_id, known.id))
    for part, (each, at) in enumerate([(vector, moment), *parts], WHOLE):
        blob = np.ascontiguousarray(each, dtype=STORED).tobytes()
        connection.execute(_PUT, (photo_id, known.id, part, blob, at))


def put_vectors(
    connection: sqlite3.Connection,
    vectors: Mapping[int, Sequence[tuple[bytes, float | None]] | None],
    space: str,
) -> None:
    """Stores vectors by photo as `put_vector` does, the whole picture's first, float16 in bytes; None deletes a photo's."""
    for photo_id, made in vectors.items():
        if made is None:
            connection.execute(_DELETE_ALL, (photo_id, space))
        else:
            (whole, moment), *parts = [(np.frombuffer(each, STORED), at) for each, at in made]
            put_vector(connection, photo_id, space, whole, moment=moment, parts=parts)


def vectors_in(space: str) -> str:
    """The name of the kind of these vectors in `derived`; the trigger that follows deleted vectors composes it, too."""
    return f"{_VECTORS}{space}"


def is_vectors(kind: str) -> bool:
    """Whether this is the name of a kind of vectors."""
    return kind.startswith(_VECTORS)


def moments_of(db: Database, photo_ids: Iterable[int], space: str) -> dict[int, dict[int, float]]:
    """The moments of films among these photos, in seconds, by photo and part; a film's moments are in order."""
    moments: dict[int, dict[int, float]] = {}
    for photo_id, part, moment in db.rows(_MOMENTS_OF, json.dumps([*photo_ids]), space):
        moments.setdefault(photo_id, {})[part] = moment
    return moments


def photos_with_vector(db: Database, space: str) -> frozenset[int]:
    """The photos with a vector of the whole picture in this space, visible or not."""
    return frozenset(db.column(_PHOTOS_WITH, space))


def has_vector(connection: sqlite3.Connection, photo_id: int | None) -> bool:
    """Whether the photo has a vector, in any space."""
    return bool(connection.execute(_HAS_VECTOR, (photo_id,)).fetchone()[0])


def vector_of(db: Database, photo_id: int, space: str) -> NDArray[np.float16] | None:
    """The photo's vector [dim] in this space, None if it has none or a damaged one."""
    row = db.row(_VECTOR_OF, photo_id, space)
    return None if row is None else np.frombuffer(row[0], dtype=STORED)


def vector_in_row(db: Database, row: int) -> NDArray[np.float16] | None:
    """The vector [dim] stored in this row, None if it was deleted."""
    found = db.row(_IN_ROW, row)
    return None if found is None else np.frombuffer(found[0], dtype=STORED)


def vectors_since(db: Database, space: str, dim: int, row: int, last: int, limit: int = -1) -> VectorRows:
    """The vectors [n, dim] stored after `row`, up to `last`, the first `limit` of them (-1: all).

    Raises LibraryError if the space, or a stored vector, has another length.
    """
    found = db.rows(_SINCE, space, row, last, limit)
    if found:
        _require_length(Space(*db.row(_SPACE, space)), dim)
    if any(len(blob) != dim * STORED.itemsize for *_, blob in found):
        raise LibraryError(
            "A stored vector of the model space {space} has not {dim} numbers: the library is damaged. "
            "Nothing was changed; run `picsight doctor`.",
            space=space,
            dim=dim,
        )
    return VectorRows(
        rows=np.array([stored for stored, *_ in found], dtype=np.int64),
        photo_ids=np.array([photo_id for _, photo_id, *_ in found], dtype=np.int64),
        parts=np.array([part for *_, part, _ in found], dtype=np.int32),
        vectors=np.frombuffer(b"".join(blob for *_, blob in found), dtype=STORED).reshape(len(found), dim),
    )


def photos_since(db: Database, space: str, row: int, last: int) -> list[int]:
    """The photos whose vectors were stored after `row`, up to `last`, in that order."""
    return db.column(_PHOTOS_SINCE, space, row, last)


def space_state(db: Database, space: str) -> SpaceState:
    """The state that a current cache of this space has."""
    return SpaceState(*(db.row(_STATE, space) or (0, 0)))


def live_rows(db: Database, space: str) -> NDArray[np.int64]:
    """The ids [n] of the existing vectors, ascending; other rows of a cache are deleted ones."""
    return np.array(db.column(_LIVE, space), dtype=np.int64)


def ensure_space(connection: sqlite3.Connection, name: str, dim: int, *, active: bool = False) -> Space:
    """Adds a space, and with `active` makes searches use it; LibraryError if it is known with another vector length."""
    row = connection.execute(_SPACE, (name,)).fetchone()
    if row is None:
        connection.execute(_ADD_SPACE, (name, dim))
        row = connection.execute(_SPACE, (name,)).fetchone()
    space = Space(*row)
    _require_length(space, dim)
    if active:
        connection.execute(_ACTIVATE, (space.id,))
    return space


def _require_length(space: Space, dim: int) -> None:
    if space.dim != dim:
        raise LibraryError(
            "The library holds vectors of {held} numbers for the model space {space}, the model gives {given}: "
            "the model's description and the library contradict each other.",
            held=space.dim,
            space=space.name,
            given=dim,
        )
