"""The status line: progress stays, and messages expire."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from picsight.window.parts.words import number
from picsight.window.status.line import IndexingFigures, StatusLine
from picsight_engine.indexing.events import Progress

FAR = Progress(12_400, 48_210, 2, 31.0, 1500.0)


@pytest.fixture
def status(qtbot):
    line = StatusLine()
    qtbot.addWidget(line)
    line.resize(1200, 30)
    line.move(0, 400)  # away from the pointer
    line.show()
    return line


def details(line):
    return " ".join(label.text() for label in line.findChild(IndexingFigures).findChildren(QLabel))


def expire(line):
    assert line.expiry.isActive()
    line.expiry.timeout.emit()


def test_a_message_expires_and_the_progress_returns(status):
    status.show_progress(FAR, 3, 100)
    going_on = status.words()
    status.show_sentence("No file browser answers.")
    status.show_progress(FAR, 3, 100)
    assert status.words() == "No file browser answers."
    assert "You can already search 100 photos" in details(status)
    status.show_progress(FAR, 3, 0)
    assert "already" not in details(status)
    expire(status)
    assert status.words() == going_on


def test_a_paused_run_replaces_a_message_at_once(qtbot, status):
    status.show_progress(FAR, 3, 100)
    status.show_sentence("No file browser answers.")
    status.show_paused()
    assert status.words() == f"Paused at {number(12_400)} of {number(48_210)}."
    assert not status.expiry.isActive()
    with qtbot.waitSignal(status.resume_requested):
        status._button.click()


def test_the_end_of_a_run_is_shown_until_it_was_read(qtbot, status):
    status.show_progress(FAR, 3, 100)
    status.show_idle()
    status.show_done(48_210, 2)
    assert status.words() == f"Your photos are ready: {number(48_210)} photos, 2 problems."
    with qtbot.waitSignal(status.problems_requested):
        status._button.click()
    status.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    expire(status)
    assert "ready" in status.words()  # it is being read
    status.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    expire(status)
    assert status.words() == ""


def test_a_folder_without_photos_leads_to_another_one(qtbot, status):
    status.show_empty([Path("/home/me/Invoices")])
    assert "Invoices" in status.words()
    with qtbot.waitSignal(status.folders_requested):
        status._button.click()
