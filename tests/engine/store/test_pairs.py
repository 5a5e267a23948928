"""Which files of a folder are one photo: the same for every order in which they come, go and return."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import replace

import pytest

from picsight_engine.foundation.metadata import Metadata
from picsight_engine.store.folders import add_folder, remove_folder
from picsight_engine.store.photos import all_photos, paths_of
from picsight_engine.store.selection import photos_with_copies
from picsight_engine.store.tagging.exported_decisions import photo_with_fingerprint, photo_with_hash
from picsight_engine.store.tagging.pairs import pair
from picsight_engine.store.tagging.runs import record_run, undo_or_redo
from picsight_engine.store.tagging.tagged import person_stars, stars_of
from picsight_engine.store.tagging.tags import Definition, live_tags

NOON, SECOND_LATER, TWO_LATER, THREE_LATER = (f"2021-07-14T12:00:0{second}" for second in (0, 1, 2, 3))

UUID = "1745E022-9712-43C7-B024-F308EC6413CB"  # as Apple Photos names files in its package
LIVE = Metadata(live=True)  # of a film that belongs to a still

# Files with the time when each was taken, and which of them stand together, the one that is shown first.
ARRANGEMENTS = [
    ({"a.jpg": NOON, "a.cr2": NOON}, [["a.jpg", "a.cr2"]]),
    ({"a.JPG": NOON, "a.CR3": NOON}, [["a.JPG", "a.CR3"]]),
    ({"a.jpeg": NOON, "a.nef": SECOND_LATER}, [["a.jpeg", "a.nef"]]),
    ({"a.heic": NOON, "a.dng": TWO_LATER}, [["a.heic", "a.dng"]]),
    ({"a.HIF": NOON, "a.raf": NOON}, [["a.HIF", "a.raf"]]),
    ({"a.heif": TWO_LATER, "a.arw": NOON}, [["a.heif", "a.arw"]]),
    ({"a.jpg": NOON, "a.rw2": THREE_LATER}, [["a.jpg"], ["a.rw2"]]),
    ({"a.jpg": THREE_LATER, "a.orf": NOON}, [["a.jpg"], ["a.orf"]]),
    ({"a.jpg": None, "a.pef": NOON}, [["a.jpg", "a.pef"]]),
    ({"a.jpg": NOON, "a.3fr": None}, [["a.jpg", "a.3fr"]]),
    ({"a.jpg": None, "a.iiq": None}, [["a.jpg", "a.iiq"]]),
    ({"a.jpg": NOON, "b.cr2": NOON}, [["a.jpg"], ["b.cr2"]]),
    ({"a.jpg": NOON, "ab.cr2": NOON}, [["a.jpg"], ["ab.cr2"]]),
    ({"a.b.jpg": NOON, "a.cr2": NOON}, [["a.b.jpg"], ["a.cr2"]]),
    ({"a.b.jpg": NOON, "a.b.cr2": NOON}, [["a.b.jpg", "a.b.cr2"]]),
    ({"a.jpg": NOON, "A.cr2": NOON}, [["a.jpg"], ["A.cr2"]]),
    ({"x/a.jpg": NOON, "x/a.cr2": NOON}, [["x/a.jpg", "x/a.cr2"]]),
    ({"x/a.jpg": NOON, "y/a.cr2": NOON}, [["x/a.jpg"], ["y/a.cr2"]]),
    ({"a.jpg": NOON, "x/a.cr2": NOON}, [["a.jpg"], ["x/a.cr2"]]),
    ({"x.y/a.jpg": NOON, "x.cr2": NOON}, [["x.y/a.jpg"], ["x.cr2"]]),
    ({"a.cr2": NOON, "a.dng": NOON}, [["a.cr2"], ["a.dng"]]),
    ({"a.png": NOON, "a.cr2": NOON}, [["a.png"], ["a.cr2"]]),
    ({"a.tif": NOON, "a.cr2": NOON}, [["a.tif"], ["a.cr2"]]),
    ({"a.jpg": NOON, "a.heic": NOON}, [["a.jpg"], ["a.heic"]]),
    ({"a.jpg": NOON, "a.png": NOON}, [["a.jpg"], ["a.png"]]),
    ({"a.heic": NOON, "a.jpg": NOON, "a.dng": NOON}, [["a.heic", "a.dng"], ["a.jpg"]]),
    ({"a.heic": THREE_LATER, "a.jpg": NOON, "a.dng": NOON}, [["a.heic"], ["a.jpg", "a.dng"]]),
    ({"a.jpg": NOON, "a.cr2": NOON, "a.dng": SECOND_LATER}, [["a.jpg", "a.cr2", "a.dng"]]),
    ({"a.jpg": NOON, "a.cr2": NOON, "a.dng": THREE_LATER}, [["a.jpg", "a.cr2"], ["a.dng"]]),
    ({"IMG_E1234.JPG": NOON, "IMG_1234.HEIC": NOON}, [["IMG_E1234.JPG", "IMG_1234.HEIC"]]),
    ({"IMG_E1234.HEIC": NOON, "IMG_1234.HEIC": NOON}, [["IMG_E1234.HEIC", "IMG_1234.HEIC"]]),
    ({"x/IMG_E1234.JPG": NOON, "x/IMG_1234.JPG": SECOND_LATER}, [["x/IMG_E1234.JPG", "x/IMG_1234.JPG"]]),
    ({"IMG_E1234.JPG": NOON, "IMG_1234.HEIC": THREE_LATER}, [["IMG_E1234.JPG"], ["IMG_1234.HEIC"]]),
    ({"IMG_E1234.JPG": NOON, "IMG_1235.HEIC": NOON}, [["IMG_E1234.JPG"], ["IMG_1235.HEIC"]]),
    ({"x/IMG_E1234.JPG": NOON, "IMG_1234.JPG": NOON}, [["x/IMG_E1234.JPG"], ["IMG_1234.JPG"]]),
    ({"IMG_E1234.PNG": NOON, "IMG_1234.PNG": NOON}, [["IMG_E1234.PNG"], ["IMG_1234.PNG"]]),
    ({"IMG_E12.JPG": NOON, "IMG_12.JPG": NOON}, [["IMG_E12.JPG"], ["IMG_12.JPG"]]),
    ({"SUN_E1234.JPG": NOON, "SUN_1234.JPG": NOON}, [["SUN_E1234.JPG"], ["SUN_1234.JPG"]]),
    ({"IMG_1234.JPG": NOON, "IMG_1234.CR2": NOON}, [["IMG_1234.JPG", "IMG_1234.CR2"]]),
    ({"IMG_E1234.JPG": NOON, "IMG_1234.DNG": NOON}, [["IMG_E1234.JPG", "IMG_1234.DNG"]]),
    (
        {"IMG_E1234.JPG": NOON, "IMG_1234.HEIC": NOON, "IMG_1234.DNG": NOON},
        [["IMG_E1234.JPG", "IMG_1234.DNG", "IMG_1234.HEIC"]],
    ),
    (
        {"IMG_E1234.JPG": NOON, "IMG_1234.HEIC": SECOND_LATER, "IMG_1234.DNG": THREE_LATER},
        [["IMG_E1234.JPG", "IMG_1234.DNG", "IMG_1234.HEIC"]],
    ),
    (
        {"IMG_E1234.JPG": THREE_LATER, "IMG_1234.HEIC": NOON, "IMG_1234.DNG": NOON},
        [["IMG_1234.HEIC", "IMG_1234.DNG"], ["IMG_E1234.JPG"]],
    ),
    ({"a.xmp.jpg": NOON, "a.xmp.cr2": NOON}, [["a.xmp.jpg", "a.xmp.cr2"]]),
    ({".jpg": NOON, ".cr2": NOON}, [[".jpg"], [".cr2"]]),
    ({"a.jpg": NOON}, [["a.jpg"]]),
    ({"a.cr2": NOON}, [["a.cr2"]]),
    ({"ä.jpg": NOON, "ä.cr2": NOON}, [["ä.jpg", "ä.cr2"]]),
    ({"a (1).jpg": NOON, "a (1).cr2": NOON, "a.cr2": NOON}, [["a (1).jpg", "a (1).cr2"], ["a.cr2"]]),
    ({"a.heic": NOON, "a.mov": LIVE}, [["a.heic", "a.mov"]]),
    ({"a.jpg": NOON, "a.MP4": LIVE}, [["a.jpg", "a.MP4"]]),
    ({"a.jpg": NOON, "a.mov": NOON}, [["a.jpg"], ["a.mov"]]),
    ({"a.jpg": NOON, "b.mov": LIVE}, [["a.jpg"], ["b.mov"]]),
    ({"x/a.jpg": NOON, "a.mov": LIVE}, [["x/a.jpg"], ["a.mov"]]),
    ({f"{UUID}.heic": NOON, f"{UUID}_3.mov": LIVE}, [[f"{UUID}.heic", f"{UUID}_3.mov"]]),
    ({"a.png": NOON, "a.mov": LIVE}, [["a.png"], ["a.mov"]]),
    ({"a.dng": NOON, "a.mov": LIVE}, [["a.dng"], ["a.mov"]]),
    ({"a.heic": NOON, "a.dng": NOON, "a.mov": LIVE}, [["a.heic", "a.dng", "a.mov"]]),
    (
        {"IMG_E1234.JPG": NOON, "IMG_1234.HEIC": NOON, "IMG_1234.MOV": LIVE},
        [["IMG_E1234.JPG", "IMG_1234.HEIC", "IMG_1234.MOV"]],
    ),
    ({"IMG_E1234.JPG": NOON, "IMG_1234.MOV": LIVE}, [["IMG_E1234.JPG", "IMG_1234.MOV"]]),
    ({"a.jpg": "2021-07-14T23:59:59", "a.cr2": "2021-07-15T00:00:01"}, [["a.jpg", "a.cr2"]]),
]


class Folder:
    """The files of one folder of the library, as they come and go."""

    def __init__(self, shelf):
        self.shelf = shelf
        self.numbers = itertools.count(1)

    def come(self, name, taken, picture=None):
        self.shelf.put(name.encode(), picture or next(self.numbers), vector=False)
        self.shelf.describe(name.encode(), taken if isinstance(taken, Metadata) else Metadata(taken=taken))
        with self.shelf.db.writer() as connection:
            pair(connection, self.shelf.folder.id, name.encode())

    def go(self, *names):
        self.shelf.lose(*map(str.encode, names))

    def come_back(self, *names):
        self.shelf.find_again(*map(str.encode, names))

    def rate(self, stars, *names, at=None):
        """Gives stars to the visible photos of these names, or to all of them; returns the run."""
        photos = [photo.id for photo in all_photos(self.shelf.db) if not names or photo.path.name in names]
        with record_run(self.shelf.db, "rate", "stars") as run:
            run.rate(photos, stars, at)
        return run.made.id

    def stars(self):
        """The stars of the visible photos by name."""
        connection, photos = self.shelf.db.reader(), all_photos(self.shelf.db)
        return {photo.path.name: person_stars(connection, [photo.id]).get(photo.id) for photo in photos}

    def shown(self):
        """The visible photos, each as its files, the primary one first."""
        photos = [(photo.path, paths_of(self.shelf.db, photo.id)) for photo in all_photos(self.shelf.db)]
        assert all(first == paths[0] for first, paths in photos)
        names = [
            [path.relative_to(self.shelf.folder.path).as_posix() for path in paths] for _, paths in photos
        ]
        return sorted([first, *sorted(others)] for first, *others in names)


@pytest.fixture
def folder(shelf):
    return Folder(shelf)


def test_files_of_a_shot_are_one_photo_in_any_order_of_changes(folder):
    """Each arrangement lies in another directory."""
    places = [(f"{place}/", *arrangement) for place, arrangement in enumerate(ARRANGEMENTS)]
    expected = sorted([at + name for name in photo] for at, _, photos in places for photo in photos)
    files = {at + name: taken for at, taken_at, _ in places for name, taken in taken_at.items()}
    order = list(files)
    random.Random(1).shuffle(order)
    for name in order:
        folder.come(name, files[name])
    assert folder.shown() == expected
    for numbers in ({0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}):  # of the files of each arrangement
        gone = [at + name for at, taken_at, _ in places for k, name in enumerate(taken_at) if k in numbers]
        folder.go(*gone)
        assert {name for photo in folder.shown() for name in photo} == set(files) - set(gone)
        folder.come_back(*gone)
        assert folder.shown() == expected


def test_a_pair_has_the_stars_that_another_program_gave_its_raw(folder):
    db = folder.shelf.db
    ratings = {"a.jpg": 0, "a.cr2": 4, "b.jpg": 2, "b.cr2": 3, "c.jpg": 0, "c.cr2": None}
    for name, rating in ratings.items():
        folder.come(name, Metadata(NOON, rating=rating))
    stars = stars_of(db.reader(), [photo.id for photo in all_photos(db)])
    assert {photo.name: stars[photo.id] for photo in all_photos(db)} == {
        b"a.jpg": 4,
        b"b.jpg": 2,
        b"c.jpg": 0,
    }


def test_a_file_that_joins_a_pair_brings_its_stars_and_one_that_leaves_keeps_them(folder):
    folder.come("a.cr2", NOON)
    folder.rate(4)
    folder.come("a.jpg", NOON)
    assert (folder.shown(), folder.stars()) == ([["a.jpg", "a.cr2"]], {"a.jpg": 4})
    folder.come("b.jpg", NOON)
    folder.come("b.cr2", NOON)
    folder.rate(3)
    folder.go("a.cr2", "b.jpg")
    assert folder.shown() == [["a.jpg"], ["b.cr2"]]
    assert folder.stars() == {"a.jpg": 3, "b.cr2": 3}


def test_the_last_stars_of_a_pairs_files_count(folder):
    folder.come("a.jpg", NOON)
    folder.come("a.cr2", NOON)
    folder.rate(3, "a.jpg")
    folder.go("a.jpg")
    folder.rate(5, "a.cr2")
    folder.come_back("a.jpg")
    assert folder.stars() == {"a.jpg": 5}
    folder.rate(None, "a.jpg")
    folder.go("a.jpg")
    assert (folder.shown(), folder.stars()) == ([["a.cr2"]], {"a.cr2": None})


@pytest.mark.parametrize("ahead", [0.0, 1e9])
def test_the_last_stars_of_a_pair_are_the_last_given_at_any_clock(folder, ahead):
    folder.come("a.cr2", NOON)
    folder.rate(1, "a.cr2", at=time.time() + ahead)
    folder.come("b.jpg", NOON, picture=1001)
    folder.rate(4, "b.jpg")
    undo_or_redo(folder.shelf.db, folder.rate(2, "a.cr2", at=time.time() + ahead), undo=True)
    folder.go("b.jpg")
    folder.come("a.jpg", NOON, picture=1001)
    folder.go("a.jpg")
    assert folder.stars() == {"a.cr2": 4}


def test_stars_of_a_pair_hold_for_each_of_its_pictures(folder):
    folder.come("a.jpg", NOON, picture=1001)
    folder.come("a.cr2", NOON, picture=1002)
    folder.rate(4)
    folder.come("a.jpg", NOON, picture=1003)  # another picture replaces the one that was shown
    assert (folder.shown(), folder.stars()) == ([["a.jpg", "a.cr2"]], {"a.jpg": 4})
    folder.go("a.cr2")
    folder.come("b.cr2", NOON, picture=1002)  # a move that no run has seen
    assert folder.stars() == {"a.jpg": 4, "b.cr2": 4}
    folder.go("a.jpg", "b.cr2")
    folder.come("c.jpg", NOON, picture=1001)
    folder.come("d.cr2", NOON, picture=1002)
    assert folder.stars() == {"c.jpg": 4, "d.cr2": 4}


def test_raws_that_exchange_their_names_keep_the_stars_of_their_pairs(folder):
    """A camera's numbers began again, and somebody renamed one half of two pairs within used names."""
    for number, name in enumerate(("a.jpg", "a.dng", "b.jpg", "b.dng"), start=1):
        folder.come(name, NOON if name < "b" else THREE_LATER, picture=number)
    folder.rate(5, "a.jpg")
    folder.come("a.dng", THREE_LATER, picture=4)
    folder.come("b.dng", NOON, picture=2)
    assert folder.shown() == [["a.dng"], ["a.jpg"], ["b.dng"], ["b.jpg"]]
    assert folder.stars() == {"a.jpg": 5, "b.dng": 5, "a.dng": None, "b.jpg": None}


