"""A query may be the name of a file: exactly the photos of that name are found."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from picsight_engine.foundation.folding import fold, words_in
from picsight_engine.store.files import NewFile, files_of, put_file
from picsight_engine.store.folders import add_folder
from picsight_engine.store.full_text import files_named, photos_with_word
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.tagging.pairs import mark_missing

if TYPE_CHECKING:
    from picsight_engine.store.database import Database

NAMES = (
    "IMG_2927.HEIC", "IMG_2927.jpg", "img_2927", "IMG_29270.HEIC", "IMG_2927 (1).HEIC", "IMG_2927.edited.jpg",
    "IMG_2927-1.jpg", "car.jpg", "Oscar.jpg", "Car", "Été à Paris.jpg", ".jpg", "a.b.jpg", "100%.png", "caf\udce9.jpg",
)  # fmt: skip


@pytest.fixture
def holding(tmp_path):
    """Makes a library of files by their names, one photo each; photos are numbered from 1."""
    opened = []

    def hold(*names: str) -> Database:
        db = open_database(tmp_path / "library")
        opened.append(db)
        folder = add_folder(db, tmp_path / "pictures")
        with db.writer() as connection:
            for number, name in enumerate(names, start=1):
                photo_id = put_photo(connection, NewPhoto(number.to_bytes(16, "big"), 4, 3))
                encoded = name.encode("utf-8", "surrogateescape")
                put_file(connection, NewFile(folder.id, encoded, 1, 2, None, photo_id))
        return db

    yield hold
    for db in opened:
        db.close()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("IMG_2927", ["img_2927", "IMG_2927.HEIC", "IMG_2927.jpg"]),
        ("img_2927.heic", ["IMG_2927.HEIC"]),
        ("IMG_2927.edited", ["IMG_2927.edited.jpg"]),
        (" car ", ["Car", "car.jpg"]),
        ("ete a paris", ["Été à Paris.jpg"]),
        ("ÉTÉ À PARIS.JPG", ["Été à Paris.jpg"]),
        ("a.b", ["a.b.jpg"]),
        ("a", []),
        ("100%", ["100%.png"]),
        ("100_", []),
        ("scar", []),
        ("caf\udce9", ["caf\udce9.jpg"]),
        ("", []),
        ("x" * 300, []),
    ],
)
def test_a_name_or_stem_that_equals_the_text_is_found_and_nothing_else(holding, typed, found):
    db = holding(*(f"deep/er/{name}" if number % 2 else name for number, name in enumerate(NAMES)))
    assert [NAMES[photo_id - 1] for photo_id, _ in files_named(db, typed)] == found


def test_a_word_is_found_where_it_stands_or_begins(holding):
    chance = random.Random(5)
    names = {"".join(chance.choices("aB.é-_1 ж", k=chance.randrange(3, 9))).strip(". ") for _ in range(300)}
    names = sorted(name for name in names if name)
    db = holding(*names)
    words = {word for name in names for word in words_in(name)} | {"ab", "aba", "b1a", "жa"}
    for word in words:
        border = "" if len(word) > 2 else r"(?![^\W_])"
        wanted = [
            number
            for number, name in enumerate(names, start=1)
            if re.search(rf"(?<![^\W_]){word}{border}", fold(f"{name}"))
        ]
        assert photos_with_word(db, word, described=False) == wanted, word


def test_each_present_file_of_a_name_is_found_after_its_photo(holding, tmp_path):
    db = holding("dog.jpg", "dog.png", "sub/dog.jpg")
    folder = add_folder(db, tmp_path / "pictures")
    with db.writer() as connection:
        put_file(connection, NewFile(folder.id, b"again/dog.jpg", 1, 2, None, 1))
        gone = [file.id for file in files_of(db, folder.id) if file.photo_id == 2]
        mark_missing(connection, gone, 1.0)
    names = {file.id: file.name for file in files_of(db, folder.id)}
    found = [(photo_id, names[file_id]) for photo_id, file_id in files_named(db, "dog")]
    assert found == [(1, b"dog.jpg"), (1, b"again/dog.jpg"), (3, b"sub/dog.jpg")]
