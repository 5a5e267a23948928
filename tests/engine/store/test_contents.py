"""What there is, counted: the counts agree with the files themselves, whatever happened to them."""

from __future__ import annotations

import json
import os
import random
from pathlib import PurePosixPath

import pytest
from tests.engine.store.storm import change

from picsight_engine.metadata import Metadata
from picsight_engine.store.contents import photos_revision, read_contents
from picsight_engine.store.files import age_missing, files_of, mark_missing, put_metadata
from picsight_engine.store.folders import add_folder, remove_folder
from picsight_engine.store.searches import Searches
from picsight_engine.store.text import fold

EVERY_FILE = """
SELECT photo_id, folders.path, files.name, taken, camera, keywords, place, lens
FROM files JOIN folders ON folders.id = folder_id WHERE present AND photo_id IS NOT NULL"""


def files(db) -> list[tuple]:
    """Photo, folder and suffix, month, camera, keywords, place, lens of every present file, read one by one."""
    with db.reading() as connection:
        rows = connection.execute(EVERY_FILE).fetchall()
    told = []
    for photo_id, path, name, taken, camera, keywords, town, lens in rows:
        file = PurePosixPath(os.fsdecode(path)) / os.fsdecode(name)
        place = str(file.parent), fold(file.suffix)
        told.append(
            (
                photo_id,
                place,
                taken and taken[:7],
                camera,
                tuple(json.loads(keywords or "[]")) or None,
                town,
                lens,
            )
        )
    return told


@pytest.mark.parametrize("seed", range(3))
def test_counts_agree_with_the_files_whatever_happened_to_them(shelf, pictures, seed):
    chance = random.Random(seed)
    add_folder(shelf.db, pictures.parent / "second")
    for step in range(150):
        change(shelf, pictures.parent, chance)
        if step % 10:
            continue
        there = read_contents(shelf.db)
        by_file = files(shelf.db)
        for column, counted in enumerate(
            (there.places, there.months, there.cameras, there.keywords, there.towns, there.lenses), start=1
        ):
            of_value = {value: key(value) for value in counted.files}
            assert set(of_value.values()) == {row[column] for row in by_file} - {None}
            for size in range(min(4, len(of_value)) + 1):
                some = chance.sample(sorted(of_value, key=str), size)
                wanted = {of_value[value] for value in some}
                assert counted.photos(some) == len({row[0] for row in by_file if row[column] in wanted})


def key(value):
    return (value.above + "/".join(value.names), value.suffix) if hasattr(value, "names") else value


def test_a_place_is_told_by_its_names_from_the_added_folder_on(shelf, pictures):
    shelf.put("Été/Sea side/a.JPG".encode(), 1)
    shelf.put("ÉTÉ/sea  side/b.jpeg".encode(), 2)
    shelf.put("été/SEA SIDE/c.jpg".encode(), 3)
    places = read_contents(shelf.db).places
    above = f"{pictures.parent.as_posix()}/"
    told = {(place.above, place.names, place.suffix): files for place, files in places.files.items()}
    assert told == {
        (above, ("pictures", "Été", "Sea side"), ".jpg"): 2,
        (above, ("pictures", "ÉTÉ", "sea  side"), ".jpeg"): 1,
    }


def test_the_revision_changes_with_what_files_tell_and_with_nothing_else(shelf):
    seen = [photos_revision(shelf.db)]

    def changed(number: int) -> bool:
        seen.append(photos_revision(shelf.db))
        return len(set(seen)) == number

    shelf.put(b"a.jpg", 1)
    assert changed(2)
    with shelf.db.writer() as connection:
        put_metadata(connection, shelf.folder.id, b"a.jpg", Metadata("2019-07-18T10:00:00"), rule=1)
    assert changed(3)
    with shelf.db.writer() as connection:
        age_missing(connection, [shelf.folder.id], 100.0, most=10)
    Searches(shelf.db).remember("dog")
    assert changed(3)
    with shelf.db.writer() as connection:
        mark_missing(connection, [file.id for file in files_of(shelf.db, shelf.folder.id)], 1.0)
    assert changed(4)
    remove_folder(shelf.db, shelf.folder.id)
    assert changed(5)
