"""RAW files behind photos, films and Live Photos: on the tile, in viewer and details, and when files are moved."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QImage
from PySide6.QtWidgets import QFileDialog
from tests.app.window.conftest import words_in

from picsight.settings import Settings, SettingsStore
from picsight.window.grid.wall import Wall
from picsight.window.parts.badges import badge
from picsight.window.search.place import Place
from picsight.window.tags.exchange import _exporting
from picsight_engine.photos.decoding.film_frames import film_reader
from picsight_engine.photos.formats import can_read_films


def test_a_raw_and_jpeg_pair_is_shown_as_one_and_asks_which_files_are_meant(
    qtbot, model_window, shared, tmp_path
):
    album, target = tmp_path / "album", tmp_path / "target"
    album.mkdir()
    target.mkdir()
    for name in ("IMG_4711.JPG", "IMG_4711.DNG"):
        shutil.copyfile(shared / "camera" / name, album / name)
    window = model_window([album], settings=Settings(details=True))
    grid, model = window.frame.grid, window.frame.model
    qtbot.waitUntil(lambda: model.rowCount() == 1 and not window.library.is_indexing)
    qtbot.waitUntil(lambda: bool(model.photo(0).companions))

    assert "a photo and its RAW file" in model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    grid.setFocus()
    grid.setCurrentIndex(model.index(0))
    details = window.frame.details
    beside = details.texts["beside"]
    qtbot.waitUntil(lambda: beside.accessibleName() == "With it: \u2068IMG_4711.DNG\u2069 (RAW)")
    assert "copy" not in details.texts["also"].text()

    qtbot.keyClick(grid, Qt.Key.Key_Delete)
    box = qtbot.question(window)
    assert "A file belongs to it:" in box.informativeText()
    assert "IMG_4711.DNG" in box.informativeText()
    assert {"Move both files", "Only this file"} < {button.text() for button in box.buttons()}
    qtbot.press(box, "Cancel")

    for usual, pressed, exported in (
        ("Only this photo", "Both files", ["IMG_4711.DNG", "IMG_4711.JPG"]),
        ("Both files", "Only this photo", ["IMG_4711 (2).JPG", "IMG_4711.DNG", "IMG_4711.JPG"]),
    ):
        window.activateWindow()
        qtbot.waitUntil(grid.hasFocus)
        qtbot.keySequence(grid, "Ctrl+Shift+E")
        box = qtbot.question(window)
        assert box.defaultButton().text() == usual
        qtbot.press(box, pressed)
        qtbot.waitUntil(lambda: window.findChild(QFileDialog) is not None)
        dialog = window.findChild(QFileDialog)
        dialog.fileSelected.emit(str(target))
        dialog.reject()
        qtbot.waitUntil(lambda: window.findChild(QFileDialog) is None)
        qtbot.waitUntil(lambda names=exported: sorted(path.name for path in target.iterdir()) == names)

    window.pages.go(Place("IMG_4711.DNG"))  # its name finds the RAW file, which has nothing behind it
    qtbot.waitUntil(lambda: [each.path.name for each in model.wall.results] == ["IMG_4711.DNG"])
    assert badge(model.photo(0)) == "RAW"
    window.activateWindow()
    grid.setFocus()
    qtbot.waitUntil(grid.hasFocus)
    grid.setCurrentIndex(model.index(0))
    qtbot.waitUntil(lambda: details.texts["also"].accessibleName() == "It belongs to:")
    assert details.texts["beside"].isHidden()
    qtbot.keyClick(grid, Qt.Key.Key_Delete)
    box = qtbot.question(window)
    assert "This file is selected:" in box.informativeText()
    assert "Another file shows the same picture:" in box.informativeText()
    assert "belongs" not in box.informativeText()
    qtbot.press(box, "Cancel")
    window.activateWindow()
    qtbot.waitUntil(grid.hasFocus)
    qtbot.keySequence(grid, "Ctrl+Shift+E")
    qtbot.waitUntil(lambda: window.findChild(QFileDialog) is not None)
    dialog = window.findChild(QFileDialog)
    dialog.fileSelected.emit(str(target))
    dialog.reject()
    qtbot.waitUntil(lambda: "IMG_4711 (2).DNG" in {path.name for path in target.iterdir()})
    window.pages.go(Place())
    qtbot.waitUntil(lambda: [each.path.name for each in model.wall.results] == ["IMG_4711.JPG"])

    window.tags.library.tags.rate([model.photo(0).id], 5)
    for words, of_raw in (("Beside shown photos only", False), ("Beside every file", True)):
        window.exchange._ask_sidecars()
        qtbot.answer(window, words)
        qtbot.waitUntil(lambda: (album / "IMG_4711.JPG.xmp").exists() and window.exchange._running is None)
        assert (album / "IMG_4711.DNG.xmp").exists() is of_raw
        *_, (photos, of, _) = _exporting(window.tags.library, of_raw, False, threading.Event())
        assert (photos, of) == ((2, 2) if of_raw else (1, 1))

    window.pages.open_photo(0)
    qtbot.waitUntil(lambda: "RAW" in words_in(window.frame.viewer_page))
    assert SettingsStore(tmp_path / "library.toml").settings.export_companions is False


SCENES = ("red", "green", "blue")


@pytest.fixture
def album(shared, tmp_path):
    """A film of three scenes, five seconds each, red, green and blue, and a Live Photo."""
    if not can_read_films():
        pytest.skip("needs the extra video")
    cv2, folder, size = film_reader(tmp_path), tmp_path / "album", (64, 48)
    folder.mkdir()
    codec = cv2.VideoWriter_fourcc(*"mp4v")
    out = cv2.VideoWriter(str(folder / "film.mp4"), cv2.CAP_FFMPEG, codec, 5.0, size)
    for channel in range(3):
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        pixels[:, :, 2 - channel] = np.kron([[1, 0.8], [0.8, 1]], np.full((24, 32), 220))
        for _ in range(25):
            out.write(pixels)
    out.release()
    for name in ("IMG_2927.HEIC", "IMG_2927.MOV"):
        shutil.copyfile(shared / "camera" / name, folder / name)
    return folder


class Player(QObject):
    """The system's player; `films` are what it was given."""

    def __init__(self):
        super().__init__()
        self.films = []

    @Slot(QUrl)
    def play(self, url):
        self.films.append(Path(url.toLocalFile()).name)


