"""A real library of many random vectors, and its matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from picsight_engine.store.derived.vectors import STORED, ensure_space, put_vector
from picsight_engine.store.files import NewFile, files_of, forget_missing, put_file
from picsight_engine.store.folders import add_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.tagging.pairs import mark_missing, mark_returned
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

SPACE = "0123456789abcdef"
_MANY_PHOTOS = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO photos (id, fingerprint, fingerprint_rule, width, height)
SELECT n, CAST(printf('%016d', n) AS BLOB), 1, 4, 3 FROM numbers"""
_MANY_FILES = """
INSERT INTO files (folder_id, name, size, mtime_ns, photo_id) SELECT ?, CAST(id AS BLOB), 1, 2, id FROM photos"""
DIM = 64


def clustered(seed: int, count: int, dim: int = DIM) -> NDArray[np.float32]:
    """Unit vectors [count, dim] in clusters, as photos are: series, places, people."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(2, count // 40), dim))
    vectors = centres[rng.integers(0, len(centres), count)] + 0.6 * rng.normal(size=(count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class VectorLibrary:
    """A library of photos that have a vector and one file each."""

    db: Database
    folder_id: int
    cache: Path

    def add(self, vectors: NDArray[np.float32]) -> list[int]:
        """Stores one photo for each row, as one batch; returns their ids."""
        ids = []
        with self.db.writer() as connection:
            start = connection.execute("SELECT coalesce(max(id), 0) FROM photos").fetchone()[0]
            for number, vector in enumerate(vectors, start=start + 1):
                key = number.to_bytes(16, "big")
                photo_id = put_photo(connection, NewPhoto(key, 4, 3))
                put_file(connection, NewFile(self.folder_id, b"%d.jpg" % photo_id, 1, 2, key, photo_id))
                put_vector(connection, photo_id, SPACE, vector)
                ids.append(photo_id)
        return ids

    def add_many(self, vectors: NDArray[np.float32]) -> None:
        """Stores photos with the ids 1 to n in an empty library, in a tenth of the time."""
        with self.db.writer() as connection:
            connection.execute(_MANY_PHOTOS, (len(vectors),))
            connection.execute(_MANY_FILES, (self.folder_id,))
            space = ensure_space(connection, SPACE, vectors.shape[1]).id
            rows = (
                (number, space, row.tobytes()) for number, row in enumerate(vectors.astype(STORED), start=1)
            )
            connection.executemany(
                "INSERT INTO vectors (photo_id, space_id, part, vector) VALUES (?, ?, 0, ?)", rows
            )

    def replace(self, photo_id: int, vector: NDArray[np.float32]) -> None:
        with self.db.writer() as connection:
            put_vector(connection, photo_id, SPACE, vector)

    def lose(self, *photo_ids: int) -> None:
        """Marks the files of photos as missing."""
        with self.db.writer() as connection:
            mark_missing(connection, self._files(photo_ids), 1.0)

    def find_again(self, *photo_ids: int) -> None:
        with self.db.writer() as connection:
            mark_returned(connection, self._files(photo_ids))

    def forget(self, *photo_ids: int) -> None:
        self.lose(*photo_ids)
        with self.db.writer() as connection:
            forget_missing(connection, 0)

    def matrix(self, dim: int = DIM) -> Matrix:
        return Matrix(self.cache, self.db, SPACE, dim)

    def _files(self, photo_ids: tuple[int, ...]) -> list[int]:
        return [file.id for file in files_of(self.db, self.folder_id) if file.photo_id in photo_ids]


@pytest.fixture
def album(tmp_path: Path) -> Iterator[VectorLibrary]:
    with_photos = tmp_path / "photos"
    with_photos.mkdir()
    db = open_database(tmp_path / "library")
    yield VectorLibrary(db, add_folder(db, with_photos).id, tmp_path / "library" / "cache")
    db.close()


@pytest.fixture
def make_vectors() -> Callable[..., NDArray[np.float32]]:
    return clustered
