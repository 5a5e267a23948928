"""Where the user's library and the starter lie."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from picsight import locations

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
