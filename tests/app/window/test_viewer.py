"""The viewer: photos are decoded off the GUI thread, walked through and zoomed; a sentence replaces one that cannot be shown."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtWidgets import QApplication
from tests.app.window.conftest import turn_wheel

from picsight.window.grid.model import WallModel
from picsight.window.grid.thumbnails import Thumbnails
from picsight.window.grid.wall import Wall
from picsight.window.parts.picture import ScreenPicture
from picsight.window.viewer.controller import ViewerController
from picsight.window.viewer.stage import Stage
from picsight.window.viewer.view import ViewerPage
from picsight_engine.foundation.written_line import WrittenLine
from picsight_engine.search.answer import Result


def wanted():
    return True


def saved(path, size, colour=(200, 30, 40), **options):
    Image.new("RGB", size, colour).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Three photos, one broken file in the middle."""
    saved(tmp_path / "0.jpg", (1600, 1200))
    (tmp_path / "1.jpg").write_bytes(b"no picture")
    saved(tmp_path / "2.jpg", (300, 200))
    return tmp_path


@pytest.fixture
def viewer(qtbot, jobs, pictures, folder):
    """The viewer over the three photos, with its page as `page`."""
    sizes = [(1600, 1200), (10, 10), (300, 200)]
    results = [
        Result(k, folder / f"{k}.jpg", 0.0, None, None, None, width, height)
        for k, (width, height) in enumerate(sizes)
    ]
    thumbnails = Thumbnails(jobs, pictures)
    model, page = WallModel(), ViewerPage(thumbnails, Thumbnails(jobs, pictures))
    model.set_wall(Wall.from_results(results))
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()
    model.setParent(page)
    made = ViewerController(page, model, thumbnails, pictures, jobs, folders=lambda: [folder], parent=page)
    made.page, made.thumbnails = page, thumbnails
    return made


