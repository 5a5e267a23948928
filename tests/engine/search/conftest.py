"""A library of made-up photos: any names, dates and sizes, and vectors of the starter's space."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from picsight_engine.foundation.metadata import Metadata
from picsight_engine.library import Library
from picsight_engine.store.derived.vectors import put_vector
from picsight_engine.store.files import NewFile, put_file, put_metadata
from picsight_engine.store.folders import add_folder, all_folders
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.store.database import Database


@dataclass(frozen=True)
class Album:
    """An open library to which photos are added; files of one `picture` are one photo."""

    library: Library
    db: Database
    folder_id: int
    space: str
    dim: int

    @property
    def photos(self) -> Path:
        """The folder in which the files lie, or would lie."""
        return next(folder.path for folder in all_folders(self.db) if folder.id == self.folder_id)

    def put(
        self,
        name: bytes,
        picture: int,
        size: tuple[int, int] = (40, 30),
        *,
        vector: bool = True,
        **metadata: object,
    ) -> int:
        """Stores a file with its metadata and its photo; returns the id of the photo."""
        key, path = picture.to_bytes(16, "big"), self.photos / os.fsdecode(name)
        info = path.stat() if path.is_file() else None
        seen = (1, picture * 10**9) if info is None else (info.st_size, info.st_mtime_ns)
        with self.db.writer() as connection:
            photo_id = put_photo(connection, NewPhoto(key, *size))
            put_file(connection, NewFile(self.folder_id, name, *seen, key, photo_id))
            put_metadata(connection, self.folder_id, name, Metadata(**metadata), 1)
            if vector:
                put_vector(connection, photo_id, self.space, self.vector(picture))
        return photo_id

    def vector(self, picture: int) -> np.ndarray:
        """The stored vector of a picture."""
        vector = np.random.default_rng(picture).normal(size=self.dim)
        return (vector / np.linalg.norm(vector)).astype(np.float16)

    def found(self, query: str, **wishes: object) -> list[int]:
        """The photos of an answer, in its order."""
        return [result.id for result in self.library.search(query, **{"limit": 1000, **wishes}).results]


@contextmanager
def open_album(folder: Path, bundle: Bundle) -> Iterator[Album]:
    """A library without photos, and a folder for them."""
    photos = folder / "Photos"
    photos.mkdir()
    with Library.open(folder / "library", bundle) as library:
        db = open_database(folder / "library")
        yield Album(library, db, add_folder(db, photos).id, bundle.manifest.space_id, bundle.manifest.dim)
        db.close()


@pytest.fixture
def album(tmp_path: Path, bundle: Bundle) -> Iterator[Album]:
    """A library without photos."""
    with open_album(tmp_path, bundle) as made:
        yield made


@pytest.fixture(scope="module")
def lasting_album(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[Album]:
    """A library that a file of tests fills once."""
    with open_album(tmp_path_factory.mktemp("album"), bundle) as made:
        yield made
