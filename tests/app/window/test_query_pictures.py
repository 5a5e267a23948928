"""Pictures as parts of a query: what a chip shows of them, and how they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from tests.app.window.conftest import carrying, drop, wait_until_indexed

from picsight.window.search.query_pictures import QueryPictures
from picsight_engine.language.query import parse


def red():
    image = QImage(12, 8, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    return image


@pytest.mark.parametrize("name", ["plain.png", "a photo.png", 'the "best".png'])
def test_a_dropped_file_is_typed_so_that_it_is_found_again(qtbot, jobs, pictures, tmp_path, name):
    path, typed = tmp_path / name, []
    red().save(str(path))
    query_pictures = QueryPictures(jobs, pictures)
    query_pictures.keep(path, typed.append)
    qtbot.waitUntil(lambda: bool(typed))
    target = Path(parse(typed[0]).alternatives[0].pictures[0].target)
    assert QImage(str(target)) == QImage(str(path))


def test_a_pasted_picture_gets_a_file_and_a_name(qtbot, jobs, pictures):
    query_pictures, typed = QueryPictures(jobs, pictures), []
    query_pictures.keep(red(), typed.append)
    qtbot.waitUntil(lambda: bool(typed))
    target = parse(typed[0]).alternatives[0].pictures[0].target
    assert QImage(target).pixelColor(3, 3).red() == 255
    assert query_pictures.name(target) == "the pasted picture"


def test_the_picture_of_a_file_arrives_for_its_chip(qtbot, jobs, pictures, tmp_path):
    path = tmp_path / "red.png"
    red().save(str(path))

    class Nothing:
        """A library that need not be asked."""

    query_pictures = QueryPictures(jobs, pictures)
    query_pictures.use(Nothing())
    with qtbot.waitSignal(query_pictures.arrived):
        assert query_pictures.picture_of(str(path)) == ("red.png", None)
    _name, pixmap = query_pictures.picture_of(str(path))
    assert pixmap is not None
    assert pixmap.toImage().pixelColor(5, 5).red() > 250


def test_a_dropped_or_pasted_photo_is_searched_by(qtbot, model_window, small_library, few_photos):
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    frame = window.frame
    first, second = sorted(few_photos.iterdir())[:2]
    for path, onto in ((first, frame), (second, frame.box)):
        assert drop(onto, carrying(path))
        qtbot.waitUntil(lambda path=path: path.name in window.search.place.words)
    assert [chip.words for chip in frame.box.chips()] == [f"Like {first.name}", f"Like {second.name}"]
    qtbot.waitUntil(lambda: frame.model.rowCount() == 1)
    QGuiApplication.clipboard().setImage(red())
    qtbot.keySequence(frame.grid, "Ctrl+V")
    qtbot.waitUntil(lambda: "pasted" in window.search.place.words)
    assert [chip.words for chip in frame.box.chips()][2:] == ["Like the pasted picture"]