@pytest.mark.parametrize("picture", [None, 2, 3])
def test_a_file_that_was_away_gets_nothing_that_its_pair_was_given_meanwhile(folder, picture):
    """It comes back as it was, or is read again, or another picture has its name."""
    folder.come("a.jpg", NOON, picture=1)
    folder.come("a.dng", NOON, picture=2)
    folder.go("a.dng")
    folder.rate(4)
    folder.go("a.dng", "a.jpg")  # a damaged file is found to be gone in each run
    folder.come("a.dng", NOON, picture) if picture else folder.come_back("a.dng")
    folder.come("b.dng", NOON, picture=2)
    assert set(folder.stars().values()) == {None}


def test_a_copy_of_a_raw_has_the_stars_of_its_pair_and_gives_its_own(folder):
    folder.come("a.jpg", NOON, picture=1)
    folder.come("a.dng", NOON, picture=2)
    folder.rate(2)
    folder.come("copy.dng", NOON, picture=2)
    assert folder.stars() == {"a.jpg": 2, "copy.dng": 2}
    last = folder.rate(3, "a.jpg")
    assert folder.stars() == {"a.jpg": 3, "copy.dng": 3}
    folder.rate(4, "copy.dng")
    assert folder.stars() == {"a.jpg": 4, "copy.dng": 4}
    undo_or_redo(folder.shelf.db, None, undo=True)
    undo_or_redo(folder.shelf.db, last, undo=True)
    assert folder.stars() == {"a.jpg": 2, "copy.dng": 2}


