"""Where the user's library and the starter lie."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from picsight import locations
from picsight_engine.installation.users import User
from picsight_engine.store.choice import choose_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_library_and_log_lie_where_linux_keeps_data_and_state(monkeypatch, tmp_path) -> None:
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locations.library_folder() == tmp_path / ".local" / "share" / "picsight"
    assert locations.log_file() == tmp_path / ".local" / "state" / "picsight" / "log" / "picsight.log"
    assert not list(tmp_path.iterdir())


def test_the_starter_is_the_one_of_the_checkout(starter: Path) -> None:
    bundle = locations.starter_bundle()
    assert bundle.folder == starter
    assert bundle.manifest.image is not None
    assert bundle.manifest.text is not None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_a_library_is_noted_by_who_indexes_and_not_by_who_searches(monkeypatch, tmp_path, starter) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    models, library = locations.installed_models(), tmp_path / "library"
    manifest = json.loads((starter / "bundle.json").read_text(encoding="utf-8"))
    shutil.copytree(starter, models.folder / "other")
    (models.folder / "other" / "bundle.json").write_text(json.dumps(manifest | {"name": "other"}))
    choose_model(library, "other")  # as libraries did before anything was noted
    assert locations.answering_model(library).manifest.name == "other"
    assert models.users.all() == []
    assert locations.model_choice(library).wanted.manifest.name == "other"
    assert models.users.all() == [User(library, frozenset({"other"}))]
