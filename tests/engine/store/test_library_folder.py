"""A new library is made only where nothing of a person lies."""

from __future__ import annotations

from contextlib import closing

import pytest

from picsight_engine.errors import ForeignFolderError
from picsight_engine.store.database import FILE_NAME, index_lock
from picsight_engine.store.library_folder import choose_model
from picsight_engine.store.opening import open_database
from picsight_engine.store.thumbnails import ThumbnailStore


@pytest.mark.parametrize("name", ["IMG_2041.jpg", "2020", "library.jpg", "cache of dogs", "Logs.txt"])
@pytest.mark.parametrize("create", [True, False])
def test_among_other_files_none_is_made_and_none_is_missed(tmp_path, name, create):
    (tmp_path / name).mkdir()
    with pytest.raises(ForeignFolderError, match=f"{tmp_path} is no library but a folder .* as {name}"):
        open_database(tmp_path, create=create)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_a_library_left_and_what_systems_strew_is_no_hindrance(tmp_path):
    with closing(open_database(tmp_path)):
        ThumbnailStore.open(tmp_path).close()
        choose_model(tmp_path, "mine")
        with index_lock(tmp_path):
            (tmp_path / "cache").mkdir()
    (tmp_path / FILE_NAME).unlink()
    for name in (".DS_Store", "Thumbs.db", "library.db.bad", "library.v1.backup.db", "settings.toml"):
        (tmp_path / name).touch()
    open_database(tmp_path).close()
    assert (tmp_path / FILE_NAME).exists()