def test_a_copy_of_a_raw_has_the_stars_that_another_file_brings_to_its_pair(folder):
    folder.come("a.jpg", NOON, picture=1)
    folder.come("a.dng", NOON, picture=2)
    folder.come("copy.dng", NOON, picture=2)
    folder.come("b.cr2", NOON, picture=3)
    folder.rate(4, "b.cr2")
    folder.go("b.cr2")
    folder.come("a.cr2", NOON, picture=3)
    assert folder.stars() == {"a.jpg": 4, "copy.dng": 4}


def test_a_raw_of_a_removed_folder_has_the_stars_of_its_pair_elsewhere(folder):
    folder.come("a.jpg", NOON, picture=1)
    folder.come("a.dng", NOON, picture=2)
    folder.rate(2)
    db = folder.shelf.db
    remove_folder(db, folder.shelf.folder.id)
    other = add_folder(db, folder.shelf.folder.path.with_name("other"))
    folder.shelf.put(b"copy.dng", 2, folder_id=other.id)
    assert folder.stars() == {"copy.dng": 2}


class Example:
    """The part of a folder's photos in one tag, as examples or against it."""

    def __init__(self, folder, field):
        self.db, self.field = folder.shelf.db, field
        with record_run(self.db, "new", "a tag") as run:
            self.tag = run.add(Definition(0, "Snow", None, "tag", None, False, 0.0))

    def change(self, *names):
        """Makes the visible photos of these names the only ones; returns the run."""
        photos = tuple(photo.id for photo in all_photos(self.db) if photo.path.name in names)
        with record_run(self.db, "change", "examples") as run:
            hidden = {*getattr(run.tag(self.tag), self.field)} - {photo.id for photo in all_photos(self.db)}
            run.define(replace(run.tag(self.tag), **{self.field: (*photos, *hidden)}))
        return run.made.id

    def names(self):
        """By file, of the visible photos."""
        tag = live_tags(self.db.reader())[-1]
        return [photo.path.name for photo in all_photos(self.db) if photo.id in getattr(tag, self.field)]


