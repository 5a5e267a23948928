"""The numbers of a library, and the faults that `doctor` looks for."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np

from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.derived.vectors import put_vector
from picsight_engine.store.files import NewFile, files_of, put_file
from picsight_engine.store.overview import health
from picsight_engine.store.overview.problems import NewProblem, put_problem
from picsight_engine.store.tagging.pairs import mark_missing

SPACE = "0123456789abcdef"


def test_the_numbers_count_visible_photos(shelf):
    shelf.put(b"a.jpg", 1)
    shelf.put(b"b.jpg", 1)
    shelf.put(b"gone.jpg", 2)
    gone = next(file.id for file in files_of(shelf.db, shelf.folder.id) if file.name == b"gone.jpg")
    with shelf.db.writer() as connection:
        mark_missing(connection, [gone], 1.0)
        put_problem(connection, NewProblem(shelf.folder.id, b"bad.jpg", "empty", "Empty.", 1.0))
        put_file(connection, NewFile(shelf.folder.id, b"bad.jpg", 0, 1, None, None))
    assert health.counts(shelf.db) == health.Counts(folders=1, photos=1, files=2, problems=1)


def test_the_size_of_the_folder_is_that_of_its_files(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "library.db").write_bytes(b"x" * 100)
    (tmp_path / "cache" / "rows").write_bytes(b"x" * 23)
    assert health.folder_bytes(tmp_path) == 123
    assert health.folder_bytes(tmp_path / "nothing") == 0


def test_faults_are_found_and_the_rebuildable_ones_removed(shelf, tmp_path):
    without, wrong = shelf.put(b"a.jpg", 1, vector=False), shelf.put(b"b.jpg", 2)
    with shelf.db.writer() as connection:
        put_vector(connection, wrong, SPACE, np.ones(8, np.float32), parts=[(np.ones(8, np.float32), None)])
        connection.execute("UPDATE vectors SET vector = x'00' WHERE photo_id = ? AND part = 1", (wrong,))
    assert (health.damage(shelf.db), health.broken_references(shelf.db)) == ([], 0)
    assert health.photos_without_vector(shelf.db, SPACE) == [without]
    assert health.misshapen_vectors(shelf.db) == [wrong]
    assert health.delete_misshapen_vectors(shelf.db) == 2  # its whole too, so that it is read again
    assert health.photos_without_vector(shelf.db, SPACE) == [without, wrong]


def test_broken_references_are_counted(shelf):
    shelf.put(b"a.jpg", 1)
    with closing(sqlite3.connect(shelf.db.path)) as foreign:  # a program that ignores the constraints
        foreign.execute("UPDATE vectors SET photo_id = 99")
        foreign.commit()
    assert health.broken_references(shelf.db) == 1


def test_thumbnails_and_photos_are_compared(shelf, tmp_path):
    first, second = shelf.put(b"a.jpg", 1), shelf.put(b"b.jpg", 2)
    with closing(ThumbnailStore.open(tmp_path)) as thumbnails:
        thumbnails.put({first: b"jpeg"})
        thumbnails.put({99: b"jpeg"})
        assert health.orphan_thumbnails(shelf.db, thumbnails) == [99]
        assert health.photos_without_thumbnail(shelf.db, thumbnails) == [second]
