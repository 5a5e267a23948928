"""A real library in a temporary folder, and short ways to put photos into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from picsight_engine.store.files import NewFile, put_file
from picsight_engine.store.folders import add_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.vectors import put_vector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.folders import Folder

SPACE = "0123456789abcdef"


@dataclass(frozen=True)
class Shelf:
    """A library with one folder; `put` stores a photo by a number, which stands for its picture."""

    db: Database
    folder: Folder

    def put(self, name: bytes, number: int, *, folder_id: int | None = None, vector: bool = True) -> int:
        with self.db.writer() as connection:
            photo_id = put_photo(connection, NewPhoto(number.to_bytes(16, "big"), 40, 30))
            put_file(
                connection,
                NewFile(
                    folder_id or self.folder.id,
                    name,
                    1000 + number,
                    number * 10**9,
                    number.to_bytes(16, "big"),
                    photo_id,
                ),
            )
            if vector:
                put_vector(connection, photo_id, SPACE, np.full(8, number, np.float32))
        return photo_id


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
