"""A slow kind of things that are derived from photos, made by this test: when it is made, kept, left out and forgotten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.engine.indexing.conftest import ONE_WORKER

from picsight_engine import kinds
from picsight_engine.foundation.errors import BundleError, ImageError
from picsight_engine.indexing import indexer
from picsight_engine.indexing.events import Committed, Finished, Searchable
from picsight_engine.kinds import DerivedKind, forget
from picsight_engine.store.database import FILE_NAME
from picsight_engine.store.photos import all_photos

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.photos.decoding.decode import DecodedPhoto

MARK = b"the grey of a photo: " * 200


def make_greys(_: Bundle) -> Callable[[DecodedPhoto], bytes | None]:
    """The mean grey of a picture: none of a square one, and a tall one is a fault."""

    def make(photo: DecodedPhoto) -> bytes | None:
        if photo.height > photo.width:
            raise ImageError("unsupported", "A tall picture.")
        if photo.height == photo.width:
            return None
        return MARK + b"%d" % round(float(np.asarray(photo.image).mean()))

    return make


def put_greys(connection: sqlite3.Connection, greys: Mapping[int, bytes | None]) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS greys (photo_id INTEGER PRIMARY KEY, grey BLOB)")
    connection.executemany("DELETE FROM greys WHERE photo_id = ?", [(photo_id,) for photo_id in greys])
    rows = [(photo_id, grey) for photo_id, grey in greys.items() if grey is not None]
    connection.executemany("INSERT INTO greys VALUES (?, ?)", rows)


GREYS = DerivedKind("greys", 1, make_greys, put_greys, slow=True)
WITH_GREYS = replace(ONE_WORKER, slow=frozenset({"greys"}))


@pytest.fixture(autouse=True)
def _greys(monkeypatch):
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, GREYS))


def rows(library, state: str) -> int:
    return library.db.row("SELECT count(*) FROM derived WHERE kind = 'greys' AND state = ?", state)[0]


def stored(library) -> int:
    return library.db.row("SELECT count(*) FROM greys")[0]


def test_a_slow_kind_is_made_once_after_photos_can_be_searched_and_is_forgotten_as_a_whole(
    library, bundle, album, draw
):
    draw(album / "square.png", 12, size=(64, 64))
    seen = []
    for event in library.events(bundle, album, settings=WITH_GREYS):
        seen.append(type(event))
        if isinstance(event, Searchable):
            assert (len(all_photos(library.db)), rows(library, "done")) == (13, 0)
    assert seen.count(Searchable) == seen.count(Finished) == 1
    assert Committed in seen[seen.index(Searchable) :]
    assert (rows(library, "done"), rows(library, "nothing"), stored(library)) == (12, 1, 12)
    assert Committed not in map(type, library.events(bundle, settings=WITH_GREYS))  # nothing is due

    forget(library.db, GREYS)
    files = [path for path in (library.db.folder).iterdir() if path.name.startswith(FILE_NAME)]
    assert not [path for path in files if MARK in path.read_bytes()]
    assert library.db.row("PRAGMA freelist_count") == (0,)
    assert (rows(library, "done"), stored(library), len(all_photos(library.db))) == (0, 0, 13)


def test_a_slow_kind_that_is_switched_off_is_made_alone_later(library, bundle, album):
    list(library.events(bundle, album))
    assert (len(all_photos(library.db)), rows(library, "done")) == (12, 0)
    before = library.db.rows("SELECT id, vector FROM vectors")
    list(library.events(bundle, settings=WITH_GREYS))
    assert rows(library, "done") == 12
    assert library.db.rows("SELECT id, vector FROM vectors") == before
    list(library.events(bundle))
    assert rows(library, "done") == 12


def test_a_photo_of_which_a_slow_kind_fails_stays_and_is_tried_three_times(library, bundle, tmp_path, draw):
    draw(tmp_path / "album" / "wide.png", 1)
    draw(tmp_path / "album" / "tall.png", 2, size=(64, 96))
    tries = []
    for _ in range(4):
        list(library.events(bundle, tmp_path / "album", settings=WITH_GREYS))
        tries.append(library.db.row("SELECT tries FROM derived WHERE state = 'failed'")[0])
    assert tries == [1, 2, 3, 3]
    assert (len(all_photos(library.db)), rows(library, "done")) == (2, 1)
    assert library.db.rows("SELECT * FROM problems") == []


def test_a_slow_kind_waits_while_somebody_searches(library, bundle, album):
    asked = []

    def is_busy():
        asked.append(rows(library, "done"))
        return len(asked) < 4

    list(library.events(bundle, album, settings=WITH_GREYS, is_busy=is_busy))
    assert (asked[:4], rows(library, "done")) == ([0] * 4, 12)


def test_on_battery_a_slow_kind_is_left_for_later_with_a_note(library, bundle, album, monkeypatch):
    monkeypatch.setattr(indexer, "on_battery", lambda: True)
    *_, finished = library.events(bundle, album, settings=WITH_GREYS)
    assert (len(all_photos(library.db)), rows(library, "done")) == (12, 0)
    assert "plugged in" in str(finished.notes[-1])
    monkeypatch.undo()
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, GREYS))
    list(library.events(bundle, settings=WITH_GREYS))
    assert rows(library, "done") == 12


def broken(_: Bundle) -> Callable[[DecodedPhoto], bytes]:
    raise BundleError("The reader of greys is damaged.")


def test_a_slow_kind_whose_model_is_damaged_is_a_note_and_photos_stay_searchable(
    library, bundle, album, monkeypatch
):
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS[:-1], replace(GREYS, maker=broken)))
    *_, finished = library.events(bundle, album, settings=WITH_GREYS)
    assert (str(finished.notes[-1]), finished.summary.indexed) == ("The reader of greys is damaged.", 12)


SCRIPT = """
import os, signal, sys
from pathlib import Path
from tests.engine.indexing.test_kinds import GREYS
from picsight_engine import kinds
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.indexing.indexer import IndexSettings, run_index
from picsight_engine.store.folders import add_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.derived.thumbnails import ThumbnailStore

if __name__ == "__main__":
    library, bundle, album = map(Path, sys.argv[1:])
    kinds.KINDS += (GREYS,)
    db, thumbnails = open_database(library), ThumbnailStore.open(library)
    with db.writer() as connection:
        connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
        connection.execute(
            "CREATE TEMP TRIGGER dying AFTER INSERT ON derived WHEN NEW.kind = 'greys'"
            " AND (SELECT count(*) FROM derived WHERE kind = 'greys') = 7 BEGIN SELECT die(); END"
        )
    folder = add_folder(db, album)
    for _ in run_index(db, thumbnails, open_bundle(bundle), [folder], IndexSettings(workers=1, batch_photos=3, slow=frozenset({'greys'}))):
        pass
"""


def test_a_slow_kind_goes_on_after_a_kill(library, bundle, album, tmp_path):
    script = tmp_path / "index.py"
    script.write_text(SCRIPT)
    command = [sys.executable, script, library.db.folder, bundle.folder, album]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (len(all_photos(library.db)), rows(library, "done"), stored(library)) == (12, 6, 6)
    list(library.events(bundle, settings=WITH_GREYS))
    assert (rows(library, "done"), stored(library)) == (12, 12)
