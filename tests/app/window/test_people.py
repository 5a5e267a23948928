"""The page of people: turned on, a group named by typing, faces asked about, put away and forgotten; Undo."""

from __future__ import annotations

import os

import pytest
from PIL import Image, ImageEnhance, ImageOps
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QMessageBox, QPushButton
from tests.app.window.conftest import index_photos, wait_until_indexed

from picsight.window.controls.rows import VALUE
from picsight.window.sidebar.model import SidebarAction
from picsight_engine.photos.metadata.xmp import read_packet

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture(scope="module")
def astronauts(bundle, tmp_path_factory):
    """A library of four pictures of one astronaut."""
    from tests.conftest import REPOSITORY

    folder = tmp_path_factory.mktemp("astronauts")
    with Image.open(REPOSITORY / "assets" / "known" / "astronaut.jpg") as image:
        upright = image.convert("RGB")
    for name, picture in {
        "a": upright,
        "b": ImageEnhance.Brightness(upright).enhance(0.7),
        "c": ImageOps.mirror(upright),
        "d": upright.rotate(8, Image.Resampling.BICUBIC),
    }.items():
        picture.save(folder / f"{name}.jpg", quality=92)
    library = tmp_path_factory.mktemp("library") / "library"
    index_photos(library, bundle, folder)
    return library


@pytest.fixture
def window(qtbot, model_window, astronauts):
    window = model_window(copy=astronauts)
    wait_until_indexed(qtbot, window)
    window.frame.sidebar.people_requested.emit()
    qtbot.waitUntil(lambda: "Find everyone" in window.people.view.notice.words())
    return window


def captions(window):
    model = window.people.view.model
    return [model.index(row).data(VALUE).words for row in range(model.rowCount())]


def show(window, name):
    if folder := os.environ.get("PICSIGHT_SCREENSHOTS"):
        window.grab().save(f"{folder}/{name}.png")


def press_in_question(qtbot, window, words):
    box = window.people.view.findChild(QMessageBox)
    button = next(each for each in box.findChildren(QPushButton) if each.text() == words)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_group_is_named_reviewed_and_forgotten(qtbot, window):
    view, people = window.people.view, window.photos.library.people
    show(window, "off")
    view.switched.emit(True)
    qtbot.waitUntil(lambda: captions(window) == ["4 faces: who?"], timeout=60_000)
    qtbot.waitUntil(lambda: len(view.crops) == 1)
    show(window, "groups")
    view.tiles.activated.emit(view.model.index(0))
    qtbot.waitUntil(lambda: len(captions(window)) == 4)
    assert view.line.isVisible()
    window.photos.library.tags.new("eileen")
    qtbot.keyClicks(view.line, "Eileen")
    show(window, "group")
    qtbot.keyClick(view.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: captions(window) == ["Eileen"])
    qtbot.waitUntil(lambda: "same person" in qtbot.question(window).text())
    show(window, "namesake")
    qtbot.answer(window, "The same")
    qtbot.waitUntil(lambda: "eileen" not in [tag.name for tag in window.tags.all])
    view.tiles.activated.emit(view.model.index(0))
    qtbot.waitUntil(lambda: captions(window) == ["Eileen"] * 4)
    view.tiles.setFocus()
    qtbot.keyClick(view.tiles, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: captions(window) == ["Eileen"] * 3)
    qtbot.waitUntil(lambda: len(view.crops) == 4)
    show(window, "person")
    assert [person.faces for person in people.persons()] == [3]
    window.history.undo()
    qtbot.waitUntil(lambda: captions(window) == ["Eileen"] * 4)
    window.pages.back()
    qtbot.waitUntil(lambda: captions(window) == ["Eileen"])
    view.forgotten.emit()
    press_in_question(qtbot, window, "Forget them")
    qtbot.waitUntil(lambda: not people.is_on and people.faces_named("Eileen") == [])
    qtbot.waitUntil(lambda: not view.crops)


def test_one_named_face_asks_about_the_others(qtbot, window):
    view, people = window.people.view, window.photos.library.people
    view.switched.emit(True)
    qtbot.waitUntil(lambda: captions(window) == ["4 faces: who?"], timeout=60_000)
    first = people.groups()[0].face_ids[0]
    window.tags.do(lambda library: library.people.decide("Eileen", [first], "accepted", make=True), str)
    qtbot.waitUntil(lambda: captions(window) == ["Eileen · 3 questions"])
    view.tiles.activated.emit(view.model.index(0))
    qtbot.waitUntil(lambda: captions(window) == ["Is this Eileen?"] * 3 + ["Eileen"])
    view.tiles.setFocus()
    qtbot.keyClick(view.tiles, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: captions(window) == ["Is this Eileen?"] * 2 + ["Eileen"] * 2)
    show(window, "questions")
    view.put_away.emit([view.model.index(0).data(VALUE).face.id], "no face")
    qtbot.waitUntil(lambda: captions(window) == ["Is this Eileen?"] + ["Eileen"] * 2)
    window.exchange._ask_sidecars()
    qtbot.waitUntil(lambda: "side-cars" in qtbot.question(window).text())
    qtbot.question(window).checkBox().click()
    show(window, "sidecars")
    qtbot.answer(window, "Write side-cars")
    sidecar = window.photos.library.photos.with_id(people.faces([first])[0].photo_id).path
    sidecar = sidecar.with_name(f"{sidecar.name}.xmp")
    qtbot.waitUntil(sidecar.exists)
    qtbot.waitUntil(lambda: list(read_packet(sidecar.read_bytes()).keywords) == [("Eileen",)])
    view.photos.click()
    qtbot.waitUntil(lambda: window.search.place.query == "people:Eileen")
    assert window.frame.page is window.frame.wall_page


def test_a_face_in_the_viewer_is_marked_and_named_by_a_click(qtbot, window):
    people, stage = window.photos.library.people, window.frame.viewer_page.stage
    window.people.view.switched.emit(True)
    qtbot.waitUntil(lambda: captions(window) == ["4 faces: who?"], timeout=60_000)
    window.pages.show_photos()
    window.pages.open_photo(0)
    ((face, _),) = people.faces_of(window.viewer.photo.id)

    def middle():
        box, target = face.box, stage.target()
        across, down = box.x + box.width / 2, box.y + box.height / 2
        return QPointF(target.x() + across * target.width(), target.y() + down * target.height())

    assert stage.faces.at(stage.target(), middle()) is None
    qtbot.keyClick(stage, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: stage.faces.at(stage.target(), middle()) == face)
    show(window, "marked")
    asked = window.grab().toImage()
    qtbot.mouseClick(stage.viewport(), Qt.MouseButton.LeftButton, pos=middle().toPoint())
    chooser = window.faces.chooser
    qtbot.keyClicks(chooser.line, "Eileen")
    qtbot.keyClick(chooser.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [name for _, name in people.faces_of(face.photo_id)] == ["Eileen"])
    qtbot.waitUntil(lambda: window.grab().toImage() != asked)  # the name
    show(window, "marked-named")
    qtbot.keyClick(stage, Qt.Key.Key_N)
    assert stage.faces.at(stage.target(), middle()) is None


def test_the_sidebar_leads_to_people(window):
    assert SidebarAction.PEOPLE.value == "people"
    assert window.frame.page is window.people.view
