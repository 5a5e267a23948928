"""The window backs up the library on request, and a small one each week by itself."""

from __future__ import annotations

import os
from datetime import date, timedelta
from zipfile import ZipFile

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QFileDialog
from tests.app.window.conftest import choose_in_menu, wait_for_status, wait_until_indexed

from picsight.settings import Settings
from picsight.window.shell import weekly_backup
from picsight_engine.foundation.errors import RequestError


@pytest.fixture
def documents(tmp_path, monkeypatch):
    """The folder of weekly backups; the library of the test is the usual one."""
    monkeypatch.setattr(weekly_backup, "library_folder", lambda: tmp_path / "library")
    monkeypatch.setattr(weekly_backup, "backups_folder", lambda: tmp_path / "Documents")
    return tmp_path / "Documents"


def test_the_library_is_backed_up_on_request_and_each_week(
    qtbot, model_window, small_library, documents, tmp_path
):
    window = model_window(copy=small_library)
    qtbot.waitUntil(lambda: any(documents.glob("picsight-*.backup")))
    (weekly,) = documents.iterdir()
    with ZipFile(weekly) as archive:
        assert "thumbnails.db" not in archive.namelist()
    wait_until_indexed(qtbot, window)
    window.exchange.show_menu(QPoint())
    choose_in_menu(window, "Back up the whole library…")
    dialog = window.findChild(QFileDialog)
    assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    dialog.fileSelected.emit(str(tmp_path / "mine.backup"))
    dialog.close()
    wait_for_status(qtbot, window, "Backed up 3 photos")
    with ZipFile(tmp_path / "mine.backup") as archive:
        assert "thumbnails.db" in archive.namelist()


def test_the_settings_end_weekly_backups(qtbot, model_window, small_library, documents):
    window = model_window(copy=small_library, settings=Settings(weekly_backup=False))
    wait_until_indexed(qtbot, window)
    model_window.close()  # ends what has begun
    assert not documents.exists()


def test_each_week_a_small_backup_is_made_and_five_are_kept(small_library, tmp_path):
    left = tmp_path / "picsight-2024-12-22.backup.0badcafe.part"  # of a killed one
    for path in (left, tmp_path / "picsight-mine.backup"):
        path.touch()
        os.utime(path, (0, 0))
    first, made = date(2024, 12, 29), []
    for day in (first + timedelta(number) for number in range(45)):
        before = set(tmp_path.iterdir())
        weekly_backup.back_up_weekly(small_library, tmp_path, day)
        made += [path.name for path in set(tmp_path.iterdir()) - before]
    assert made == [f"picsight-{first + timedelta(days)}.backup" for days in (0, 7, 14, 21, 28, 35, 42)]
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [*made[-5:], "picsight-mine.backup"]
    with pytest.raises(RequestError, match="no library"):
        weekly_backup.back_up_weekly(tmp_path / "none", tmp_path, first + timedelta(100))
    assert len(list(tmp_path.iterdir())) == 6
