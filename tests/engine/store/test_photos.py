"""Photos and their files: identity, visibility, moves, missing files and their return."""

from __future__ import annotations

import random
from dataclasses import replace

from picsight_engine.foundation.metadata import Metadata
from picsight_engine.store.derived.vectors import photos_with_vector
from picsight_engine.store.files import (
    NewFile,
    age_missing,
    files_of,
    find_file,
    forget_missing,
    metadata_of,
    move_file,
    put_file,
    put_metadata,
)
from picsight_engine.store.folders import add_folder
from picsight_engine.store.photos import (
    NewPhoto,
    all_photos,
    hidden_photos,
    known_photo,
    newest_photos,
    paths_of,
    photos_by_id,
    photos_shown,
    put_likeness,
    put_photo,
)
from picsight_engine.store.tagging.decisions import is_same_shot
from picsight_engine.store.tagging.pairs import mark_missing, mark_returned, pair

SPACE = "0123456789abcdef"


def test_a_picture_is_one_photo_however_many_files_show_it(shelf, pictures):
    first, again = shelf.put(b"a.jpg", 1), shelf.put(b"b.jpg", 1)
    assert first == again
    assert paths_of(shelf.db, first) == [pictures / "a.jpg", pictures / "b.jpg"]
    assert photos_by_id(shelf.db, [first])[first].path == pictures / "a.jpg"
    assert known_photo(shelf.db.reader(), (1).to_bytes(16, "big")) == first
    assert known_photo(shelf.db.reader(), b"?" * 16) is None


def test_each_file_keeps_its_metadata_and_a_result_has_those_of_its_primary_file(shelf):
    photo_id = shelf.put(b"a.jpg", 1)
    shelf.put(b"b.jpg", 1)
    first = Metadata("2019-01-01T00:00:00", None, "exif", rating=3, keywords=("sea", "Größe"), flash=False)
    second = Metadata("2020-01-01T00:00:00", "+02:00", "exif", place="Lisbon")
    for name, metadata in ((b"a.jpg", replace(first, lens="50 mm")), (b"a.jpg", first), (b"b.jpg", second)):
        shelf.describe(name, metadata)
    assert [metadata_of(shelf.db, file.id) for file in shelf.files(b"a.jpg", b"b.jpg")] == [first, second]
    assert photos_by_id(shelf.db, [photo_id])[photo_id].taken == first.taken
    shelf.lose(b"a.jpg")
    photo = photos_by_id(shelf.db, [photo_id])[photo_id]
    assert (photo.taken, photo.taken_offset, photo.place) == (second.taken, "+02:00", "Lisbon")


def look_at(shelf, *hours: float, most: float = 10) -> list[list[int]]:
    """Looks through the folder at these hours; returns what each look forgot. 30 hours stand for the 30 days."""
    forgotten = []
    for hour in hours:
        with shelf.db.writer() as connection:
            age_missing(connection, [shelf.folder.id], hour, most=most)
            forgotten.append(forget_missing(connection, 30))
    return forgotten


def test_a_missing_photo_is_forgotten_with_its_vector_once_looks_enough_agree(shelf):
    old, here = (shelf.put(b"%d.jpg" % number, number) for number in (1, 2))
    look_at(shelf, 0)
    shelf.lose(b"1.jpg", at=100.0)
    assert look_at(shelf, 10, 20, 29) == [[], [], []]
    assert photos_with_vector(shelf.db, SPACE) == {old, here}
    assert look_at(shelf, 31) == [[old]]
    assert [file.name for file in shelf.files()] == [b"2.jpg"]
    assert photos_with_vector(shelf.db, SPACE) == {here}


def test_a_raw_that_stood_behind_its_jpeg_for_months_is_kept_for_30_days_after_another_takes_its_name(shelf):
    shelf.put(b"1.jpg", 1)
    raw = shelf.put(b"1.dng", 2)
    with shelf.db.writer() as connection:
        pair(connection, shelf.folder.id, b"1.dng")
    look_at(shelf, *range(0, 100, 10))
    shelf.put(b"1.dng", 3)
    assert look_at(shelf, 100, 110, 119) == [[], [], []]
    assert look_at(shelf, 121) == [[raw]]


