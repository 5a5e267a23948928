"""Decisions outlive the database: a file beside it holds them, too."""

from __future__ import annotations

import stat
from contextlib import closing

import pytest
from tests.engine.search.conftest import Album

from picsight_engine.doctor import doctor_folder
from picsight_engine.exchange.decisions_backup import backup_state
from picsight_engine.library import Library
from picsight_engine.store.opening import open_database

FILE = "decisions.jsonl"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "library"


@pytest.fixture
def open_library(folder, small, tmp_path):
    """Opens the library of three photos; may be called again."""
    (tmp_path / "Photos").mkdir()

    def open_again():
        library = Library.open(folder, small)
        library.folders.add(tmp_path / "Photos")
        with closing(open_database(folder)) as db:
            album = Album(library, db, 1, small.manifest.space_id, small.manifest.dim)
            for number in (1, 2, 3):
                album.put(b"%d.jpg" % number, number)
        return library

    return open_again


def index(library):
    """The end of a run that finds nothing: the photos of these tests exist only in the database."""
    *_, last = library.index([])
    return last


def tags_of(library):
    return library.tags.all(), library.tags.states([1, 2, 3]), library.tags.marks([1, 2, 3])


def files(folder):
    return sorted(path.name for path in folder.glob("decisions*"))


def check(folder, small):
    (found,) = [each for each in doctor_folder(folder, small.folder) if each.name == "decisions"]
    return found


def test_a_lost_database_loses_no_tags_states_ratings_and_saved_searches(folder, open_library):
    with open_library() as library:
        library.tags.new("Dogs", prompts=["dog"], examples=[1], threshold=0.3)
        library.tags.decide("Dogs", [2], "rejected")
        library.tags.decide("Favourites", [3], "accepted")
        library.tags.rate([1, 2], 4)
        library.tags.suggest("Dogs")
        names = (("Snow", "dog snow"), ("Best", "rated:5"), ("Winter", "dog snow"))
        searches = [library.searches.save(*each) for each in names]
        before = tags_of(library)
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    for path in folder.glob("library.db*"):
        path.unlink()
    with open_library() as library:
        (note,) = map(str, index(library).notes)
        assert note.startswith(f"{folder / FILE} belongs to an earlier library.")
        assert library.exchange.import_from(folder / FILE).searches == 3
        assert library.searches.saved() == searches
        assert library.exchange.import_from(folder / FILE).searches == 0
        assert tags_of(library) == before
        assert not index(library).notes[1:]
    assert len(files(folder)) == 2


def test_the_file_is_written_only_after_a_decision(folder, open_library):
    with open_library() as library:
        assert library.tags.all()
    assert files(folder) == []
    with open_library() as library:
        library.tags.rate([1], 4)
        index(library)
        first = (folder / FILE).read_bytes()
        assert first.count(b'"rating": 4') == 1
        library.tags.undo()
    second = (folder / FILE).read_bytes()
    assert b"rating" not in second
    inode = (folder / FILE).stat().st_ino
    with open_library() as library:
        library.tags.states([1])
        library.searches.remember("dog")
        index(library)
    assert (folder / FILE).stat().st_ino == inode
    assert files(folder) == [FILE]
    with open_library() as library:
        library.searches.save("Snow", "dog snow")
        index(library)
        assert b'"search": "Snow", "query": "dog snow"' in (folder / FILE).read_bytes()


def test_a_file_that_the_library_did_not_write_is_put_aside(folder, open_library):
    with open_library() as library:
        library.tags.rate([1], 4)
    (folder / FILE).write_bytes(b"mine")
    with open_library() as library:
        library.tags.rate([1], 5)
        (note,) = map(str, index(library).notes)
    (aside,) = [folder / name for name in files(folder) if name != FILE]
    assert aside.read_bytes() == b"mine"
    assert note.startswith(f"{aside} was not written by this library. Import it")
    assert b'"rating": 5' in (folder / FILE).read_bytes()


def test_the_file_does_not_name_forgotten_photos(folder, open_library, small):
    with open_library() as library:
        library.tags.new("Dogs", examples=[1])
        library.tags.rate([2], 4)
        library.tags.decide("Dogs", [3], "accepted")
    assert all(b"/%d.jpg" % number in (folder / FILE).read_bytes() for number in (1, 2, 3))
    with open_library() as library:
        library.folders.remove(1)
    doctor_folder(folder, small.folder, forget=True)
    assert b".jpg" not in (folder / FILE).read_bytes()
    assert b"Dogs" in (folder / FILE).read_bytes()


@pytest.mark.parametrize("mender", ["doctor", "the next run"])
@pytest.mark.parametrize("fault", ["behind", "missing", "damaged"])
def test_an_outdated_file_is_brought_up_to_date(folder, open_library, small, fault, mender):
    with open_library() as library:
        assert "Nothing was tagged" in str(check(folder, small).message)
        library.tags.rate([1], 4)
    sound = (folder / FILE).read_bytes()
    assert "holds all your tags, decisions and ratings" in str(check(folder, small).message)
    if fault == "behind":
        library = open_library()
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
        assert f"was {fault} and was rewritten" in str(found.message)
    else:
        with open_library() as library:
            assert bool(index(library).notes) == (fault == "damaged")
    assert without_times((folder / FILE).read_bytes()) == without_times(sound)
    with closing(open_database(folder)) as db:
        assert backup_state(db) == "current"


def without_times(lines):
    return [line.partition(b'"time"')[0] for line in lines.splitlines()]


def test_decisions_newer_than_a_restored_backup_are_put_aside_and_can_be_imported(folder, open_library):
    with open_library() as library:
        library.tags.rate([1], 4)
    backup = (folder / "library.db").read_bytes()
    with open_library() as library:
        library.tags.rate([1, 2], 5)
    (folder / "library.db").write_bytes(backup)
    with open_library() as library:
        (note,) = map(str, index(library).notes)
        (aside,) = [folder / name for name in files(folder) if name != FILE]
        assert note.startswith(f"{aside} was not written by this library. Import it")
        library.exchange.import_from(aside)
        assert [library.tags.rating(photo) for photo in (1, 2)] == [5, 5]


def test_a_file_that_cannot_be_written_is_reported_and_stops_nothing(folder, open_library, small):
    with open_library() as library:
        library.tags.rate([1], 4)
        (folder / FILE).mkdir()  # nothing can take the place of a folder
        (folder / FILE / "in").touch()
        (note,) = map(str, index(library).notes)
    assert "cannot be read" in note
    assert [path.name for path in folder.glob("*.part")] == []
    assert not check(folder, small).ok
    with open_library() as library:
        assert library.tags.rating(1) == 4
