"""The command line in this process, on libraries of the four known photographs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.shell import Shell

from picsight.settings import SettingsStore, settings_file
from picsight_engine.bundles.bundle import open_bundle

KNOWN = Path(__file__).resolve().parents[3] / "assets" / "known"
SPACE = "00112233445566aa"


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory):
    """Commands read and write temporary folders only."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("home")))
        SettingsStore(settings_file()).change(read_words=False)  # only tests about them need them
        yield


@pytest.fixture(scope="session")
def indexed(tmp_path_factory):
    """The command line on a library of the four known photographs; tests that change it take `picsight`."""
    picsight = Shell(tmp_path_factory.mktemp("indexed") / "library")
    assert picsight.json("index", KNOWN)["indexed"] == 4
    return picsight


@pytest.fixture
def picsight(indexed, tmp_path):
    """The command line on a copy of that library."""
    return Shell(Path(shutil.copytree(indexed.library, tmp_path / "library")))


@pytest.fixture
def fresh(tmp_path):
    """The command line on a library that does not exist yet."""
    return Shell(tmp_path / "library")


@pytest.fixture
def photos(tmp_path):
    """A folder with the four photographs."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in KNOWN.glob("*.jpg"):
        shutil.copyfile(path, folder / path.name)
    return folder


@pytest.fixture(scope="session")
def second_model(copy_model, tmp_path_factory):
    """The folder of the shipped model under another name and space, with a licence to accept."""
    licence = {"id": "kind", "url": "https://example.org/kind", "accept": True}
    folder = tmp_path_factory.mktemp("second") / "second"
    copy_model(folder, name="second", title="The Second", space_id=SPACE, licence=licence)
    open_bundle(folder, hashes=True)
    return folder


@pytest.fixture
def home(monkeypatch, tmp_path):
    """An empty home: no models but the shipped one."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
