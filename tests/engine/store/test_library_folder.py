"""A new library is made only in a folder without other files."""

from __future__ import annotations

from contextlib import closing

import pytest

from picsight_engine.foundation.errors import ForeignFolderError
from picsight_engine.store.database import FILE_NAME, index_lock
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.library_folder import choose_model
from picsight_engine.store.opening import open_database


@pytest.mark.parametrize("name", ["IMG_2041.jpg", "2020", "library.jpg", "cache of dogs", "Logs.txt"])
@pytest.mark.parametrize("create", [True, False])
def test_a_library_is_neither_made_nor_expected_among_other_files(tmp_path, name, create):
    (tmp_path / name).mkdir()
    with pytest.raises(ForeignFolderError, match=f"{tmp_path} is not a library but a folder .* as {name}"):
        open_database(tmp_path, create=create)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_leftovers_of_a_library_and_files_of_systems_do_not_prevent_a_new_one(tmp_path):
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