def middle(page):
    """The colour in the middle of the stage."""
    image = page.stage.viewport().grab().toImage()
    return image.pixelColor(image.width() // 2, image.height() // 2)


def shows_photo(page):
    return middle(page).red() > 150


def test_a_photo_is_shown_fitted_and_its_neighbours_are_read_ahead(qtbot, viewer):
    viewer.show(0)
    qtbot.waitUntil(lambda: shows_photo(viewer.page))
    stage = viewer.page.stage
    target = stage.target()
    assert target.height() <= stage.viewport().height()
    assert abs(target.width() / target.height() - 4 / 3) < 0.01


def test_a_neighbour_that_cannot_be_shown_does_not_keep_the_other_one_from_being_read_ahead(qtbot, viewer):
    good, broken, other = viewer._model.wall.results
    viewer._model.set_wall(Wall.from_results([good, other, broken]))
    viewer.show(1)
    qtbot.waitUntil(lambda: {path for path, *_ in viewer._kept} == {good.path, other.path})


def test_where_the_file_is_gone_another_one_of_the_same_photo_is_shown(qtbot, viewer, folder):
    viewer.show(0)
    qtbot.waitUntil(lambda: shows_photo(viewer.page))
    copy, *others = viewer._model.wall.results
    copy = replace(copy, path=saved(folder / "copy.jpg", (1600, 1200), (30, 40, 200)))
    viewer._model.set_wall(Wall.from_results([*others, copy]))
    assert viewer.photo == copy
    assert viewer.page.stage.accessibleName() == "Photo copy.jpg"
    qtbot.waitUntil(lambda: middle(viewer.page).blue() > 150)


def test_an_edited_file_is_shown_anew(qtbot, viewer, folder):
    viewer.show(0)
    qtbot.waitUntil(lambda: shows_photo(viewer.page))
    before, *others = viewer._model.wall.results
    saved(before.path, (1600, 1200), (30, 40, 200))
    viewer._model.set_wall(Wall.from_results([*others, replace(before, id=7)]))
    assert viewer.photo.id == 7
    qtbot.waitUntil(lambda: middle(viewer.page).blue() > 150)


def test_a_neighbour_that_is_edited_after_it_was_read_ahead_is_read_again(qtbot, viewer):
    first, _, last = viewer._model.wall.results
    viewer._model.set_wall(Wall.from_results([first, last]))
    viewer.show(0)
    qtbot.waitUntil(lambda: {path for path, *_ in viewer._kept} == {first.path, last.path})
    saved(last.path, (300, 200), (30, 40, 200))
    viewer._model.set_wall(Wall.from_results([first, replace(last, id=7)]))
    viewer.show(1)
    qtbot.waitUntil(lambda: middle(viewer.page).blue() > 150)


def test_a_photo_of_one_pixel_in_width_asks_for_its_height_when_zoomed(qtbot):
    stage = Stage()
    qtbot.addWidget(stage)
    stage.resize(800, 600)
    image = QImage(1, 600, QImage.Format.Format_RGB32)
    stage.show_picture(ScreenPicture(Path("line.png"), image, QSize(1, 20_000)))
    with qtbot.waitSignal(stage.full_needed):
        stage.zoom_to(1.0)


def test_lines_in_a_photo_are_selected_like_text_and_copied_in_reading_order(qtbot):
    page = ViewerPage(Thumbnails(None, None), Thumbnails(None, None))
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()
    stage = page.stage
    lines = [
        WrittenLine("Total", 0.9, 0.1, 0.2, 0.3, 0.1, 0),
        WrittenLine("39,90", 0.9, 0.1, 0.4, 0.3, 0.1, 0),
        WrittenLine("Thank you", 0.9, 0.6, 0.45, 0.3, 0.1, 90),  # stands upright from 0.35 to 0.65
    ]
    image = QImage(400, 400, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    stage.show_picture(ScreenPicture(Path("bill.png"), image, QSize(400, 400)))
    stage.show_written(lines, lines[:1])

    def at(x, y):
        target = stage.target()
        return QPointF(target.x() + x * target.width(), target.y() + y * target.height()).toPoint()

    def painted(x, y):
        picture = stage.viewport().grab().toImage()
        return picture.pixelColor(at(x, y)).name()

    def copied(start, end):
        qtbot.mousePress(stage.viewport(), Qt.MouseButton.LeftButton, pos=at(*start))
        qtbot.mouseMove(stage.viewport(), at(*end))
        qtbot.mouseRelease(stage.viewport(), Qt.MouseButton.LeftButton, pos=at(*end))
        qtbot.keyClick(stage, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        return QApplication.clipboard().text()

    assert painted(0.1, 0.25) != "#000000"  # the edge of the line that the search means
    assert painted(0.1, 0.45) == painted(0.2, 0.45) == "#000000"
    assert copied((0.2, 0.25), (0.2, 0.45)) == "Total\n39,90"
    assert painted(0.2, 0.45) != "#000000"
    assert copied((0.75, 0.38), (0.75, 0.38)) == "Thank you"
    with qtbot.waitSignal(page.copy_requested):  # nothing is selected
        copied((0.95, 0.95), (0.95, 0.95))


def test_a_small_photo_is_enlarged_to_fit_but_not_to_a_blur_and_z_shows_its_pixels(qtbot, viewer):
    viewer.show(2)
    qtbot.waitUntil(lambda: shows_photo(viewer.page))
    stage = viewer.page.stage
    fitted = stage.target().size().toSize()
    assert fitted.width() == stage.viewport().width() or fitted.height() == stage.viewport().height()
    qtbot.keyClick(stage, Qt.Key.Key_Z)
    assert stage.target().size().toSize() == QSize(300, 200)
    qtbot.keyClick(stage, Qt.Key.Key_Minus)
    assert stage.target().size().toSize() == QSize(300, 200)
    qtbot.keyClick(stage, Qt.Key.Key_Z)
    assert stage.target().size().toSize() == fitted
    viewer.page.resize(4000, 3000)
    assert stage.target().size().toSize() == QSize(900, 600)


def test_the_wheel_zooms_around_the_pointer_and_back_to_fitted(qtbot, viewer):
    viewer.show(0)
    qtbot.waitUntil(lambda: shows_photo(viewer.page))
    stage, point = viewer.page.stage, QPoint(300, 200)
    before = stage.target()
    at = (point.x() - before.x()) / before.width()
    turn_wheel(stage.viewport(), point, 3)
    after = stage.target()
    assert after.width() > before.width()
    assert abs((point.x() - after.x()) / after.width() - at) < 0.01
    turn_wheel(stage.viewport(), point, -9)
    assert stage.is_fitted


def test_a_photo_on_a_disconnected_disk_shows_its_thumbnail_and_the_reason(qtbot, viewer, folder):
    kept = io.BytesIO()
    Image.new("RGB", (256, 192), (200, 30, 40)).save(kept, "JPEG")
    viewer.thumbnails.use(lambda _photo, _moment: kept.getvalue())
    folder.rename(folder.with_name("unplugged"))
    viewer.show(0)
    stage = viewer.page.stage
    qtbot.waitUntil(lambda: "is not connected" in stage.sentence)
    assert folder.name in stage.sentence
    place = stage.viewport().rect().center()
    qtbot.waitUntil(lambda: 90 < stage.viewport().grab().toImage().pixelColor(place).red() < 130)  # pale
    folder.with_name("unplugged").rename(folder)
    viewer.show(1)
    qtbot.waitUntil(lambda: "1.jpg" in stage.sentence)
    assert "not connected" not in stage.sentence


def test_no_part_of_a_sentence_is_cut_off_also_where_a_name_is_one_long_word(qtbot):
    stage = Stage()
    qtbot.addWidget(stage)
    stage.show_sentence(f"“{'W' * 60}” is not connected. Connect it to see this one whole.")

    def ink(width):
        stage.resize(width, 400)
        image = stage.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        pixels = bytes(image.constBits())
        return sum(pixel > 150 for pixel in pixels)

    whole = ink(1000)
    assert min(ink(width) for width in range(300, 700, 50)) > 0.9 * whole


def test_arrows_at_the_edges_lead_on_and_stop_at_the_ends(qtbot, viewer):
    viewer.show(0)
    edges = viewer.page.edges
    assert not edges.previous.isVisible()
    qtbot.mouseClick(edges.next, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(edges.next, Qt.MouseButton.LeftButton)
    assert viewer.photo.id == 2
    assert not edges.next.isVisible()
    qtbot.mouseClick(edges.previous, Qt.MouseButton.LeftButton)
    assert viewer.photo.id == 1


def test_in_full_screen_the_arrows_go_while_the_mouse_rests(viewer):
    viewer.show(1)
    page, edges = viewer.page, viewer.page.edges
    page.show_bars(shown=False)
    assert not edges.next.isVisible()
    viewport, button, key = page.stage.viewport(), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    move = QMouseEvent(QEvent.Type.MouseMove, QPointF(60, 60), QPointF(60, 60), button, button, key)
    QApplication.sendEvent(viewport, move)  # QTest would leave the pointer there for the tests that follow
    assert edges.next.isVisible()
    edges.rest.stop()
    edges.rest.timeout.emit()
    assert not edges.next.isVisible()


def test_a_click_in_the_strip_and_its_wheel_lead_to_other_photos(qtbot, viewer):
    viewer.show(0)
    strip = viewer.page.strip
    assert [place.row for place in strip.places] == [0, 1, 2]
    x = next(x for x in range(strip.width()) if strip.row_at(x) == 2)
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(x + 2, strip.height() // 2))
    assert viewer.photo.id == 2
    turn_wheel(strip, QPoint(5, 5), 1)
    assert viewer.photo.id == 1


def test_the_main_actions_have_words_where_there_is_room(qtbot, viewer):
    viewer.page.resize(1400, 800)
    button = next(
        button for button in viewer.page._buttons if button.accessibleName().startswith("More like this")
    )
    wide = button.sizeHint().width()
    assert wide > button.fontMetrics().horizontalAdvance("More like this")
    viewer.page.resize(500, 800)
    qtbot.waitUntil(lambda: button.sizeHint().width() < wide)
    assert button.sizeHint().width() == button.sizeHint().height()


def test_keys_walk_through_the_photos_and_stop_at_the_ends(qtbot, viewer):
    viewer.show(0)
    qtbot.keyClick(viewer.page.stage, Qt.Key.Key_Left)
    assert viewer.photo.id == 0
    with qtbot.waitSignal(viewer.moved) as moved:
        qtbot.keyClick(viewer.page.stage, Qt.Key.Key_Right)
    assert moved.args == [1]
    qtbot.keyClick(viewer.page.stage, Qt.Key.Key_End)
    assert viewer.photo.id == 2
    qtbot.keyClick(viewer.page.stage, Qt.Key.Key_Right)
    assert viewer.photo.id == 2
    qtbot.keyClick(viewer.page.stage, Qt.Key.Key_Home)
    assert viewer.photo.id == 0


def test_z_shows_one_pixel_to_one_from_all_pixels_and_fits_again(qtbot, viewer):
    viewer.show(0)
    qtbot.waitUntil(lambda: shows_photo(viewer.page))
    stage = viewer.page.stage
    qtbot.keyClick(stage, Qt.Key.Key_Z)
    assert stage.target().size().toSize() == QSize(1600, 1200)
    assert stage.horizontalScrollBar().maximum() == 1600 - stage.viewport().width()
    qtbot.waitUntil(lambda: stage.image_size() == QSize(1600, 1200))
    qtbot.keyClick(stage, Qt.Key.Key_Z)
    assert stage.target().height() <= stage.viewport().height()


def test_a_turned_photo_is_shown_upright(pictures, tmp_path):
    image = Image.new("RGB", (400, 200), (200, 30, 40))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    picture = pictures.load(tmp_path / "turned.jpg", QSize(100, 100), wanted)
    assert picture.size == QSize(200, 400)
    assert (picture.image.width(), picture.image.height()) == (50, 100)


def test_a_file_that_crashes_its_decoder_is_reported_and_the_next_photo_opens(qtbot, viewer, folder, shared):
    """One wrong byte in a real HEIC file, in the type of its metadata, crashes pi-heif."""
    data = (shared / "formats" / "orient1.heic").read_bytes()
    (folder / "1.jpg").write_bytes(data.replace(b"Exif", b"\xffxif", 1))
    viewer.show(1)
    qtbot.waitUntil(lambda: "makes the program that reads pictures crash" in viewer.page.stage.sentence)
    viewer.show(2)
    qtbot.waitUntil(lambda: shows_photo(viewer.page))
    assert viewer.page.stage.sentence == ""


def only_process():
    (process,) = multiprocessing.active_children()
    return process


def test_a_photo_that_hangs_is_left_for_the_next_one_without_waiting_for_its_end(
    qtbot, viewer, pictures, folder
):
    pictures.load(folder / "2.jpg", None, wanted)
    os.kill(only_process().pid, signal.SIGSTOP)
    viewer.show(0)
    viewer.show(2)  # ten minutes are the limit, two the patience of this test
    qtbot.waitUntil(lambda: shows_photo(viewer.page))


def test_a_closed_window_lets_go_of_a_photo_that_hangs(jobs, pictures, folder):
    pictures.load(folder / "2.jpg", None, wanted)
    process = only_process()
    os.kill(process.pid, signal.SIGSTOP)
    jobs.read(partial(pictures.load, folder / "0.jpg", None, wanted), lambda _picture: None)
    pictures.close()
    jobs.close()
    assert multiprocessing.active_children() == []
