"""A library goes into one file and comes back elsewhere: whole, small, while others write, damaged, and on a full disk."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from contextlib import closing
from itertools import combinations
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from tests.engine.conftest import index
from tests.photos import write_parts

from picsight_engine.backup.backing_up import back_up
from picsight_engine.backup.restoring import restore
from picsight_engine.foundation.errors import (
    LibraryError,
    ReplaceError,
    RequestError,
    StorageError,
)
from picsight_engine.foundation.face import Box, FoundFace
from picsight_engine.library import Library
from picsight_engine.store.database import index_lock
from picsight_engine.store.derived.faces import put_faces
from picsight_engine.store.folders import add_folder, remove_folder
from picsight_engine.store.migrations import MIGRATIONS
from picsight_engine.store.opening import open_database

SIX = 6
VECTOR = np.random.default_rng(3).normal(size=128).astype("<f2").tobytes()


@pytest.fixture(scope="module")
def home(tmp_path_factory, small):
    """A library of six photos in "Pictures" and what a person decided about them; tests only read both."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "Pictures").mkdir()
    photos = list(write_parts(folder / "Pictures", SIX))
    with Library.open(folder / "library", small) as library:
        index(library, folder / "Pictures")
        with closing(open_database(folder / "library")) as db, db.writer() as connection:
            put_faces(connection, {1: [FoundFace(Box(0.1, 0.1, 0.3, 0.3), 1.0, 90.0, 1.0, VECTOR)]})
        library.tags.new("Sea", prompts=["the sea"], examples=[photos[2]])
        library.tags.decide("Sea", photos[:2], "accepted")
        library.tags.new("Best", kind="album")
        library.tags.decide("Best", photos[3:5], "accepted")
        library.tags.rate(photos[:1], 4)
        library.people.decide("Eileen", [1], "accepted", make=True)
        library.searches.save("Sea in Nice", "sea at:Nice")
    return folder


@pytest.fixture(scope="module")
def files(home, tmp_path_factory):
    """A backup and a small one."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("whole", "small"):
        back_up(home / "library", folder / name, small=name == "small")
    return folder


def decisions(folder):
    """Everything that a person decided, by the pictures' hashes: no place and no number of a library counts."""
    with closing(open_database(folder)) as db:
        return (
            set(db.rows("SELECT name, kind, is_person FROM tags")),
            set(db.column("SELECT text FROM tag_prompts")),
            set(db.rows("SELECT name, fingerprint, tag_decisions.verdict, face_id FROM tag_decisions JOIN tags ON tags.id = tag_id JOIN photos ON photos.id = photo_id")),
            set(db.rows("SELECT fingerprint, stars FROM ratings JOIN photos ON photos.id = photo_id")),
            set(db.rows("SELECT fingerprint, against FROM tag_examples JOIN photos ON photos.id = photo_id")),
            set(db.rows("SELECT name, query FROM searches WHERE name IS NOT NULL")),
        )  # fmt: skip


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def remade(file, copy, **members):
    """A copy of a backup in which some members are others, or None: not there; "_" stands for "."."""
    changed = {name.replace("_", "."): content for name, content in members.items()}
    with ZipFile(file) as before, ZipFile(copy, "w") as after:
        for name in before.namelist():
            if (content := changed.get(name, before.read(name))) is not None:
                after.writestr(name, content)
    return copy


def age(file):
    """Two hours: longer than any draft is in use."""
    os.utime(file, (time.time() - 7200,) * 2)


def test_a_library_moves_to_other_folders_without_reading_a_photo_again(home, files, tmp_path, small):
    shutil.copytree(home / "Pictures", tmp_path / "Bilder")
    restored = restore(
        files / "whole", tmp_path / "library", moved=[[(str(home / "Pictures"), tmp_path / "Bilder")]]
    )
    assert (restored.photos, restored.found, restored.missing) == (SIX, SIX, ())
    assert decisions(tmp_path / "library") == decisions(home / "library")
    with Library.open(tmp_path / "library", small) as library:
        summary = index(library).summary
        assert (summary.indexed, summary.unchanged) == (0, SIX)
        assert len(library.search("tag:best").results) == 2
        assert len(library.search("folder:Bilder").results) == SIX
        assert library.search("folder:Pictures").results == ()
        assert library.photos.thumbnail(1) is not None