def test_no_single_jump_of_the_clock_makes_anything_old(shelf):
    photo = shelf.put(b"1.jpg", 1)
    look_at(shelf, 0)
    shelf.lose(b"1.jpg", at=0.0)
    assert look_at(shelf, 1, 961, 2, 3, -500, 4) == [[]] * 6  # 40 days ahead, back, and far back
    assert look_at(shelf, *(-500, 5) * 10) == [[]] * 20  # a clock without a battery
    assert shelf.db.column("SELECT missing_since FROM files") == [0.0]
    assert hidden_photos(shelf.db) == [photo]


def test_a_file_that_came_back_begins_anew_when_it_goes_again(shelf):
    shelf.put(b"1.jpg", 1)
    look_at(shelf, 0)
    for start in (0, 100):
        shelf.lose(b"1.jpg", at=0.0)
        assert look_at(shelf, start + 10, start + 20, start + 25) == [[]] * 3
        shelf.find_again(b"1.jpg")
        look_at(shelf, 100)


def test_missing_files_of_another_folder_do_not_age(shelf, pictures):
    second = add_folder(shelf.db, pictures.parent / "second")
    shelf.put(b"1.jpg", 1, folder_id=second.id)
    look_at(shelf, 0)
    with shelf.db.writer() as connection:
        mark_missing(connection, [files_of(shelf.db, second.id)[0].id], 0.0)
    assert look_at(shelf, 10, 20, 30, 40, 50) == [[]] * 5


def test_a_file_that_is_overwritten_shows_the_new_picture_and_hides_the_old_one(shelf, pictures):
    old = shelf.put(b"a.jpg", 1)
    (file,) = shelf.files()
    new = shelf.put(b"a.jpg", 2)
    assert [each.id for each in shelf.files()] == [file.id]
    assert [photo.id for photo in all_photos(shelf.db)] == [new]
    assert hidden_photos(shelf.db) == [old]
    assert shelf.put(b"back.jpg", 1) == old
    assert hidden_photos(shelf.db) == []


def test_a_moved_file_keeps_its_photo(shelf, pictures):
    second = add_folder(shelf.db, pictures.parent / "second")
    photo_id = shelf.put(b"a.jpg", 1)
    (file,) = shelf.files()
    with shelf.db.writer() as connection:
        mark_missing(connection, [file.id], 1.0)
        move_file(connection, file.id, second.id, b"sub/b.jpg")
    shelf.put(b"sub/b.jpg", 1, folder_id=second.id)
    moved = files_of(shelf.db, second.id)[0]
    assert (moved.id, moved.name, moved.present) == (file.id, b"sub/b.jpg", True)
    assert photos_by_id(shelf.db, [photo_id])[photo_id].path == second.path / "sub" / "b.jpg"


def test_a_file_is_found_by_its_path_also_through_links(shelf, pictures, tmp_path):
    shelf.put(b"real/a.jpg", 1)
    (pictures / "real").mkdir()
    (pictures / "alias").symlink_to("real")
    (tmp_path / "link").symlink_to(pictures)
    (stored,) = shelf.files()
    links = (pictures / "alias", tmp_path / "link" / "real", pictures / "alias" / ".." / "real")
    for path in (pictures / "real", *links):
        assert find_file(shelf.db, path / "a.jpg") == stored
    assert find_file(shelf.db, tmp_path / "real" / "a.jpg") is None
    assert find_file(shelf.db, pictures) is None


def test_the_newest_photo_comes_first_by_its_date_else_by_its_files(shelf):
    undated = shelf.put(b"1.jpg", 10)  # its file is of 1970
    with shelf.db.writer() as connection:
        ids = []
        for number, taken in enumerate(("2019-05-01T10:00:00", "2021-05-01T10:00:00", "1950-01-01T00:00:00")):
            name = b"t%d.jpg" % number
            ids.append(put_photo(connection, NewPhoto(bytes([number]) * 16, 4, 3)))
            put_file(connection, NewFile(shelf.folder.id, name, 1, 2, None, ids[-1]))
            put_metadata(connection, shelf.folder.id, name, Metadata(taken), rule=1)
    assert [photo.id for photo in all_photos(shelf.db)] == [ids[1], ids[0], undated, ids[2]]
    assert [photo.id for photo in newest_photos(shelf.db, 2)] == [ids[1], ids[0]]
    assert [photo.id for photo in newest_photos(shelf.db, 9)] == [ids[1], ids[0], ids[2]]
    assert photos_shown(shelf.db) == 4


