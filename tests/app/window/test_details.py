"""The panel beside wall and viewer: the facts of one photo and of several, their links, and the keyboard."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QAccessible
from tests.app.window.conftest import open_window, tabbed, wait_for_photos

from picsight.settings import Settings
from picsight.window.controls.buttons import IconButton
from picsight.window.details.marks_view import MarksView
from picsight.window.details.photo_facts import Detail, details_of_one
from picsight.window.details.view import FactLink
from picsight.window.grid.wall import Wall
from picsight.window.parts.focus import tab_stops
from picsight.window.search.place import Place
from picsight_engine.library import Library
from picsight_engine.photos.metadata.tag_precedence import METADATA_RULE
from picsight_engine.search.details import PhotoDetails
from picsight_engine.store.files import Metadata, find_file, put_metadata
from picsight_engine.store.opening import open_database
from picsight_engine.tags.tree import Marks

NAMES = ("a.jpg", "b.jpg", "c.jpg")
CAMERA, NICE = "Canon EOS 600D", "Nice, Alpes-Maritimes, France"
METADATA = {
    "a.jpg": Metadata(
        taken="2020-07-18T17:42:00", taken_source="ExifIFD:DateTimeOriginal", lat=43.7, lon=7.27, place=NICE,
        camera=CAMERA, lens="EF-S18-55mm", exposure=0.004, aperture=2.8, focal=55.0, iso=400, flash=True,
        keywords=("Fish & chips", "sea"), title="At the harbour",
    ),
    "b.jpg": Metadata(
        taken="2020-07-20T09:00:00", taken_source="file name", camera=CAMERA, keywords=("sea",),
        lat=43.71, lon=7.26, place="Cannes, Alpes-Maritimes, France",
    ),
    "c.jpg": Metadata(),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(bundle, real_photos, tmp_path_factory):
    """A library of three photos, of which the last has no metadata."""
    pictures, library = tmp_path_factory.mktemp("Pictures"), tmp_path_factory.mktemp("library")
    for name, path in zip(NAMES, sorted(real_photos.iterdir()), strict=False):
        shutil.copy(path, pictures / name)
    with Library.open(library, bundle) as opened:
        list(opened.index([pictures]))
    with closing(open_database(library)) as db:
        for name, metadata in METADATA.items():
            file = find_file(db, pictures / name)
            with db.writer() as connection:
                put_metadata(connection, file.folder_id, file.name, metadata, METADATA_RULE)
    return library


@pytest.fixture(scope="module")
def shared_window(qapp, bundle, folder):
    """One window on it for all of these tests."""
    with open_window(folder, bundle, Settings(details=True)) as window:
        window.resize(1200, 800)
        yield window


@pytest.fixture
def window(qtbot, shared_window):
    """The window with its panel and all photos, none of them selected."""
    qtbot.waitUntil(lambda: shared_window.tags.library is not None)
    shared_window.activateWindow()  # a test before may have shown another
    shared_window.pages.go(Place())
    shared_window.frame.show_details(shown=True)
    wait_for_photos(qtbot, shared_window, 3)
    shared_window.frame.grid.clearSelection()
    return shared_window


def row_of(window, name):
    return next(row for row, photo in enumerate(window.frame.model.wall.results) if photo.path.name == name)


def choose(qtbot, window, *names):
    grid, flag = window.frame.grid, QItemSelectionModel.SelectionFlag
    grid.clearSelection()
    for name in names:
        grid.selectionModel().setCurrentIndex(window.frame.model.index(row_of(window, name)), flag.Select)
    shown = names[0] if len(names) == 1 else f"{len(names)} photos"
    qtbot.waitUntil(lambda: window.frame.details.name.text() == shown)


def links(panel):
    return {link.detail.words: link for link in panel.findChildren(FactLink) if not link.isHidden()}


def texts(panel):
    labels = panel.texts.items()
    return {name: label.accessibleName() for name, label in labels if label.isVisible()}


def test_the_facts_of_one_photo_are_shown_and_unknown_ones_take_no_room(qtbot, window):
    panel = window.frame.details
    choose(qtbot, window, "a.jpg")
    qtbot.waitUntil(lambda: "title" in texts(panel))  # its name is known before
    shown = texts(panel)
    assert shown["title"] == "At the harbour"
    assert shown["source"] == "from the camera"
    assert shown["exposure"].split() == ["1/250", "s", "f/2.8", "55", "mm", "ISO", "400", "flash"]
    assert list(links(panel))[:5] == ["Sat 18 Jul 2020, 17:42", "Nice", "Alpes-Maritimes", "France", CAMERA]
    assert panel.map.isVisible()
    assert panel.map.accessibleName() == "The map shows Nice, Alpes-Maritimes, France."
    choose(qtbot, window, "c.jpg")
    assert set(texts(panel)) == {"source", "size"}
    assert texts(panel)["source"] == "(file time)"
    assert not panel.map.isVisible()
    assert [name for name, shown in panel.links.items() if shown.isVisible()] == ["taken", "folder"]


@pytest.mark.parametrize(
    ("words", "query", "found"),
    [
        ("Sat 18 Jul 2020, 17:42", "in:2020-07-18", ["a.jpg"]),
        ("Alpes-Maritimes", "at:Alpes-Maritimes", ["b.jpg", "a.jpg"]),
        (CAMERA, f'by:"{CAMERA}"', ["b.jpg", "a.jpg"]),
        ("Fish & chips", 'tag:"Fish & chips"', ["a.jpg"]),
    ],
)
def test_a_fact_leads_to_others_like_this(qtbot, window, words, query, found):
    choose(qtbot, window, "a.jpg")
    qtbot.mouseClick(links(window.frame.details)[words], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.search.place == Place(query))
    assert [photo.path.name for photo in window.frame.model.wall.results] == found


def test_of_several_photos_the_shared_facts_are_shown(qtbot, window):
    panel = window.frame.details
    choose(qtbot, window, "a.jpg", "b.jpg")
    days = "18 Jul 2020 \u2013 20 Jul 2020"
    assert list(links(panel)) == [days, "Alpes-Maritimes", "France", CAMERA, "sea"]
    assert links(panel)[days].detail.query == "in:2020-07-18..2020-07-20"
    assert set(texts(panel)) == {"size"}
    choose(qtbot, window, "a.jpg", "b.jpg", "c.jpg")
    assert list(links(panel)) == [days]
    assert texts(panel)["source"] == "1 without a date"
    window.tagging.rate(4)
    qtbot.waitUntil(lambda: panel.marks.stars.accessibleDescription() == "4 stars")
    ids = [photo.id for photo in window.frame.model.wall.results]
    assert {marks.rating for marks in window.tags.library.tags.marks(ids).values()} == {4}
    window.history.undo()
    qtbot.waitUntil(lambda: panel.marks.stars.accessibleDescription() != "4 stars")


def test_the_panel_keeps_a_photo_until_the_last_chosen_one_is_read(qtbot, window):
    panel, names = window.frame.details, []
    choose(qtbot, window, "a.jpg")
    show = panel.name.setText
    panel.name.setText = lambda words: (names.append(words), show(words))
    for name in ("b.jpg", "c.jpg", "a.jpg", "b.jpg"):
        window.frame.grid.setCurrentIndex(window.frame.model.index(row_of(window, name)))
        assert panel.name.text() == "a.jpg"
    qtbot.waitUntil(lambda: panel.name.text() == "b.jpg")
    del panel.name.setText
    assert "c.jpg" not in names


def test_of_a_photo_that_is_gone_the_panel_does_not_ask_to_select_it(qtbot, window):
    panel, grid, model = window.frame.details, window.frame.grid, window.frame.model
    choose(qtbot, window, "a.jpg")
    before = model.wall
    gone = [replace(photo, path=photo.path.with_name("gone.jpg")) for photo in before.results]
    grid.show_wall(Wall.from_results(gone))
    grid.setCurrentIndex(model.index(0))
    qtbot.waitUntil(lambda: panel.nothing.text() == "No longer in the library.")
    grid.show_wall(before)
    grid.clearSelection()
    qtbot.waitUntil(lambda: panel.nothing.text() == "Select a photo to see its details.")


def test_the_panel_stands_beside_the_viewer_too_and_its_links_have_the_keyboard_in_order(qtbot, window):
    frame = window.frame
    panel = frame.details
    window.pages.open_photo(row_of(window, "a.jpg"))
    qtbot.waitUntil(lambda: panel.name.text() == "a.jpg")
    assert panel.palette().window().color().lightnessF() < 0.2
    qtbot.keyClick(frame.viewer_page.stage, Qt.Key.Key_I)
    assert not panel.isVisible()
    window.pages.close_viewer()
    qtbot.keySequence(frame.grid, "Ctrl+I")
    assert panel.isVisible()
    choose(qtbot, window, "a.jpg")
    qtbot.waitUntil(panel.marks.isVisible)
    stops = list(tab_stops(panel))
    assert stops[-3:] == [panel.marks.heart, panel.marks.stars, panel.marks._add]
    assert all(stop.accessibleName() or stop.text() for stop in stops)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    frame.grid.setFocus()
    reached = [tabbed(window) for _stop in stops]
    assert reached == stops
    qtbot.keyClick(reached[-1], Qt.Key.Key_Escape)
    assert frame.grid.hasFocus()


def test_the_stars_are_a_slider_for_keys_and_screen_readers_and_showing_some_rates_nothing(qtbot):
    view = MarksView()
    qtbot.addWidget(view)
    given = []
    view.rated.connect(given.append)
    for stars in (4, -1, 3):
        view.show_marks(Marks(stars, favourite=False, tags=()))
    spoken = QAccessible.queryAccessibleInterface(view.stars)
    assert (spoken.role(), spoken.valueInterface().currentValue()) == (QAccessible.Role.Slider, 3)
    assert given == []
    qtbot.keyClick(view.stars, Qt.Key.Key_Right)
    spoken.valueInterface().setCurrentValue(1)
    view.show_marks(Marks(-1, favourite=False, tags=()))
    qtbot.keyClick(view.stars, Qt.Key.Key_Right)
    assert given == [4, 1, 0]


def test_a_suggestion_that_stays_keeps_the_keyboard(qtbot):
    view = MarksView()
    qtbot.addWidget(view)
    view.show_marks(Marks(None, favourite=False, tags=(("Sea", "suggested"),)))
    view.show()
    reject = view.findChildren(IconButton)[-1]
    reject.setFocus()
    view.show_marks(Marks(3, favourite=True, tags=(("Sea", "suggested"),)))
    assert view.focusWidget() is reject
    view.show_marks(Marks(3, favourite=True, tags=(("Sea", "accepted"),)))
    assert not reject.isVisible()


def test_a_value_that_cannot_be_typed_is_no_link_and_a_copy_leads_to_its_folder():
    metadata = Metadata(camera='The "best" of all', description="Two\nlines")
    photo = PhotoDetails(1, paths=(Path("/p/a.jpg"), Path("/q/b.jpg")), width=4, height=3, metadata=metadata)
    details = details_of_one(photo, Path("/p/a.jpg"))
    assert details.gear == (Detail('The "best" of all'),)
    assert details.description == "Two lines"
    assert [copy.query for copy in details.copies] == ["folder:/q/"]
    assert details.also == "And a copy:"
