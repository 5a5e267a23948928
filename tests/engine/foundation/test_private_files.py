"""Picsight's files are for their owner alone, also those of earlier versions; other files are not touched."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from picsight_engine.foundation.private_files import (
    make_private_folder,
    write_private,
)
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.library_folder import choose_model
from picsight_engine.store.opening import open_database

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows guards a user's profile by other means")


@pytest.fixture(autouse=True)
def open_umask():
    """A umask that lets everybody read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Octal modes by path, the folder itself as "."."""
    paths = [folder, *folder.rglob("*")]
    return {
        str(path.relative_to(folder)): f"{stat.S_IMODE(path.lstat().st_mode):o}" for path in sorted(paths)
    }


def make_library(folder: Path) -> None:
    with closing(open_database(folder)), closing(ThumbnailStore.open(folder)):
        choose_model(folder, "tiny")


def test_new_folders_are_private_and_existing_ones_keep_their_mode(tmp_path):
    (tmp_path / "there").mkdir(mode=0o755)
    make_private_folder(tmp_path / "there" / "new" / "deep")
    make_private_folder(tmp_path / "there")
    assert modes(tmp_path / "there") == {".": "755", "new": "700", "new/deep": "700"}


def test_a_small_file_is_written_whole_and_readable_by_its_owner_alone(tmp_path):
    write_private(tmp_path / "notes" / "a.json", "one")
    (tmp_path / "notes" / "a.json").chmod(0o644)
    write_private(tmp_path / "notes" / "a.json", "Größe")
    assert (tmp_path / "notes" / "a.json").read_text(encoding="utf-8") == "Größe"
    assert modes(tmp_path / "notes") == {".": "700", "a.json": "600"}


def test_a_new_library_is_private_with_its_side_files(tmp_path):
    with closing(open_database(tmp_path / "library")) as db, db.writer() as connection:
        connection.execute("INSERT INTO folders (path) VALUES (x'00')")
        during = modes(tmp_path / "library")
    assert {"library.db", "library.db-wal", "library.db-shm"} < set(during)
    assert set(during.values()) == {"700", "600"}


def test_opening_makes_a_library_of_an_earlier_version_private(tmp_path):
    folder = tmp_path / "library"
    make_library(folder)
    (folder / "cache").mkdir()
    (folder / "cache" / "space-1-ab.rows").touch()
    (folder / "library.v1.backup.db").touch()
    (folder / ".DS_Store").touch()  # a file manager's, which hides nothing
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    open_database(folder).close()
    found = modes(folder)
    assert {found.pop(name) for name in (".", "cache")} == {"700"}
    assert found.pop(".DS_Store") == "644"
    assert set(found.values()) == {"600"}


def test_files_of_others_in_the_folder_keep_their_modes_and_so_does_the_folder(tmp_path):
    folder = tmp_path / "shared"
    make_library(folder)
    (folder / "photo.jpg").touch()
    (folder / ".DS_Store").touch()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    open_database(folder).close()
    found = modes(folder)
    assert [found.pop(name) for name in (".", "photo.jpg", ".DS_Store")] == ["755", "644", "644"]
    assert set(found.values()) == {"600"}
