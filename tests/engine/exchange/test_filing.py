"""What a person has said outlives the database: a file beside it says the same."""

from __future__ import annotations

import stat
from contextlib import closing

import pytest
from tests.engine.search.conftest import Album

from picsight_engine.doctor import doctor_folder
from picsight_engine.exchange.filing import filing_state
from picsight_engine.library import Library
from picsight_engine.store.opening import open_database

FILE = "decisions.jsonl"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "library"


@pytest.fixture
def opened(folder, small, tmp_path):
    """Opens the library with three photos in it, again and again."""
    (tmp_path / "Photos").mkdir()

    def open_it():
        library = Library.open(folder, small)
        library.add_folder(tmp_path / "Photos")
        with closing(open_database(folder)) as db:
            album = Album(library, db, 1, small.manifest.space_id, small.manifest.dim)
            for number in (1, 2, 3):
                album.put(b"%d.jpg" % number, number)
        return library

    return open_it


def index(library):
    """The end of a run that finds nothing: the photos of these tests are only in the database."""
    *_, last = library.index([])
    return last


def files(folder):
    return sorted(path.name for path in folder.glob("decisions*"))


def check(folder, small):
    (found,) = [each for each in doctor_folder(folder, small.folder) if each.name == "decisions"]
    return found


def test_a_lost_database_loses_no_tags_states_ratings_and_saved_searches(folder, opened):
    with opened() as library:
        library.tags.new("Dogs", prompts=["dog"], examples=[1], threshold=0.3)
        library.tags.decide("Dogs", [2], "rejected")
        library.tags.decide("Favourites", [3], "accepted")
        library.tags.rate([1, 2], 4)
        library.tags.suggest("Dogs")
        names = (("Snow", "dog snow"), ("Best", "rated:5"), ("Winter", "dog snow"))
        searches = [library.searches.save(*each) for each in names]
        before = library.tags.all(), library.tags.states([1, 2, 3]), library.tags.marks([1, 2, 3])
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    for path in folder.glob("library.db*"):
        path.unlink()
    with opened() as library:
        (note,) = index(library).notes
        assert note.startswith(f"{folder / FILE} is of an earlier library.")
        assert library.exchange.import_from(folder / FILE).searches == 3
        assert library.searches.saved() == searches
        assert library.exchange.import_from(folder / FILE).searches == 0
        after = library.tags.all(), library.tags.states([1, 2, 3]), library.tags.marks([1, 2, 3])
        assert after == before
        assert not index(library).notes[1:]
    assert len(files(folder)) == 2


def test_it_is_written_when_anything_was_said_and_not_otherwise(folder, opened):
    with opened() as library:
        assert library.tags.all()
    assert files(folder) == []
    with opened() as library:
        library.tags.rate([1], 4)
        index(library)
        first = (folder / FILE).read_bytes()
        assert first.count(b'"rating": 4') == 1
        library.tags.undo()
    second = (folder / FILE).read_bytes()
    assert b"rating" not in second
    inode = (folder / FILE).stat().st_ino
    with opened() as library:
        library.tags.states([1])
        library.searches.remember("dog")
        index(library)
    assert (folder / FILE).stat().st_ino == inode
    assert files(folder) == [FILE]
    with opened() as library:
        library.searches.save("Snow", "dog snow")
        index(library)
        assert b'"search": "Snow", "query": "dog snow"' in (folder / FILE).read_bytes()


def test_a_file_that_the_library_did_not_write_is_put_aside(folder, opened):
    with opened() as library:
        library.tags.rate([1], 4)
    (folder / FILE).write_bytes(b"mine")
    with opened() as library:
        library.tags.rate([1], 5)
        (note,) = index(library).notes
    (aside,) = [folder / name for name in files(folder) if name != FILE]
    assert aside.read_bytes() == b"mine"
    assert note.startswith(f"{aside} was not written by this library. Import it")
    assert b'"rating": 5' in (folder / FILE).read_bytes()


def test_it_does_not_name_what_was_forgotten(folder, opened, small):
    with opened() as library:
        library.tags.new("Dogs", examples=[1])
        library.tags.rate([2], 4)
        library.tags.decide("Dogs", [3], "accepted")
    assert all(b"/%d.jpg" % number in (folder / FILE).read_bytes() for number in (1, 2, 3))
    with opened() as library:
        library.remove_folder(1)
    doctor_folder(folder, small.folder, forget=True)
    assert b".jpg" not in (folder / FILE).read_bytes()
    assert b"Dogs" in (folder / FILE).read_bytes()


@pytest.mark.parametrize("mender", ["doctor", "the next run"])
@pytest.mark.parametrize("fault", ["behind", "missing", "damaged"])
def test_it_is_brought_up_to_date(folder, opened, small, fault, mender):
    with opened() as library:
        assert "Nothing was tagged" in check(folder, small).message
        library.tags.rate([1], 4)
    sound = (folder / FILE).read_bytes()
    assert "holds all that you have said" in check(folder, small).message
    if fault == "behind":
        library = opened()
        library.tags.rate([1], 5)
        library._db.close()  # as if it was killed
        sound = sound.replace(b'"rating": 4', b'"rating": 5')
    elif fault == "missing":
        (folder / FILE).unlink()
    else:
        (folder / FILE).write_bytes(sound[:-9])
    if mender == "doctor":
        found = check(folder, small)
        assert (found.ok, found.repaired) == (True, True)
        assert f"was {fault} and was written anew" in found.message
    else:
        with opened() as library:
            assert bool(index(library).notes) == (fault == "damaged")
    assert without_times((folder / FILE).read_bytes()) == without_times(sound)
    with closing(open_database(folder)) as db:
        assert filing_state(db) == "current"


def without_times(lines):
    return [line.partition(b'"time"')[0] for line in lines.splitlines()]


def test_what_was_said_after_the_backup_that_was_restored_is_put_aside_and_comes_back(folder, opened):
    with opened() as library:
        library.tags.rate([1], 4)
    backup = (folder / "library.db").read_bytes()
    with opened() as library:
        library.tags.rate([1, 2], 5)
    (folder / "library.db").write_bytes(backup)
    with opened() as library:
        (note,) = index(library).notes
        (aside,) = [folder / name for name in files(folder) if name != FILE]
        assert note.startswith(f"{aside} was not written by this library. Import it")
        library.exchange.import_from(aside)
        assert [library.tags.rating(photo) for photo in (1, 2)] == [5, 5]


def test_a_disk_that_refuses_it_stops_nothing_and_the_library_says_so(folder, opened, small):
    with opened() as library:
        library.tags.rate([1], 4)
        (folder / FILE).mkdir()  # nothing can take the place of a folder
        (folder / FILE / "in").touch()
        (note,) = index(library).notes
    assert "cannot be read" in note
    assert [path.name for path in folder.glob("*.part")] == []
    assert not check(folder, small).ok
    with opened() as library:
        assert library.tags.rating(1) == 4