def scene(page):
    """The scene in the middle of the stage."""
    return scene_of(page.stage.viewport().grab())


def scene_of(pixmap):
    """The scene in the middle of a picture, if there is one."""
    image = QImage() if pixmap is None else pixmap.toImage()
    if image.isNull():
        return ""
    colour = image.pixelColor(image.width() * 19 // 40, image.height() * 19 // 40)
    return max(SCENES, key=lambda name: getattr(colour, name)()) if colour.value() > 120 else ""


def test_a_film_shows_the_moment_found_and_others_and_plays_as_a_live_photo_does(
    qtbot, model_window, album, monkeypatch
):
    window, player = model_window([album]), Player()
    model, page = window.frame.model, window.frame.viewer_page
    qtbot.waitUntil(lambda: model.rowCount() == 2 and not window.library.is_indexing)
    qtbot.waitUntil(lambda: {photo.is_live for photo in model.wall.results} == {True, False})
    film, live = sorted(model.wall.results, key=lambda photo: photo.is_live)
    assert [badge(film), badge(live)] == ["0:15", "LIVE"]
    found = next(second for _, second in window.viewer.library.photos.moments(film.id) if second >= 10)
    show = model.set_wall
    monkeypatch.setattr(model, "set_wall", lambda *_, **__: None)  # the last news of the run may still arrive
    show(Wall.from_results([replace(film, moment=found), live]))
    qtbot.waitUntil(lambda: scene_of(window.frame.thumbnails.pixmap(film.id, found)) == "blue")
    show(Wall.from_results([replace(film, moment=found + 0.5), live]))  # it was read again meanwhile
    window.pages.open_photo(0)
    qtbot.waitUntil(lambda: page.moments.row == 0 and len(page.moments.moments) == 3)
    show(Wall.from_results([replace(film, moment=found), live]))
    assert f"found at 0:{int(found)}" in model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)

    QDesktopServices.setUrlHandler("file", player, "play")
    try:
        window.pages.open_photo(0)
        qtbot.waitUntil(lambda: scene(page) == "blue" and len(page.moments.moments) == 3)
        moments, frames = page.moments.moments, window.frame.strip_thumbnails[1]
        qtbot.waitUntil(lambda: [scene_of(frames.pixmap(film.id, each)) for each in moments] == [*SCENES])
        qtbot.keyClick(page.stage, Qt.Key.Key_Up)
        qtbot.waitUntil(lambda: scene(page) == "green")
        strip = page.moments
        first = next(x for x in range(strip.width()) if strip.row_at(x) == 0)
        qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(first + 2, strip.height() // 2))
        qtbot.waitUntil(lambda: scene(page) == "red")
        assert window.viewer.photo.id == film.id
        qtbot.mouseDClick(page.stage.viewport(), Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: player.films == ["film.mp4"])

        window.viewer.show(model.wall.rows[live.id])
        assert page.moments.isHidden()
        qtbot.keyClick(page.stage, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: player.films == ["film.mp4", "IMG_2927.MOV"])
    finally:
        QDesktopServices.unsetUrlHandler("file")
