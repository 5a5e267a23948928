"""Photos are found by text in names, folders and keywords, after any changes of their files."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.store.storm import change

from picsight_engine.foundation.folding import fold
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.store.files import files_of, forget_missing
from picsight_engine.store.folders import add_folder, remove_folder
from picsight_engine.store.full_text import mend_index, photos_holding
from picsight_engine.store.opening import open_database
from picsight_engine.store.tagging.pairs import mark_missing

if TYPE_CHECKING:
    from picsight_engine.store.database import Database

EVERY_FILE = """
SELECT photo_id, folders.path, files.name, keywords, description
FROM files JOIN folders ON folders.id = folder_id WHERE present"""


def plain_scan(db: Database, text: str) -> list[int]:
    """The photos that a scan of all files finds."""
    with db.reading() as connection:
        rows = connection.execute(EVERY_FILE).fetchall()
    found = set()
    for photo_id, path, name, keywords, description in rows:
        file = Path(os.fsdecode(path)).name / Path(os.fsdecode(name))
        parts = [file.name, file.parent.as_posix(), *json.loads(keywords or "[]"), description or ""]
        if any(fold(text) in fold(part) for part in parts):
            found.add(photo_id)
    return sorted(found)


@pytest.mark.parametrize("text", ["IMG_20410", "hochz", "GROSSE", "pictures/ju", "ju", "ö"])
def test_a_photo_is_found_by_any_part_of_its_names_in_any_case_and_without_accents(shelf, text):
    one = shelf.put("Juli/IMG_20410 Größe Hochzeit ZERTIFIKAT.jpg".encode(), 1)
    shelf.put(b"0.png", 2)
    found = photos_holding(shelf.db, text)
    assert one in found
    assert found == plain_scan(shelf.db, text)


def test_names_that_differ_only_in_how_accents_are_written_are_one(shelf):
    one, other = (
        shelf.put(f"{unicodedata.normalize(form, 'Élan à Málaga')}.jpg".encode(), number)
        for number, form in ((1, "NFC"), (2, "NFD"))
    )
    for text in ("elan a mala", "ÉLAN", unicodedata.normalize("NFD", "málaga"), "él", "a\u0300"):
        assert photos_holding(shelf.db, text) == [one, other]


@pytest.mark.parametrize(
    ("text", "found"), [("がっこう", [1]), ("かっこう", [2]), ("写真", [3]), ("写", [3]), ("й", [4])]
)
def test_letters_of_other_scripts_keep_the_marks_that_make_them_others(shelf, text, found):
    for number, name in enumerate(("がっこう", "かっこう", "旅行写真館", "Чайка"), start=1):
        shelf.put(f"{name}.jpg".encode(), number)
    assert photos_holding(shelf.db, text) == found


def test_keywords_and_descriptions_are_searched_one_by_one(shelf):
    one, other = shelf.put(b"a.jpg", 1), shelf.put(b"b.jpg", 2)
    words = Metadata(keywords=("Großmutter", "red sea"), title="Low Tide", description="In  Haifa")
    shelf.describe(b"a.jpg", words)
    assert photos_holding(shelf.db, "low tide") == photos_holding(shelf.db, "haifa") != []
    shelf.describe(b"b.jpg", Metadata(keywords=("sea",)))
    assert photos_holding(shelf.db, "grossmutter") == [one]
    assert photos_holding(shelf.db, "sea") == [one, other]
    assert photos_holding(shelf.db, "in haifa") == [one]
    assert photos_holding(shelf.db, "mutter red") == []
    shelf.describe(b"a.jpg", Metadata())
    assert photos_holding(shelf.db, "sea") == [other]


@pytest.mark.parametrize("text", ["", "\0", '"', "a*", "name:", "NOT b", "%"])
def test_operators_of_the_index_are_plain_text(shelf, text):
    shelf.put(b"a.jpg", 1)
    shelf.put(b"100% NOT b*(-a name: ''.jpg", 2)
    assert photos_holding(shelf.db, text) == (plain_scan(shelf.db, text) if text.strip("\0 ") else [])


@pytest.mark.parametrize("seed", [0, *(pytest.param(more, marks=pytest.mark.soak) for more in (1, 2))])
def test_the_index_agrees_with_the_files_after_any_changes(shelf, pictures, seed):
    chance = random.Random(seed)
    add_folder(shelf.db, pictures.parent / "second")
    for step in range(150):
        change(shelf, pictures.parent, chance)
        if step % 10 == 0:
            for text in (
                *["e", "éT", "oscar", "été/sea", "a", "sea2.jp", "picturesx", "caf"],
                pictures.parent.name,
            ):
                assert photos_holding(shelf.db, text) == plain_scan(shelf.db, text)
    with shelf.db.writer() as connection:  # SQLite compares the index with its source
        connection.execute("INSERT INTO text (text, rank) VALUES ('integrity-check', 1)")


@settings(max_examples=40)
@given(st.text())
def test_folding_a_folded_text_changes_nothing(text):
    assert fold(fold(text)) == fold(text)
    fold(text).encode()  # no lone surrogate: SQLite would refuse it


@pytest.mark.parametrize("way", ["forgotten", "its folder removed"])
def test_a_file_that_is_forgotten_leaves_no_trace_of_its_name(shelf, tmp_path, way):
    second = add_folder(shelf.db, tmp_path / "second")
    shelf.put(b"quite zqxj.jpg", 1, folder_id=second.id)
    shelf.put(b"a.jpg", 2)
    assert traces(shelf.db) == {b"zqxj", b"qxj"}
    if way == "forgotten":
        with shelf.db.writer() as connection:
            mark_missing(connection, [file.id for file in files_of(shelf.db, second.id)], 1.0)
    else:
        remove_folder(shelf.db, second.id)
    with shelf.db.writer() as connection:
        forget_missing(connection, 0)
    assert traces(shelf.db) == set()


def traces(db: Database) -> set[bytes]:
    """Which of a name and its trigrams the library's file still holds."""
    with closing(sqlite3.connect(db.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = db.path.read_bytes()
    return {text for text in (b"zqxj", b"qxj") if text in data}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE text_data SET block = zeroblob(length(block)) WHERE id > 10",
        "DELETE FROM file_texts WHERE file_id < 9",
    ],
)
def test_a_wrong_index_is_rebuilt_from_the_files(shelf, damage):
    for number in range(20):
        shelf.put(b"sea/%d wave.jpg" % number, number)
    assert not mend_index(shelf.db)
    shelf.db.close()
    with closing(sqlite3.connect(shelf.db.path)) as connection, connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'texts_%'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(damage)
        for _, sql in triggers:
            connection.execute(sql)
    with closing(open_database(shelf.db.folder)) as db:
        assert mend_index(db)
        assert not mend_index(db)
        for text in ("wave", "3 wave", "elsewhere", "sea", "1", "7 w"):
            assert photos_holding(db, text) == plain_scan(db, text)
