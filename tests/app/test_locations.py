"""Where the user's library and the starter lie."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import picsight_engine
from picsight import locations


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_library_log_and_backups_lie_where_linux_keeps_data_state_and_documents(
    monkeypatch, tmp_path
) -> None:
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DOCUMENTS_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locations.library_folder() == tmp_path / ".local" / "share" / "picsight"
    assert locations.log_file() == tmp_path / ".local" / "state" / "picsight" / "log" / "picsight.log"
    assert locations.backups_folder() == tmp_path / "Documents" / "Picsight"
    assert not list(tmp_path.iterdir())


def test_the_starter_is_the_one_of_the_checkout(starter: Path, tmp_path) -> None:
    bundle = locations.model_choice(tmp_path).wanted
    assert bundle.folder == starter
    assert bundle.manifest.image is not None
    assert bundle.manifest.text is not None


def test_an_installation_without_its_model_is_to_be_repeated(tmp_path) -> None:
    for package in (locations, picsight_engine):
        folder = Path(package.__file__).parent
        shutil.copytree(
            folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("__pycache__", "lexicons")
        )
    done = subprocess.run(
        [sys.executable, "-m", "picsight", "--library", str(tmp_path / "library"), "search", "dog"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert f"{tmp_path / 'picsight_engine'}" in done.stderr
    assert "install Picsight again" in done.stderr