def test_the_first_file_of_a_photo_decides_whether_it_is_among_the_newest(shelf):
    with shelf.db.writer() as connection:
        old, new = (put_photo(connection, NewPhoto(bytes([k]) * 16, 4, 3)) for k in (1, 2))
        for name, photo, taken in (("a", old, "2001-01-01T10:00:00"), ("b", old, "2022-01-01T10:00:00"),
                                   ("c", new, "2020-01-01T10:00:00")):  # fmt: skip
            put_file(connection, NewFile(shelf.folder.id, name.encode(), 1, 2, None, photo))
            put_metadata(connection, shelf.folder.id, name.encode(), Metadata(taken), rule=1)
    assert [photo.id for photo in newest_photos(shelf.db, 9)] == [new, old]
    assert [photo.id for photo in newest_photos(shelf.db, 2)] == [new]


def test_a_photo_is_visible_exactly_while_a_file_is_present(shelf):
    """A seeded storm of changes; visibility is then compared with the files themselves."""
    rng = random.Random(20)
    db = shelf.db
    for _ in range(300):
        name, number = b"%d.jpg" % rng.randrange(12), rng.randrange(1, 9)
        files = shelf.files()
        action = rng.choice(["put", "put", "missing", "returned", "move", "forget"])
        if action == "put" or not files:
            shelf.put(name, number, vector=False)
            continue
        file = rng.choice(files)
        with db.writer() as connection:
            if action == "missing":
                mark_missing(connection, [file.id], 10.0)
            elif action == "returned":
                mark_returned(connection, [file.id])
            elif action == "move":
                move_file(connection, file.id, shelf.folder.id, name)
            elif rng.random() < 0.2:
                forget_missing(connection, 0)
    shown = {file.photo_id for file in shelf.files() if file.present}
    assert {photo.id for photo in all_photos(db)} == shown
    known = {photo_id for (photo_id,) in db.reader().execute("SELECT id FROM photos")}
    assert set(hidden_photos(db)) == known - shown


def test_an_overwritten_file_is_the_same_shot_if_its_time_or_look_is_equal(shelf):
    taken = "2020-01-01T00:00:00"
    with shelf.db.writer() as connection:
        before, alike, other = (
            put_photo(connection, NewPhoto(bytes([number]) * 16, 4, 3)) for number in (1, 2, 3)
        )
        put_likeness(connection, {before: 0b1, alike: 0b11, other: -1})
        put_file(connection, NewFile(shelf.folder.id, b"a.jpg", 1, 2, None, before))
        put_metadata(connection, shelf.folder.id, b"a.jpg", Metadata(taken), rule=1)
        (file,) = connection.execute("SELECT id FROM files").fetchone()
        pairs = ((alike, None), (other, None), (other, taken))
        assert [is_same_shot(connection, file, *pair) for pair in pairs] == [True, False, True]


def test_a_film_without_a_date_is_the_same_after_a_change_of_its_metadata_if_it_lasts_as_long(shelf):
    with shelf.db.writer() as connection:
        before, after = (put_photo(connection, NewPhoto(bytes([number]) * 16, 4, 3)) for number in (1, 2))
        put_file(connection, NewFile(shelf.folder.id, b"a.mp4", 1, 2, None, before))
        put_metadata(connection, shelf.folder.id, b"a.mp4", Metadata(duration=6.04), rule=1)
        (file,) = connection.execute("SELECT id FROM files").fetchone()
        films = ((None, 6.04), (None, 6.08), (None, None), ("2020-01-01T00:00:00", 6.04))
        assert [is_same_shot(connection, file, after, *film) for film in films] == [True, False, False, False]
