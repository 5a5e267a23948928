"""The counts of places, months, cameras and keywords agree with the files after any changes."""

from __future__ import annotations

import json
import os
import random
from pathlib import PurePosixPath

import pytest
from tests.engine.store.storm import change

from picsight_engine.foundation.folding import fold
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.store.files import age_missing
from picsight_engine.store.folders import add_folder, remove_folder
from picsight_engine.store.overview.counts import photos_revision, read_contents, shared_details
from picsight_engine.store.tagging.searches import Searches

EVERY_FILE = """
SELECT photo_id, folders.path, files.name, taken, camera, keywords, place, lens
FROM files JOIN folders ON folders.id = folder_id WHERE present AND photo_id IS NOT NULL"""


def files(db) -> list[tuple]:
    """Photo, folder and suffix, month, camera, keywords, place, lens of every present file, read one by one."""
    with db.reading() as connection:
        rows = connection.execute(EVERY_FILE).fetchall()
    facts = []
    for photo_id, path, name, taken, camera, keywords, town, lens in rows:
        file = PurePosixPath(os.fsdecode(path)) / os.fsdecode(name)
        place, words = (str(file.parent), fold(file.suffix)), tuple(json.loads(keywords or "[]")) or None
        facts.append((photo_id, place, taken and taken[:7], camera, words, town, lens))
    return facts


@pytest.mark.parametrize("seed", [0, *(pytest.param(more, marks=pytest.mark.soak) for more in (1, 2))])
def test_counts_agree_with_the_files_after_any_changes(shelf, pictures, seed):
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


def test_a_place_has_its_names_from_the_added_folder_on(shelf, pictures):
    shelf.put("Été/Sea side/a.JPG".encode(), 1)
    shelf.put("ÉTÉ/sea  side/b.jpeg".encode(), 2)
    shelf.put("été/SEA SIDE/c.jpg".encode(), 3)
    places = read_contents(shelf.db).places
    above = f"{pictures.parent.as_posix()}/"
    counted = {(place.above, place.names, place.suffix): files for place, files in places.files.items()}
    assert counted == {
        (above, ("pictures", "Été", "Sea side"), ".jpg"): 2,
        (above, ("pictures", "ÉTÉ", "sea  side"), ".jpeg"): 1,
    }


def test_the_revision_changes_only_with_the_content_of_files(shelf):
    seen = [photos_revision(shelf.db)]

    def changed(number: int) -> bool:
        seen.append(photos_revision(shelf.db))
        return len(set(seen)) == number

    shelf.put(b"a.jpg", 1)
    assert changed(2)
    shelf.describe(b"a.jpg", Metadata("2019-07-18T10:00:00"))
    assert changed(3)
    with shelf.db.writer() as connection:
        age_missing(connection, [shelf.folder.id], 100.0, most=10)
    Searches(shelf.db).remember("dog")
    assert changed(3)
    shelf.lose()
    assert changed(4)
    remove_folder(shelf.db, shelf.folder.id)
    assert changed(5)


PLACES = (
    None,
    "Nice, Alpes-Maritimes, France",
    "Cannes, Alpes-Maritimes, France",
    "Paris, France",
    "Rome, Italy",
)


def common(values):
    return values[0] if len(set(values)) == 1 else None


def test_shared_details_are_those_that_all_photos_have(shelf):
    draw, records_by_photo = random.Random(7), {}
    for number in range(40):
        photo = shelf.put(b"%d.jpg" % number, number)
        records_by_photo[photo] = metadata = Metadata(
            taken=draw.choice((None, f"2020-07-{1 + number % 28:02}T10:00:00")),
            place=draw.choice(PLACES),
            lat=draw.choice((None, 43.7, 43.701)),
            lon=7.25,
            camera=draw.choice(("Canon EOS 600D", "Canon EOS 600D", None)),
            lens=draw.choice(("50 mm", "50 mm", "18 mm")),
            keywords=tuple(draw.sample(("sea", "Anna", "boat"), draw.randint(1, 3))),
        )
        shelf.describe(b"%d.jpg" % number, metadata)
    for _ in range(60):
        chosen = draw.sample(sorted(records_by_photo), draw.randint(1, 4))
        shared, records = shared_details(shelf.db, chosen), [records_by_photo[photo] for photo in chosen]
        dates = sorted(each.taken for each in records if each.taken)
        assert (shared.photos, shared.undated) == (len(chosen), len(chosen) - len(dates))
        assert (shared.first, shared.last) == ((dates[0], dates[-1]) if dates else (None, None))
        assert shared.camera == common([each.camera for each in records])
        assert shared.lens == common([each.lens for each in records])
        assert set(shared.keywords) == set.intersection(*(set(each.keywords) for each in records))
        assert set(shared.positions) == {(43.7, 7.25) for each in records if each.lat}
        places = [each.place for each in records]
        if None in places or len({place.rpartition(", ")[2] for place in places}) > 1:
            assert shared.place is None
        else:
            assert shared.place is not None
            assert all(place.endswith(shared.place) for place in places)
            assert len(set(places)) > 1 or shared.place == places[0]


def test_shared_details_count_visible_photos_only(shelf):
    photo = shelf.put(b"a.jpg", 1)
    assert shared_details(shelf.db, [photo, 999]).photos == 1
    shared = shared_details(shelf.db, [])
    assert (shared.photos, shared.bytes, shared.first, shared.place, shared.keywords) == (
        0,
        0,
        None,
        None,
        (),
    )
