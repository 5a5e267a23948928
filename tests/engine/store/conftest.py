"""A real library in a temporary folder, and short ways to put photos into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from picsight_engine.store.derived.vectors import put_vector
from picsight_engine.store.files import NewFile, files_of, put_metadata
from picsight_engine.store.folders import add_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.tagging.pairs import mark_missing, mark_returned, show_picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.foundation.metadata import Metadata
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.folders import Folder

SPACE = "0123456789abcdef"


@dataclass(frozen=True)
class Shelf:
    """A library with one folder; `put` stores a photo by a number, which stands for its picture."""

    db: Database
    folder: Folder

    def put(self, name: bytes, number: int, *, folder_id: int | None = None, vector: bool = True) -> int:
        key = number.to_bytes(16, "big")
        with self.db.writer() as connection:
            photo_id = put_photo(connection, NewPhoto(key, 40, 30))
            file = NewFile(folder_id or self.folder.id, name, 1000 + number, number * 10**9, key, photo_id)
            show_picture(connection, file)
            if vector:
                put_vector(connection, photo_id, SPACE, np.full(8, number, np.float32))
        return photo_id

    def describe(self, name: bytes, metadata: Metadata) -> None:
        with self.db.writer() as connection:
            put_metadata(connection, self.folder.id, name, metadata, rule=1)

    def files(self, *names: bytes) -> list[StoredFile]:
        """The files of these names, or all files of the folder."""
        files = files_of(self.db, self.folder.id)
        return [file for file in files if not names or file.name in names]

    def lose(self, *names: bytes, at: float = 1.0) -> None:
        """Marks files as missing."""
        with self.db.writer() as connection:
            mark_missing(connection, [file.id for file in self.files(*names)], at)

    def find_again(self, *names: bytes) -> None:
        with self.db.writer() as connection:
            mark_returned(connection, [file.id for file in self.files(*names)])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "library")
    yield database
    database.close()


@pytest.fixture
def shelf(db: Database, pictures: Path) -> Shelf:
    return Shelf(db, add_folder(db, pictures))
