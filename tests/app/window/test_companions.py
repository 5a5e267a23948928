"""A RAW file behind its JPEG: on the tile, in the viewer and the details, and when photos are moved or exported."""

from __future__ import annotations

import shutil

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox
from tests.app.window.conftest import words_in

from picsight.settings import Settings


def asked(qtbot, window):
    """The question over the window; its buttons by their words."""
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None)
    box = window.findChild(QMessageBox)
    return box, {button.text(): button for button in box.buttons()}


def answered(qtbot, window, button):
    """Press it, and wait until the question has gone."""
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is None)


def test_a_pair_says_what_it_is_and_asks_which_of_its_files_are_meant(qtbot, model_window, shared, tmp_path):
    album, target = tmp_path / "album", tmp_path / "target"
    album.mkdir()
    target.mkdir()
    for name in ("IMG_4711.JPG", "IMG_4711.DNG"):
        shutil.copyfile(shared / "camera" / name, album / name)
    window = model_window([album], settings=Settings(details=True))
    grid, model = window.frame.grid, window.frame.model
    qtbot.waitUntil(lambda: model.rowCount() == 1 and not window.library.is_indexing)
    qtbot.waitUntil(lambda: bool(model.photo(0).companions))

    assert "with its RAW file" in model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    grid.setFocus()
    grid.setCurrentIndex(model.index(0))
    details = window.frame.details
    qtbot.waitUntil(
        lambda: details.texts["beside"].accessibleName() == "With it: \u2068IMG_4711.DNG\u2069 (RAW)"
    )
    assert "copy" not in details.texts["also"].text()

    qtbot.keyClick(grid, Qt.Key.Key_Delete)
    box, buttons = asked(qtbot, window)
    assert "A file belongs to it:" in box.informativeText()
    assert "IMG_4711.DNG" in box.informativeText()
    assert {"Move both files", "Only this photo"} < buttons.keys()
    answered(qtbot, window, buttons["Cancel"])

    for usual, pressed, exported in (
        ("Only this photo", "Both files", ["IMG_4711.DNG", "IMG_4711.JPG"]),
        ("Both files", "Only this photo", ["IMG_4711 (2).JPG", "IMG_4711.DNG", "IMG_4711.JPG"]),
    ):
        window.activateWindow()
        qtbot.waitUntil(grid.hasFocus)
        qtbot.keyClick(
            grid, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        )
        box, buttons = asked(qtbot, window)
        assert box.defaultButton().text() == usual
        answered(qtbot, window, buttons[pressed])
        qtbot.waitUntil(lambda: window.findChild(QFileDialog) is not None)
        dialog = window.findChild(QFileDialog)
        dialog.fileSelected.emit(str(target))
        dialog.reject()
        qtbot.waitUntil(lambda: window.findChild(QFileDialog) is None)
        qtbot.waitUntil(lambda names=exported: sorted(path.name for path in target.iterdir()) == names)

    window.pages.open_photo(0)
    qtbot.waitUntil(lambda: "RAW" in words_in(window.frame.viewer_page))
    with qtbot.waitSignal(window.closing) as closing:
        window.close()
    assert closing.args[0].export_companions is False
