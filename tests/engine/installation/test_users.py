"""A model that one library uses is not taken away by another one, whatever folder that lies in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from picsight_engine.errors import RequestError
from picsight_engine.installation.choice import (
    choice_of,
    note_use,
    remove_model,
    require_replaceable,
    use_model,
)
from picsight_engine.installation.users import User, Users
from picsight_engine.store.database import Database

SHIPPED = "picsight-starter"


@pytest.fixture
def mine(tmp_path):
    """The library of whoever removes a model."""
    Database.open(tmp_path / "mine").close()
    return tmp_path / "mine"


@pytest.fixture
def disk(tmp_path):
    """A disk with another library on it, which uses the model "other"."""
    Database.open(tmp_path / "disk" / "library").close()
    (tmp_path / "disk" / "letter.txt").write_text("Dear")
    return tmp_path / "disk"


@pytest.fixture
def other(models, make_bundle, disk):
    """The model that the library on the disk uses, one of two that are installed."""
    for number, name in enumerate(("other", "third")):
        make_bundle(f"models/{name}", name=name, space_id=f"{number:016x}")
    use_model(disk / "library", "other", models)
    return models.find("other").manifest


def noted(models):
    return {(user.folder.name, *sorted(user.models)) for user in models.users.all()}


def test_a_model_of_another_library_is_neither_removed_nor_replaced_until_that_chooses_another(
    models, mine, disk, other
):
    changed = replace(other, space_id="ffffffffffffffff")
    sentence = rf"library in {disk / 'library'} uses the model \"other\".* picsight --library {disk / 'library'} models"
    with pytest.raises(RequestError, match=sentence):
        remove_model(mine, "other", models)
    with pytest.raises(RequestError, match=sentence):
        require_replaceable(mine, changed, models)
    require_replaceable(mine, other, models)  # it would be searched by this one as well
    remove_model(mine, "third", models)
    use_model(disk / "library", SHIPPED, models)
    require_replaceable(mine, changed, models)
    remove_model(mine, "other", models)
    assert [model.name for model in models.all()] == [SHIPPED]
    assert noted(models) == set()


def test_a_library_that_is_deleted_uses_nothing_and_is_forgotten(models, mine, disk, other):
    shutil.rmtree(disk / "library")
    remove_model(mine, "other", models)
    assert noted(models) == set()


@pytest.mark.parametrize("mounted", [True, False], ids=["its place is empty", "its place is gone"])
def test_a_library_on_an_unplugged_disk_counts_until_a_person_names_it(
    models, mine, disk, other, tmp_path, mounted
):
    disk.rename(tmp_path / "drawer")
    if mounted:
        disk.mkdir()
    library = disk / "library"
    with pytest.raises(
        RequestError, match=rf"cannot be reached now.* --library {library} models remove other"
    ):
        remove_model(mine, "other", models)
    remove_model(mine, "third", models)
    assert noted(models) == {("library", "other")}
    remove_model(library, "other", models)
    assert noted(models) == set()
    assert [model.name for model in models.all()] == [SHIPPED]


def test_a_library_that_is_damaged_needs_what_it_was_seen_to_use(models, mine, disk, other):
    (disk / "library" / "model.json").write_text("?")
    with pytest.raises(RequestError, match='uses the model "other"'):
        remove_model(mine, "other", models)


def test_a_library_made_before_this_enters_itself_when_it_is_opened_to_be_indexed(models, mine, disk, other):
    (models.folder / ".libraries.json").unlink()
    note_use(disk / "library", choice_of(disk / "library", models), models)
    assert noted(models) == {("library", "other")}
    with pytest.raises(RequestError, match='uses the model "other"'):
        remove_model(mine, "other", models)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"libraries": 3}', '{"libraries": {"/a": 3}}', "\0"])
def test_a_damaged_note_is_none_and_is_written_anew(models, mine, disk, other, text):
    (models.folder / ".libraries.json").write_text(text)
    assert models.users.all() == []
    use_model(disk / "library", "other", models)
    assert noted(models) == {("library", "other")}


def test_a_library_is_the_same_one_through_a_link(models, disk, other, tmp_path):
    (tmp_path / "link").symlink_to(disk / "library")
    use_model(tmp_path / "link", "third", models)
    assert noted(models) == {("link", "other", "third")}  # what answered before counts until someone looks
    remove_model(disk / "library", "other", models)
    assert noted(models) == {("link", "third")}


def test_nothing_is_written_where_no_model_was_ever_installed(models, mine):
    use_model(mine, SHIPPED, models)
    note_use(mine, choice_of(mine, models), models)
    assert not models.folder.exists()


def test_libraries_that_choose_at_the_same_time_are_all_noted(tmp_path):
    users, folders = Users(tmp_path), [tmp_path / f"library {number}" for number in range(16)]

    def note(folder):
        with users.held():
            users.note(folder, ["other"])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(note, folders))
    assert set(users.all()) == {User(folder, frozenset({"other"})) for folder in folders}
    assert {path.name for path in tmp_path.iterdir()} <= {".libraries.json", ".libraries.lock"}


def test_a_search_in_a_chosen_model_does_not_pay_for_locks(models, disk, other):
    program = (
        "import sys; from pathlib import Path; from picsight_engine.installation.choice import answering_model; "
        "from picsight_engine.installation.installed import InstalledModels; "
        "answering_model(Path(sys.argv[1]), InstalledModels(Path(sys.argv[2]), Path(sys.argv[3]))); "
        "print('filelock' in sys.modules)"
    )
    words = [sys.executable, "-c", program, disk / "library", models.folder, models.shipped]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "False\n"
