"""`picsight backup` and `picsight restore`: a library goes to another folder with its settings; what cannot be is a sentence."""

from __future__ import annotations

import shutil

import pytest
from tests.app.cli.conftest import KNOWN
from tests.shell import Shell

from picsight.settings import SettingsStore, settings_file


@pytest.fixture
def file(picsight, tmp_path, monkeypatch):
    """A backup of a library with a tag and stars, and of settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "here"))
    SettingsStore(settings_file()).change(theme="dark", read_words=False)
    cat = KNOWN / "cat.jpg"
    picsight.json("tags", "new", "Pets")
    picsight.json("tags", "accept", "Pets", cat)
    picsight.json("tags", "rate", "5", cat)
    assert picsight.json("backup", tmp_path / "backup.picsight")["photos"] == 4
    return tmp_path / "backup.picsight"


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The command line of another user."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Shell(tmp_path / "there")


def test_a_library_goes_to_another_computer_with_its_settings(file, there, photos):
    restored = there.json("restore", file, "--folder", f"{KNOWN}={photos}")
    assert restored == {"file": str(file), "photos": 4, "found": 4, "missing": [], "settings": True}
    (found,) = there.json("search", "tag:pets rated:5")["results"]
    assert found["path"] == str(photos / "cat.jpg")
    assert SettingsStore(settings_file()).settings.theme == "dark"
    assert there.json("index")["indexed"] == 0


def test_what_is_missing_is_said_with_the_command_that_finds_it(there, tmp_path):
    shutil.copytree(KNOWN, tmp_path / "gone")
    moved = Shell(tmp_path / "moved")
    moved.json("index", tmp_path / "gone")
    moved.json("backup", tmp_path / "other")
    shutil.rmtree(tmp_path / "gone")
    done = there("restore", tmp_path / "other")
    assert done.code == 0
    assert "4 photos, 0 are at their places" in done.out
    assert f"The folder {tmp_path / 'gone'} is not there." in done.err
    assert f"picsight --library {there.library} index FOLDER" in done.err


def test_names_of_folders_may_hold_equals_signs(there, tmp_path):
    old, new = (shutil.copytree(KNOWN, tmp_path / name) for name in ("a=b", "c=d"))
    other = Shell(tmp_path / "other")
    other.json("index", old)
    other.json("backup", tmp_path / "file")
    shutil.rmtree(old)
    assert there.json("restore", tmp_path / "file", "--folder", f"{old}={new}")["found"] == 4


def test_settings_that_are_there_stay(file, there):
    SettingsStore(settings_file()).change(theme="light")
    assert there.json("restore", file)["settings"] is False
    assert SettingsStore(settings_file()).settings.theme == "light"


def test_what_cannot_be_is_one_sentence(picsight, file, there, tmp_path):
    assert "add --replace" in picsight("backup", file).sentence(2)
    assert picsight.json("backup", file, "--replace", "--small")["bytes"] < 200_000
    assert "not empty" in picsight("restore", file).sentence(2)
    assert "There is no backup at" in there("restore", tmp_path / "none").sentence(2)
    assert "OLD=NEW" in there("restore", file, "--folder", "here").sentence(2)
    assert "is no folder of" in there("restore", file, "--folder", f"/none={tmp_path}").sentence(2)
    assert "There is no library" in there("backup", tmp_path / "new").sentence(2)
    file.write_bytes(file.read_bytes()[:-100])
    assert f"picsight tags import {file}" in there("restore", file).sentence(3)
    assert picsight("tags", "import", file).code == 0
