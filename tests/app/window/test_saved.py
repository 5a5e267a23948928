"""Saved searches, in a real window on a real library."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTreeView
from tests.app.window.conftest import wait_until_indexed

from picsight.window.search.place import Place
from picsight.window.sidebar.model import ENTRY


def saved(window):
    tree = window.frame.sidebar.findChild(QTreeView)
    entries = [index.data(ENTRY) for index in tree.model().tops()]
    return [entry.words for entry in entries if entry.search is not None]


def test_a_search_is_saved_shown_again_renamed_removed_and_brought_back(
    qtbot, model_window, small_library, few_photos
):
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    window.pages.go(Place("dog has:date", folder=few_photos))
    qtbot.waitUntil(lambda: window.search.place.is_search)
    window.frame.box.save_button.click()
    window.saved.save()  # pressed again before it is stored
    name = f"dog, with date, in {few_photos.name}"
    qtbot.waitUntil(lambda: saved(window) == [name])
    window.saved.save()
    (kept,) = window.library.overview.saved

    window.pages.go(Place())
    qtbot.waitUntil(lambda: not window.search.place.is_search)
    window.frame.sidebar.place_requested.emit(Place(kept.query))
    qtbot.waitUntil(lambda: window.search.place.is_search)
    assert [chip.words for chip in window.frame.box.chips()] == ["With date", f"In {few_photos.name}"]
    current = window.frame.sidebar.findChild(QTreeView).currentIndex()
    assert current.data(Qt.ItemDataRole.DisplayRole) == name

    window.saved.rename(kept, "Dogs")
    qtbot.waitUntil(lambda: saved(window) == ["Dogs"])
    window.saved.remove(kept)
    qtbot.keyClick(
        window.frame.grid, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier
    )  # waits for the removal
    qtbot.waitUntil(lambda: saved(window) == [name])
