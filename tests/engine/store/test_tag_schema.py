"""A library from before tags gets them when it is opened, after a backup, and loses nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from picsight_engine.store.database import FILE_NAME
from picsight_engine.store.migrations import MIGRATIONS
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.tagging.tagged import add_ratings

BEFORE_REJECTING = 5


def test_stars_of_an_older_library_stay(tmp_path):
    words = "INSERT INTO tag_runs (id, kind, words, made_at) VALUES (1, 'rate', '', 0)"
    open_database(tmp_path, steps=MIGRATIONS[:BEFORE_REJECTING]).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as old, old:
        photo = put_photo(old, NewPhoto(bytes(16), 4, 3))
        old.execute(words)
        old.execute("INSERT INTO ratings VALUES (7, ?, 4, 1, 2.5)", (photo,))
    with closing(open_database(tmp_path)) as db, db.writer() as connection:
        add_ratings(connection, 1, [photo], -1, 3.5)
        rows = connection.execute("SELECT id, stars, rated_at FROM ratings").fetchall()
        assert rows == [(7, 4, 2.5), (8, -1, 3.5)]
        connection.execute("DELETE FROM photos")
        (left,) = connection.execute(
            "SELECT (SELECT count(*) FROM ratings) + 10 * revision FROM tag_state"
        ).fetchone()
        assert left == 10


def test_a_photo_that_is_forgotten_takes_everything_that_was_decided_about_it_along(shelf):
    photo = shelf.put(b"a.jpg", 1)
    tables = ("tag_examples", "tag_decisions", "tag_photos", "ratings")
    with shelf.db.writer() as connection:
        connection.execute("INSERT INTO tag_runs (id, kind, words, made_at) VALUES (1, 'decide', '', 0)")
        connection.execute("INSERT INTO tag_examples VALUES (1, ?, 0)", (photo,))
        connection.execute(
            "INSERT INTO tag_decisions VALUES (1, 1, ?, 'accepted', 'you', 1, 0, NULL, NULL)", (photo,)
        )
        connection.execute("INSERT INTO tag_photos VALUES (1, ?, 'accepted', 0.5)", (photo,))
        connection.execute("INSERT INTO ratings VALUES (1, ?, 5, 1, 0)", (photo,))
        connection.execute("DELETE FROM photos")
    left = [shelf.db.reader().execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    assert left == [0, 0, 0, 0]