def test_photos_that_lie_elsewhere_are_found_by_content(home, files, tmp_path, small):
    names = sorted(path.name for path in (home / "Pictures").iterdir())
    for number, name in enumerate(names):
        place = tmp_path / "Bilder" / f"Year {number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(home / "Pictures" / name, place / f"renamed {number}.jpg")  # with another time
    restored = restore(
        files / "whole", tmp_path / "library", moved=[[(str(home / "Pictures"), tmp_path / "Bilder")]]
    )
    assert restored.found == 0
    with Library.open(tmp_path / "library", small) as library:
        summary = index(library).summary
        assert (summary.indexed, summary.moved) == (0, SIX)
        assert library.status().photos == SIX
        (rated,) = library.search("rated:4").results
        assert rated.path.name == f"renamed {names.index(names[0])}.jpg"


def test_photos_of_a_missing_folder_are_found_in_a_new_one(home, files, tmp_path, small):
    pictures = shutil.copytree(home / "Pictures", tmp_path / "Bilder")
    with ZipFile(files / "whole") as archive:
        archive.extract("library.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "library.db")) as connection, connection:
        connection.execute("UPDATE folders SET path = CAST('D:\\Photos\\All' AS BLOB)")
    remade(files / "whole", tmp_path / "windows", library_db=(tmp_path / "library.db").read_bytes())
    restored = restore(tmp_path / "windows", tmp_path / "lost")
    assert (restored.found, restored.missing) == (0, (Path("D:\\Photos\\All"),))
    with Library.open(tmp_path / "lost", small) as library:
        assert index(library, pictures).summary.indexed == 0
        assert len(library.search("tag:best").results) == 2
    (tmp_path / "Mine").mkdir()
    pictures.rename(tmp_path / "Mine" / "All")
    restored = restore(
        tmp_path / "windows", tmp_path / "mapped", moved=[[("d:\\photos\\", tmp_path / "Mine")]]
    )
    assert (restored.found, restored.missing) == (SIX, ())


def test_a_small_backup_has_every_decision_and_what_it_lacks_is_made_again(home, files, tmp_path, small):
    with ZipFile(files / "small") as archive:
        assert "thumbnails.db" not in archive.namelist()
        archive.extract("library.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "library.db")) as connection:
        assert connection.execute("SELECT count(*) FROM vectors").fetchone() == (0,)
    restore(files / "small", tmp_path / "library")
    assert decisions(tmp_path / "library") == decisions(home / "library")
    with Library.open(tmp_path / "library", small) as library:
        assert len(library.search("folder:Pictures").results) == SIX
        assert index(library).summary.indexed == SIX
        assert library.photos.thumbnail(1) is not None


@pytest.mark.parametrize("name", ["whole", "small"])
def test_no_byte_of_a_face_is_in_it_and_the_face_of_a_decision_stays(home, files, name, tmp_path):
    assert VECTOR in (home / "library" / "library.db").read_bytes()
    with ZipFile(files / name) as archive:
        for member in archive.namelist():
            stored = archive.read(member)
            assert not any(VECTOR[at : at + 16] in stored for at in range(0, len(VECTOR), 16)), member
    restore(files / name, tmp_path / "library")
    with closing(open_database(tmp_path / "library")) as db:
        assert db.rows("SELECT id, vector FROM faces") == [(1, None)]


def test_a_backup_is_of_one_moment_while_another_program_writes(home, tmp_path):
    library = shutil.copytree(home / "library", tmp_path / "library")
    with closing(open_database(library)) as db, db.writer() as connection, index_lock(library):
        connection.execute("UPDATE ratings SET stars = 1")  # not committed
        assert back_up(library, tmp_path / "file").photos == SIX
    restore(tmp_path / "file", tmp_path / "there")
    assert decisions(tmp_path / "there") == decisions(home / "library")
    assert decisions(library) != decisions(home / "library")


def test_a_damaged_library_is_not_backed_up_and_damaged_thumbnails_are_left_out(home, tmp_path):
    library = shutil.copytree(home / "library", tmp_path / "library")
    for name in ("thumbnails.db", "library.db"):
        with (library / name).open("r+b") as damaged:
            damaged.seek(4096)
            damaged.write(b"\x55" * 8192)
        if name == "thumbnails.db":
            back_up(library, tmp_path / "file")
            assert name not in ZipFile(tmp_path / "file").namelist()
    with pytest.raises(LibraryError, match="damaged"):
        back_up(library, tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"library", "file"}


def test_copies_of_migrations_go_after_a_backup_and_a_library_set_aside_stays(home, tmp_path):
    library = shutil.copytree(home / "library", tmp_path / "library")
    copies = ["library.v3.backup.db", "library.v20.backup.jsonl"]
    kept = ["library.db.damaged", "library.old.db", "library.backup.db", "decisions.2025-01-01-120000.jsonl"]
    for name in copies + kept:
        (library / name).write_bytes(b"SQLite format 3\0")
    with pytest.raises(StorageError):
        back_up(library, tmp_path / "no folder" / "file")
    assert all((library / name).exists() for name in copies)
    assert [path.name for path in back_up(library, tmp_path / "file").deleted] == sorted(copies)
    assert {name for name in copies + kept if (library / name).exists()} == set(kept)


def test_a_file_that_is_there_is_replaced_only_on_request_and_only_if_it_is_a_backup(home, files, tmp_path):
    shutil.copy(files / "small", tmp_path / "file")
    with pytest.raises(ReplaceError, match="is there already"):
        back_up(home / "library", tmp_path / "file")
    back_up(home / "library", tmp_path / "file", replace=True)
    assert "thumbnails.db" in ZipFile(tmp_path / "file").namelist()
    with ZipFile(tmp_path / "letter.docx", "w") as letter:
        letter.writestr("[Content_Types].xml", "<Types/>")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for other in (next((home / "Pictures").iterdir()), tmp_path / "letter.docx", tmp_path / "circle"):
        before = None if other.is_symlink() else other.read_bytes()
        with pytest.raises(RequestError, match="is no backup"):
            back_up(home / "library", other, replace=True)
        assert other.is_symlink() or other.read_bytes() == before
    with pytest.raises(RequestError, match="is no backup of Picsight"):
        restore(tmp_path / "letter.docx", tmp_path / "library")


def test_a_link_stays_and_its_target_is_written(home, tmp_path):
    (tmp_path / "file").symlink_to(tmp_path / "target")
    for replace in (False, True):
        done = back_up(home / "library", tmp_path / "file", small=True, replace=replace)
        assert (tmp_path / "file").is_symlink()
        assert done.bytes == (tmp_path / "target").lstat().st_size


@pytest.mark.parametrize("name", ["holiday", "h[o]liday"])
def test_drafts_of_killed_backups_go_and_files_of_other_programs_stay(home, tmp_path, name):
    others = [f"{name}.mkv.part", f"{name}.2019.part1.rar", f"{name}.deadbeef.part1.rar", "holiday.x.part"]
    others += ["holiday.0badcafe.part"] if name == "h[o]liday" else []
    for each in (*others, f"{name}.0badcafe.part"):
        (tmp_path / each).touch()
        age(tmp_path / each)
    (tmp_path / f"{name}.deadbeef.part").touch()  # perhaps in use
    back_up(home / "library", tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {name, *others, f"{name}.deadbeef.part"}


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process as POSIX does")
def test_a_killed_backup_leaves_no_vector_of_a_face_and_the_next_one_nothing(home, tmp_path):
    program = """
import resource, signal, sys
from pathlib import Path
from picsight_engine.backup.backing_up import back_up

signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # a file that grows beyond the limit kills
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
back_up(Path(sys.argv[1]), Path(sys.argv[2]))
"""
    size = (home / "library" / "library.db").stat().st_size
    for limit in (size // 4, size // 2, size - 1):
        words = (sys.executable, "-c", program, home / "library", tmp_path / "file", str(limit))
        assert subprocess.run(words, check=False).returncode == -signal.SIGXFSZ
        for left in tmp_path.iterdir():
            assert VECTOR[:64] not in left.read_bytes(), left
            age(left)
    back_up(home / "library", tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_one_changed_byte_or_a_missing_end_never_gives_another_library(files, home, tmp_path):
    sound = (files / "whole").read_bytes()
    chance = random.Random(8)
    places = [*range(0, 60, 3), *(chance.randrange(len(sound)) for _ in range(20)), *range(-300, 0, 13)]
    damaged = [sound[:at] + bytes([sound[at] ^ 255]) + sound[at:][1:] for at in places]
    damaged += [sound[: chance.randrange(len(sound))] for _ in range(10)]
    refused = sound_ones = 0
    for number, content in enumerate(damaged):
        (tmp_path / "file").write_bytes(content)
        folder = tmp_path / str(number)
        try:
            restore(tmp_path / "file", folder)
        except (LibraryError, RequestError):
            refused += not folder.exists()
        else:  # a byte without meaning, such as one of a date
            assert decisions(folder) == decisions(home / "library")
            sound_ones += 1
    assert refused > 2 * sound_ones
    assert refused + sound_ones == len(damaged)


def test_a_list_that_swallows_members_is_damage(files, tmp_path):
    """The comment of a member in the list at the end of a ZIP, which has no checksum, becomes as long as the next members."""
    sound = (files / "whole").read_bytes()
    with ZipFile(files / "whole") as archive:
        places = [sound.rindex(b"PK\1\2", 0, sound.rindex(name.encode())) for name in archive.namelist()]
    places.append(sound.rindex(b"PK\5\6"))
    for one, other in combinations(range(len(places)), 2):
        if other == one + 1:  # none is swallowed
            continue
        length = struct.pack("<H", places[other] - places[one + 1])
        at = places[one] + 32
        (tmp_path / "file").write_bytes(sound[:at] + length + sound[at + 2 :])
        with pytest.raises(LibraryError, match="is damaged, so nothing was restored"):
            restore(tmp_path / "file", tmp_path / "library")
        assert not (tmp_path / "library").exists()


def no_library(home, folder):
    """No file, three of other programs, and one that only begins as a library does."""
    with closing(sqlite3.connect(folder / "other.db")) as connection:
        connection.execute("CREATE TABLE songs (name)")
    library = (home / "library" / "library.db").read_bytes()
    return [
        None,
        b"",
        b"no database" * 100,
        (folder / "other.db").read_bytes(),
        library[:100] + b"\x55" * 9000,
    ]


def test_what_is_no_library_is_damage_of_the_backup(home, files, tmp_path):
    changes = [
        {"backup_json": about} for about in ("[]", '{"format": "1", "schema": 1, "photos": 0}', "7", None)
    ]
    changes += [{"library_db": content} for content in no_library(home, tmp_path)]
    changes += [{"thumbnails_db": b"no database" * 100}]
    for change in changes:
        file = remade(files / "whole", tmp_path / "file", **change)
        with pytest.raises(LibraryError, match="is damaged, so nothing was restored") as caught:
            restore(file, tmp_path / "library")
        assert str(caught.value).startswith(f"{file} "), change
        assert not (tmp_path / "library").exists()


def test_the_decisions_of_a_damaged_backup_are_imported(home, files, tmp_path, small):
    file = tmp_path / "file"
    file.write_bytes((files / "whole").read_bytes()[:20_000])
    with pytest.raises(LibraryError, match=r"are whole.*picsight tags import") as caught:
        restore(file, tmp_path / "library")
    assert str(file) in str(caught.value)
    with Library.open(tmp_path / "library", small) as library:
        index(library, home / "Pictures")
        imported = library.exchange.import_from(file)
        assert (imported.accepted, imported.rated, imported.searches, imported.unknown) == (5, 1, 1, 0)
        with pytest.raises(RequestError, match="may replace"):
            library.exchange.export_decisions(file, replace=True)
    file.write_bytes((files / "whole").read_bytes()[:200])
    with pytest.raises(LibraryError, match="Nothing in it can be saved"):
        restore(file, tmp_path / "other")


def test_a_backup_of_an_older_library_is_migrated(tmp_path):
    with closing(open_database(tmp_path / "old", steps=MIGRATIONS[:15])) as db:
        add_folder(db, tmp_path)
    about = {"made": "2024-01-01T00:00:00+00:00", "small": True, "photos": 0, "format": 1, "schema": 15}
    with ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("decisions.jsonl", "")
        archive.writestr("backup.json", json.dumps(about | {"of later versions": None}))
        archive.write(tmp_path / "old" / "library.db", "library.db")
    restore(tmp_path / "file", tmp_path / "library")
    with closing(open_database(tmp_path / "library", create=False)) as db:
        assert db.column("SELECT path FROM folders") == [bytes(tmp_path)]
    assert not list((tmp_path / "library").glob("*.backup.*"))


@pytest.mark.parametrize("key", ["format", "schema"])
def test_a_backup_of_a_newer_version_is_refused(files, tmp_path, key):
    with ZipFile(files / "small") as archive:
        about = json.loads(archive.read("backup.json")) | {key: 1000, "new": 1}
    remade(files / "small", tmp_path / "file", backup_json=json.dumps(about))
    with pytest.raises(LibraryError, match="newer Picsight"):
        restore(tmp_path / "file", tmp_path / "library")


def test_only_an_empty_library_is_replaced(home, files, tmp_path):
    library = shutil.copytree(home / "library", tmp_path / "full")
    before = contents(library)
    with closing(open_database(tmp_path / "folders")) as db:
        add_folder(db, tmp_path)
    for folder in (library, tmp_path / "folders"):
        with pytest.raises(RequestError, match="not empty"):
            restore(files / "whole", folder)
    assert contents(library).items() >= before.items()
    open_database(tmp_path / "empty").close()
    restore(files / "whole", tmp_path / "empty")
    assert decisions(tmp_path / "empty") == decisions(home / "library")


def test_the_log_of_a_library_that_was_moved_away_is_kept_apart(home, files, tmp_path):
    log = tmp_path / "library" / "library.db-wal"
    log.parent.mkdir()
    log.write_bytes(b"of a library that was moved away")
    restore(files / "whole", log.parent)
    assert decisions(log.parent) == decisions(home / "library")
    assert b"moved away" in (log.parent / "library.db-wal.orphan").read_bytes()


@pytest.mark.parametrize("moved", [("/nowhere", "."), ("{home}", "gone")])
def test_a_folder_that_is_not_there_on_either_side_stops_the_restoring(home, files, tmp_path, moved):
    old, new = moved[0].format(home=home), tmp_path / moved[1]
    with pytest.raises(RequestError, match="is no"):
        restore(files / "whole", tmp_path / "library", moved=[[(old, new)]])
    assert not (tmp_path / "library").exists()


def test_folders_of_a_library_never_lie_one_in_the_other(tmp_path):
    names = ("a", "b", "b/in", "c", "old", "old/kept")
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    with closing(open_database(tmp_path / "library")) as db:
        remove_folder(db, add_folder(db, tmp_path / "old").id)
        for name in ("a", "b", "old/kept"):  # the last one in a removed one
            add_folder(db, tmp_path / name)
    file = tmp_path / "file"
    back_up(tmp_path / "library", file)
    for number, (old, new) in enumerate([("a", "b"), ("a", "b/in"), ("a", "link/in"), ("b", ".")]):
        with pytest.raises(RequestError, match="one in the other"):
            restore(file, tmp_path / str(number), moved=[[(str(tmp_path / old), tmp_path / new)]])
    moved = [[(str(tmp_path / old), tmp_path / new)] for old, new in [("old", "c"), ("a", "b"), ("b", "a")]]
    restore(file, tmp_path / "there", moved=moved)
    with closing(open_database(tmp_path / "there")) as db:
        stored = db.column("SELECT path FROM folders ORDER BY id")
    assert stored == [bytes(tmp_path / name) for name in ("c", "b", "a", "c/kept")]


@pytest.mark.skipif(sys.platform == "win32", reason="limits a process as POSIX does")
def test_on_a_full_disk_nothing_is_half_done(home, files, tmp_path):
    import resource  # which Windows lacks

    library = shutil.copytree(home / "library", tmp_path / "library")
    (tmp_path / "files").mkdir()
    before, most = contents(library), resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (files / "whole").stat().st_size
    for limit in (10_000, size // 4, size // 2, size - 1000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most[1]))
        try:
            with pytest.raises(StorageError):
                back_up(library, tmp_path / "files" / "file")
            with pytest.raises(StorageError):
                restore(files / "whole", tmp_path / str(limit))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, most)
        assert contents(tmp_path / "files") == {}
        assert not (tmp_path / str(limit)).exists()
    assert contents(library) == before
