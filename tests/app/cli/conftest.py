"""A library of the four known photographs, and a shell in this process to type commands in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.shell import Shell

from picsight_engine.bundles.bundle import open_bundle

KNOWN = Path(__file__).resolve().parents[3] / "assets" / "known"
SPACE = "00112233445566aa"


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory):
    """Nothing outside of the tests' own folder is read or written."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def known(tmp_path_factory):
    """The library of the four known photographs; tests that change it take `own` instead."""
    shell = Shell(tmp_path_factory.mktemp("known") / "library")
    assert shell.json("index", KNOWN)["indexed"] == 4
    return shell


@pytest.fixture
def own(known, tmp_path):
    """A copy of it."""
    return Shell(Path(shutil.copytree(known.library, tmp_path / "library")))


@pytest.fixture
def fresh(tmp_path):
    """No library yet."""
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
def second(starter, tmp_path_factory):
    """The folder of a second model: the starter under another name and space, with a licence to accept."""
    folder = tmp_path_factory.mktemp("second") / "second"
    shutil.copytree(starter, folder)
    data = json.loads((folder / "bundle.json").read_text())
    data |= {"name": "second", "title": "The Second", "space_id": SPACE}
    data["licence"]["accept"] = True
    (folder / "bundle.json").write_text(json.dumps(data))
    open_bundle(folder, hashes=True)
    return folder


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A home of one test's own, without models but the shipped one."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
