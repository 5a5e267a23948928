"""Tags in a real window on a real library: made, shown, decided on, and taken back."""

from __future__ import annotations

import shutil

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QTreeView

from picsight.jobs import Jobs
from picsight.settings import Settings
from picsight.window.grid.model import files_of
from picsight.window.library.controller import LibraryPlace
from picsight.window.library.sidebar_model import ENTRY
from picsight.window.main_window import MainWindow
from picsight.window.search.place import Place
from picsight_engine.installation.choice import ModelChoice
from picsight_engine.library import Library

PATIENCE = 60_000  # ms; worker processes start on a busy machine


@pytest.fixture(scope="module")
def library(bundle, real_photos, tmp_path_factory):
    """A library that has read eight photos."""
    pictures, folder = tmp_path_factory.mktemp("Tagged"), tmp_path_factory.mktemp("library")
    for path in sorted(real_photos.glob("caltech*"))[:8]:
        shutil.copy(path, pictures)
    with Library.open(folder, bundle) as opened:
        list(opened.index([pictures]))
        yield opened


@pytest.fixture(scope="module")
def shared_window(qapp, bundle, library):
    """One window for all of these tests."""
    jobs = Jobs()
    place = LibraryPlace(library.folder, lambda: ModelChoice(bundle, bundle))
    window = MainWindow(place, Settings(), jobs)
    window.resize(1100, 700)
    window.show()
    window.start(())
    yield window
    window.close()
    jobs.close()
    window.library.close()


@pytest.fixture
def window(shared_window, library, qtbot):
    """The window with all photos on its wall, and no tag: whatever was done is taken back, the latest first."""
    for run in library.tags.runs():
        if not run.undone:
            library.tags.undo(run.id)
    shared_window.tags.look()
    shared_window.pages.go(Place())
    qtbot.waitUntil(lambda: len(shared_window.frame.model.wall.results) == 8, timeout=PATIENCE)
    qtbot.waitUntil(lambda: shared_window.tags.tags == tuple(library.tags.all()))
    qtbot.waitUntil(lambda: not shared_window.library.is_indexing, timeout=PATIENCE)
    return shared_window


def shown(window):
    return [photo.id for photo in window.frame.model.wall.results]


def look(qtbot, window, library):
    """Let the window see what was changed without it."""
    window.tags.look()
    qtbot.waitUntil(lambda: window.tags.tags == tuple(library.tags.all()))


def drop(window, tag, paths):
    tree = window.frame.sidebar.findChild(QTreeView)
    at = QPointF(tree.visualRect(tree.model().find(f"tag:{tag}")).center())
    how = Qt.DropAction.CopyAction, paths, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    tree.dragMoveEvent(QDragMoveEvent(at.toPoint(), *how))
    tree.dropEvent(QDropEvent(at, *how))


def test_photos_dropped_on_a_tag_are_in_it_and_undo_takes_all_of_them_out(qtbot, window, library):
    library.tags.new("For Anna", kind="album")
    library.tags.new("Seen")
    look(qtbot, window, library)
    photos = window.frame.model.wall.results[2:5]
    drop(window, "Seen", files_of(photos))
    qtbot.waitUntil(lambda: library.tags.find("Seen").accepted == 3)
    qtbot.waitUntil(lambda: "Added 3 photos to" in window.frame.status.words())
    tree = window.frame.sidebar.findChild(QTreeView)
    line = tree.model().find("tag:Seen")
    assert line.data(ENTRY).count == 3
    tree.clicked.emit(line)
    qtbot.waitUntil(lambda: sorted(shown(window)) == sorted(photo.id for photo in photos))
    assert tree.currentIndex().data(ENTRY).tag.path == "Seen"
    assert [chip.words for chip in window.frame.box.chips()] == ["Tag Seen"]
    qtbot.keyClick(window.frame.grid, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: library.tags.find("Seen").accepted == 0)
    qtbot.waitUntil(lambda: tree.model().find("tag:Seen").data(ENTRY).count == 0)


def test_what_is_no_photo_of_the_library_is_told_and_nothing_changes(qtbot, window, library, tmp_path):
    library.tags.new("Seen")
    look(qtbot, window, library)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.jpg"))])
    drop(window, "Seen", data)
    qtbot.waitUntil(lambda: "is no photo of the library" in window.frame.status.words())
    assert library.tags.find("Seen").accepted == 0