@pytest.fixture(params=["examples", "against"])
def example(folder, request):
    return Example(folder, request.param)


def test_the_example_of_a_tag_is_shown_by_whichever_file_of_its_pair_is_there(folder, example):
    folder.come("a.dng", NOON)
    example.change("a.dng")
    folder.come("a.jpg", NOON)
    assert example.names() == ["a.jpg"]
    folder.go("a.jpg")
    assert example.names() == ["a.dng"]
    folder.come_back("a.jpg")
    undo_or_redo(example.db, None, undo=True)
    assert example.names() == []
    undo_or_redo(example.db, None, undo=False)
    assert example.names() == ["a.jpg"]
    example.change()
    folder.go("a.jpg")
    assert example.names() == []


def test_an_example_that_is_given_again_is_shown_by_the_file_that_came_before_it_meanwhile(folder, example):
    folder.come("a.dng", NOON)
    example.change("a.dng")
    undo_or_redo(example.db, None, undo=True)
    folder.come("a.jpg", NOON)
    undo_or_redo(example.db, None, undo=False)
    assert example.names() == ["a.jpg"]
    undo_or_redo(example.db, None, undo=True)
    folder.go("a.jpg")
    assert example.names() == []


@pytest.mark.parametrize(("gone", "left"), [("a.jpg", "a.dng"), ("a.dng", "a.jpg")])
@pytest.mark.parametrize("meanwhile", [None, "b"])
def test_an_example_that_is_removed_while_half_of_its_pair_is_elsewhere_stays_removed(
    folder, example, gone, left, meanwhile
):
    pictures = {"a.jpg": 1, "a.dng": 2}
    for name, picture in pictures.items():
        folder.come(name, NOON, picture)
    given = example.change("a.jpg")
    folder.go(gone)
    elsewhere = gone.replace("a", meanwhile or "a")
    if meanwhile:
        folder.come(elsewhere, NOON, pictures[gone])
    removed = example.change(*([elsewhere] if meanwhile else []))
    if meanwhile:
        folder.go(elsewhere)
        folder.come(gone, NOON, pictures[gone])
    else:
        folder.come_back(gone)
    assert example.names() == []
    undo_or_redo(example.db, removed, undo=True)
    assert example.names() == ["a.jpg"]
    undo_or_redo(example.db, removed, undo=False)
    assert example.names() == []
    undo_or_redo(example.db, removed, undo=True)
    undo_or_redo(example.db, given, undo=True)
    assert example.names() == []
    example.change("a.jpg")
    folder.go(gone)
    assert example.names() == [left]


def test_a_pair_is_not_a_copy_and_is_known_by_the_fingerprint_of_either_file(folder):
    db = folder.shelf.db
    folder.come("a.jpg", NOON)
    folder.come("a.cr2", NOON)
    (shown,) = all_photos(db)
    assert list(photos_with_copies(db)) == []
    fingerprint = (2).to_bytes(16, "big")  # of the second that came
    with db.reading() as connection:
        assert photo_with_fingerprint(connection, fingerprint, 1) == shown.id
    assert photo_with_hash(db, fingerprint) == (shown.id, True)
    folder.go("a.jpg")
    (alone,) = all_photos(db)
    folder.come_back("a.jpg")
    assert set(remove_folder(db, folder.shelf.folder.id)) == {shown.id, alone.id}
    add_folder(db, folder.shelf.folder.path)
    folder.go("a.jpg")
    assert photo_with_hash(db, fingerprint) == (alone.id, True)
