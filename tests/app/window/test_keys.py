"""The list of keys is complete and true: each of its keys acts in its place, and every shortcut is in it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QScrollArea
from tests.app.window.test_problems import problem

from picsight.window.controls.keys import KeyList
from picsight.window.grid.thumbnails import Thumbnails
from picsight.window.parts.labels import Label
from picsight.window.problems.model import ProblemsModel
from picsight.window.problems.view import ProblemsView
from picsight.window.search.box import SearchBox
from picsight.window.tags.studio.borderline import BorderlineCases
from picsight.window.tags.studio.threshold import ThresholdSlider
from picsight.window.viewer.view import ViewerPage


@pytest.fixture
def places(qtbot, wall_view, jobs, pictures, photos):
    """The widgets that take keys by themselves, and what has the keyboard there."""
    thumbnails, slider, reasons = Thumbnails(jobs, pictures), ThresholdSlider(), ProblemsModel()
    grid, viewer, border = wall_view(48), ViewerPage(thumbnails, thumbnails), BorderlineCases(thumbnails)
    problems = ProblemsView(reasons)
    reasons.setParent(problems)
    reasons.set_problems([problem("a.jpg", "damaged")])
    problems.table.setCurrentIndex(next(reasons.reasons()))
    for widget in (viewer, border, slider, problems):
        qtbot.addWidget(widget)
        widget.show()
    return {
        "grid": (grid, grid),
        "viewer": (viewer, viewer.stage),
        "border": (border, border.picture),
        "threshold": (slider, slider),
        "problems": (problems, problems),
    }


@pytest.mark.parametrize("place", ["grid", "viewer", "border", "threshold", "problems"])
def test_a_widget_accepts_the_keys_that_it_lists_and_no_other(places, photos, place):
    widget, focus = places[place]

    def taken(key):
        if place == "border":
            widget.begin()
            widget.show_cases(photos(12))
            widget.tags.offer([f"Tag {number}" for number in range(9)])
        if place == "grid":
            widget.setCurrentIndex(widget.model().index(20))
        combined = QKeySequence(key)[0]
        text = key if len(key) == 1 else ""
        event = QKeyEvent(QEvent.Type.KeyPress, combined.key(), combined.keyboardModifiers(), text)
        QGuiApplication.sendEvent(focus, event)
        return event.isAccepted()

    assert [key for each in widget.KEYS for key in each.keys if not taken(key)] == []
    assert not taken("F7")


def test_the_keys_of_the_box_emit_their_signals(qtbot):
    box = SearchBox()
    qtbot.addWidget(box)
    QGuiApplication.clipboard().setImage(QImage(8, 8, QImage.Format.Format_RGB32))
    signals = (box.down_requested, box.submitted, box.emptied, box.picture_given)
    for (key,), signal in zip((each.keys for each in box.KEYS), signals, strict=True):
        combined = QKeySequence(key)[0]
        with qtbot.waitSignal(signal):
            qtbot.keyClick(box.line, combined.key(), combined.keyboardModifiers())


def test_the_list_shows_every_shortcut_with_its_purpose(qtbot, model_window, small_library):
    window = model_window(copy=small_library)
    window.tag_pages.new()
    qtbot.keyClick(window, Qt.Key.Key_F1)
    (shown,) = window.findChildren(KeyList)
    words = {label.text() for label in shown.findChildren(Label)}
    shortcuts = [each for each in window.findChildren(QShortcut) if not shown.isAncestorOf(each.parent())]
    assert len(shortcuts) > 40
    lacking = [each.key().toString() for each in shortcuts if each.whatsThis() not in words]
    assert lacking == []
    for room in (QSize(1200, 800), window.minimumSize()):
        shown.close()
        window.resize(room)
        qtbot.keyClick(window, Qt.Key.Key_F1)
        shown = window.findChildren(KeyList)[-1]
        inside = shown.findChild(QScrollArea)
        assert inside.widget().minimumSizeHint().width() <= inside.viewport().width()
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    assert not shown.isVisible()
