"""Tags in a real window on a real library: made, shown, decided on, changed in the studio, and taken back."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PySide6.QtCore import QCoreApplication, QDir, QEvent, QItemSelectionModel, QPoint, QPointF, Qt
from PySide6.QtGui import QDragMoveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QTreeView, QWidget
from tests.app.window.conftest import carrying, choose_in_menu, open_window, wait_for_photos, wait_for_status

from picsight.settings import Settings
from picsight.window.controls.buttons import IconButton
from picsight.window.grid.model import files_of
from picsight.window.grid.photo_painter import verdict_zones
from picsight.window.parts.words import counted
from picsight.window.search.chips import ChipButton
from picsight.window.search.place import Place
from picsight.window.sidebar.model import ENTRY, SidebarAction
from picsight.window.tags.chooser import TagChoice
from picsight.window.tags.list_view import TagList
from picsight.window.tags.studio.draft import Draft
from picsight.window.tokens import px
from picsight_engine.library import Library
from picsight_engine.photos.metadata.xmp import read_packet


@pytest.fixture(scope="module")
def library(bundle, real_photos, tmp_path_factory):
    """A library of eight photos."""
    pictures, folder = tmp_path_factory.mktemp("Tagged"), tmp_path_factory.mktemp("library")
    for path in sorted(real_photos.iterdir())[:8]:
        shutil.copy(path, pictures)
    with Library.open(folder, bundle) as opened:
        list(opened.index([pictures]))
        yield opened


@pytest.fixture(scope="module")
def shared_window(qapp, bundle, library):
    """One window for all of these tests."""
    with open_window(library.folder, bundle, Settings()) as window:
        yield window


@pytest.fixture
def window(shared_window, library, qtbot):
    """The window with all photos on its wall and no tag: every change is undone, the latest first."""
    qtbot.waitUntil(lambda: not shared_window._jobs.is_changing)  # Undo of the test before
    for run in library.tags.runs(1000):
        if not run.undone:
            library.tags.undo(run.id)
    if shared_window.tag_pages._studio is not None:
        shared_window.tag_pages._studio._forget()
    shared_window.tags.refresh()
    shared_window.activateWindow()
    shared_window.frame.grid.clearSelection()
    with qtbot.waitSignal(shared_window.search.answered):
        shared_window.pages.go(Place())
    wait_for_photos(qtbot, shared_window, 8)
    qtbot.waitUntil(lambda: shared_window.tags.all == tuple(library.tags.all()))
    qtbot.waitUntil(lambda: not shared_window.library.is_indexing)
    return shared_window


def shown(window):
    return [photo.id for photo in window.frame.model.wall.results]


def look(qtbot, window, library):
    """Lets the window read what was changed without it."""
    window.tags.refresh()
    qtbot.waitUntil(lambda: window.tags.all == tuple(library.tags.all()))


def line_of(window, tag):
    return window.frame.sidebar.findChild(QTreeView).model().find(f"tag:{tag}")


def drop_on_line(window, line, data):
    tree = window.frame.sidebar.findChild(QTreeView)
    at = QPointF(tree.visualRect(line).center())
    how = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    tree.dragMoveEvent(QDragMoveEvent(at.toPoint(), *how))
    tree.dropEvent(QDropEvent(at, *how))


def test_changes_of_another_program_are_shown_when_the_window_is_activated(qtbot, window, library):
    photo, model = shown(window)[0], window.frame.model
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    library.tags.new("Sea")
    library.tags.decide("Sea", [photo], "accepted")
    library.tags.rate([photo], 4)
    window.activateWindow()
    qtbot.waitUntil(lambda: window.tags.all == tuple(library.tags.all()))
    qtbot.waitUntil(lambda: model.rated_marks(photo) == library.tags.marks([photo])[photo])
    assert line_of(window, "Sea").isValid()


def test_photos_dropped_on_a_tag_are_in_it_and_undo_takes_all_of_them_out(qtbot, window, library):
    library.tags.new("For Anna", kind="album")
    library.tags.new("Seen")
    look(qtbot, window, library)
    photos = window.frame.model.wall.results[2:5]
    drop_on_line(window, line_of(window, "Seen"), files_of(photos))
    qtbot.waitUntil(lambda: library.tags.find("Seen").accepted == 3)
    wait_for_status(qtbot, window, "Added 3 photos to")
    tree = window.frame.sidebar.findChild(QTreeView)
    line = tree.model().find("tag:Seen")
    assert line.data(ENTRY).count == 3
    tree.clicked.emit(line)
    qtbot.waitUntil(lambda: sorted(shown(window)) == sorted(photo.id for photo in photos))
    assert tree.currentIndex().data(ENTRY).tag.path == "Seen"
    assert [chip.words for chip in window.frame.box.chips()] == ["Tag Seen"]
    qtbot.keySequence(window.frame.grid, "Ctrl+Z")
    qtbot.waitUntil(lambda: library.tags.find("Seen").accepted == 0)
    qtbot.waitUntil(lambda: tree.model().find("tag:Seen").data(ENTRY).count == 0)


def test_photos_dropped_to_make_a_tag_wait_for_the_answer_about_the_one_that_is_worked_on(
    qtbot, window, library
):
    photos, known = window.frame.model.wall.results[3:5], library.tags.new("Snow", prompts=["snow"])
    look(qtbot, window, library)
    window.tag_pages.edit(known)
    studio = window.tag_pages._studio
    studio.view.suggests.click()
    before = studio.draft
    (line,) = [
        line for line in window.frame.sidebar._model.tops() if line.data(ENTRY).key is SidebarAction.NEW_TAG
    ]
    drop_on_line(window, line, files_of(photos))
    for _ in range(3):  # time enough to find the photos
        with qtbot.waitSignal(window.tags.changed):
            window.tags.refresh()
    assert studio.draft == before
    qtbot.answer(window, "Discard")
    qtbot.waitUntil(lambda: studio.draft.examples == tuple(photo.id for photo in photos))
    assert (studio.draft.path, studio.draft.tag) == ("", None)


def test_a_dropped_file_that_is_no_photo_of_the_library_is_refused(qtbot, window, library, tmp_path):
    library.tags.new("Seen")
    look(qtbot, window, library)
    drop_on_line(window, line_of(window, "Seen"), carrying(tmp_path / "a.jpg"))
    wait_for_status(qtbot, window, "is not a photo of the library")
    assert library.tags.find("Seen").accepted == 0


def select(window, *rows):
    grid = window.frame.grid
    grid.setFocus()
    grid.clearSelection()
    for row in rows:
        index = window.frame.model.index(row)
        grid.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.Select)
    return [window.frame.model.photo(row).id for row in rows]


def spoken(window, row):
    return window.frame.model.index(row).data(Qt.ItemDataRole.AccessibleTextRole)


def file_into(qtbot, window, letters):
    chooser = window.tagging.chooser
    qtbot.keySequence(window.frame.grid, "Ctrl+T")
    qtbot.waitUntil(lambda: QGuiApplication.focusObject() is chooser.line)
    qtbot.keyClicks(chooser.line, letters)
    qtbot.keyClick(chooser.line, Qt.Key.Key_Return)
    qtbot.waitUntil(window.frame.grid.hasFocus)


def test_selected_photos_are_put_into_a_tag_by_a_few_letters_and_one_undo_takes_it_all_back(
    qtbot, window, library
):
    library.tags.new("Birds")
    library.tags.new("Waders", parent="Birds")
    look(qtbot, window, library)
    ids = select(window, 1, 3)
    file_into(qtbot, window, "wad")
    qtbot.waitUntil(lambda: library.tags.find("Waders").accepted == 2)
    assert not window.tagging.chooser.isVisible()
    qtbot.waitUntil(lambda: "tagged Birds/Waders" in spoken(window, 3))
    file_into(qtbot, window, "Trips/Lisbon")
    wait_for_status(qtbot, window, "Made the tag")
    assert "suggests more once you give it words or examples" in window.frame.status.words()
    assert library.tags.find("Trips/Lisbon").accepted == 2
    assert {path for path, _, _ in library.tags.states(ids)[ids[0]]} == {"Birds/Waders", "Trips/Lisbon"}
    qtbot.keySequence(window.frame.grid, "Ctrl+Z")
    qtbot.waitUntil(lambda: paths(window) == ["Birds", "Birds/Waders"])
    qtbot.waitUntil(lambda: "Redo" in window.frame.status._button.text())
    window.history.redo()
    qtbot.waitUntil(lambda: any(tag.path == "Trips/Lisbon" and tag.accepted == 2 for tag in window.tags.all))


def test_favourites_and_stars_are_given_with_a_modifier_and_letters_begin_a_search(qtbot, window, library):
    ids, grid = select(window, 0, 2), window.frame.grid
    qtbot.keySequence(grid, "Ctrl+B")
    qtbot.keySequence(grid, "Alt+4")
    wait_for_status(qtbot, window, "Rated 2 photos 4 stars")
    marks = library.tags.marks(ids)
    assert [(mark.favourite, mark.rating) for mark in marks.values()] == [(True, 4)] * 2
    qtbot.waitUntil(lambda: "4 stars, favourite" in spoken(window, 0))
    grid.clearSelection()  # then the current photo is meant
    qtbot.keySequence(grid, "Ctrl+B")
    qtbot.waitUntil(lambda: [mark.favourite for mark in library.tags.marks(ids).values()] == [True, False])
    select(window, 0)
    qtbot.keyClick(grid, Qt.Key.Key_F)
    qtbot.keyClicks(window.frame.box.line, "lower")
    assert window.frame.box.line.text() == "flower"
    assert library.tags.marks(ids)[ids[0]].favourite


def test_a_photo_that_undo_puts_back_into_a_tag_is_on_its_wall_again(qtbot, window, library):
    ids = select(window, 0, 2)
    library.tags.decide("Favourites", ids, "accepted")
    select(window, 0)
    qtbot.keySequence(window.frame.grid, "Ctrl+B")
    qtbot.waitUntil(lambda: not library.tags.marks(ids)[ids[0]].favourite)
    window.pages.go(Place("is:favourite"))
    qtbot.waitUntil(lambda: shown(window) == ids[1:])

    def is_back() -> bool:
        window.history.undo()  # names the change first where the status line says something else by now
        return shown(window) == ids

    qtbot.waitUntil(is_back)


def test_in_culling_letters_pick_reject_and_rate_and_escape_ends_it(qtbot, window, library):
    (photo,), grid, sign = select(window, 1), window.frame.grid, window.frame.wall_page.header.culling
    assert not sign.isVisible()
    qtbot.keySequence(grid, "Ctrl+Shift+K")
    assert sign.isVisible()
    messages = {"P": "the photo to your favourites", "3": "Rated the photo 3", "X": "Rejected the photo"}
    for key, message in messages.items():
        qtbot.keyClicks(grid, key)
        wait_for_status(qtbot, window, message)
    (mark,) = library.tags.marks([photo]).values()
    assert (mark.favourite, mark.rating) == (False, -1)
    qtbot.keyClicks(grid, "P")
    qtbot.waitUntil(lambda: library.tags.marks([photo])[photo].favourite)
    assert library.tags.marks([photo])[photo].rating == 0
    qtbot.keyClicks(grid, "bear")
    assert window.frame.box.line.text() == ""
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert grid.currentIndex().row() == 2
    qtbot.keyClick(grid, Qt.Key.Key_Escape)
    assert not sign.isVisible()
    qtbot.keyClicks(grid, "p")
    assert window.frame.box.line.text() == "p"


def test_decisions_are_stored_before_the_window_closes(qtbot, model_window, small_library, bundle, tmp_path):
    window = model_window(copy=small_library)
    grid = window.frame.grid
    wait_for_photos(qtbot, window, 3)
    (photo,) = select(window, 1)
    qtbot.keySequence(grid, "Ctrl+Shift+K")
    qtbot.keyClicks(grid, "12345")
    model_window.close()
    with Library.open(tmp_path / "library", bundle) as library:
        assert library.tags.rating(photo) == 5
        stars = ("5 stars", "4 stars", "3 stars", "2 stars", "1 star")
        assert [str(run.words) for run in library.tags.runs()] == [f"Rate 1 photo: {each}" for each in stars]


def test_suggestions_are_accepted_and_rejected_on_the_wall_of_a_tag_and_the_next_one_is_selected(
    qtbot, window, library
):
    library.tags.new("Things")
    library.tags.new("Anything", prompts=["a photo"], threshold=0.0, parent="Things")
    look(qtbot, window, library)
    window.tag_pages.show_photos(window.tags.all[1])
    qtbot.waitUntil(lambda: window.search.place.words == "tag:Things")
    model, grid = window.frame.model, window.frame.grid
    qtbot.waitUntil(lambda: model.state(model.photo(7).id) == "suggested")
    before = shown(window)
    select(window, 0)
    qtbot.keyClick(grid, Qt.Key.Key_A)
    qtbot.keyClick(grid, Qt.Key.Key_R)
    assert grid.currentIndex().row() == 2
    qtbot.waitUntil(lambda: "suggested" not in spoken(window, 1))
    states = [[each[:2] for each in library.tags.states(before)[photo]] for photo in before[:3]]
    assert states == [[("Things/Anything", how)] for how in ("accepted", "rejected", "suggested")]
    assert shown(window) == before
    qtbot.waitUntil(lambda: model.state(model.photo(1).id) == "rejected")
    qtbot.keySequence(grid, "Ctrl+Z")
    qtbot.waitUntil(lambda: model.state(model.photo(1).id) == "suggested")
    bar, zones = window.frame.wall_page.header.selection, verdict_zones(grid.visualRect(model.index(3)), grid)
    assert "Accept, in a tag (A)" in bar.offered()
    for verdict in ("rejected", "accepted"):
        qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=zones[verdict].center())
        qtbot.waitUntil(lambda verdict=verdict: model.state(model.photo(3).id) == verdict)
    window._jobs.after_changes(window.history.undo)
    window._jobs.after_changes(window.history.undo)
    qtbot.waitUntil(lambda: model.state(model.photo(3).id) == "suggested")
    hint = window.frame.wall_page.header.hint
    assert hint.text().endswith("suggested: A yes, R no")
    assert hint.text()[0].isdigit()
    window.pages.go(Place("photo tag:Things"))
    qtbot.waitUntil(lambda: hint.text() == "Suggested: A yes, R no")
    window.search.ask_again()
    window.pages.go(Place())
    qtbot.waitUntil(lambda: not model.tag)
    assert hint.text() == ""
    select(window, 0)
    assert "Accept, in a tag (A)" not in bar.offered()
    qtbot.keyClick(grid, Qt.Key.Key_A)
    assert window.frame.box.line.text() == "a"


def paths(window):
    return [tag.path for tag in window.tags.all if tag.kind != "favourite"]


def test_a_tag_that_is_looked_at_is_renamed_merged_and_removed_and_everything_comes_back(
    qtbot, window, library
):
    ids = [photo.id for photo in window.frame.model.wall.results]
    for name, photos in (("Sea", ids[:2]), ("Shore", ids[1:4])):
        library.tags.new(name)
        library.tags.decide(name, photos, "accepted")
    look(qtbot, window, library)
    window.tag_pages.show_photos(window.tags.all[1])
    qtbot.waitUntil(lambda: sorted(shown(window)) == sorted(ids[:2]))
    window.tag_pages.rename(window.tags.all[1], "Ocean")
    qtbot.waitUntil(lambda: window.search.place.words == "tag:Ocean")
    window.frame.status.show_sentence("Something else.")
    window._jobs.after_changes(window.history.undo)
    qtbot.waitUntil(lambda: window.search.place.words == "tag:Sea")
    window.tag_pages.rename(window.tags.all[1], "Trips / Sea ")
    qtbot.waitUntil(lambda: paths(window) == ["Shore", "Trips", "Trips/Sea"])
    qtbot.waitUntil(lambda: window.search.place.words == "tag:Trips/Sea")
    window.tag_pages.merge(library.tags.find("Trips/Sea"), TagChoice("Shore", "tag", 3))
    qtbot.waitUntil(lambda: sorted(shown(window)) == sorted(ids[:4]))
    assert window.search.place.words == "tag:Shore"
    window.tag_pages.merge(library.tags.find("Shore"), TagChoice("Trips", "tag", 0))
    window.tag_pages.remove(library.tags.find("Trips"))
    qtbot.waitUntil(lambda: paths(window) == [])
    qtbot.waitUntil(lambda: len(shown(window)) == 8)
    for _ in range(4):
        window._jobs.after_changes(window.history.undo)
        qtbot.waitUntil(lambda: not window._jobs.is_changing)
    assert [(tag.path, tag.accepted) for tag in library.tags.all()[1:]] == [("Sea", 2), ("Shore", 3)]


def test_undo_leaves_simultaneous_changes_of_another_program(qtbot, window, library, bundle):
    tag = library.tags.new("Ours")
    theirs, ours = shown(window)[:2]

    def change_elsewhere():
        with Library.open(library.folder, bundle) as other:
            other.tags.new("Theirs")
            other.tags.decide("Theirs", [theirs], "accepted")

    def act(library):
        with ThreadPoolExecutor(1) as thread:
            thread.submit(change_elsewhere).result()
        library.tags.decide(tag.path, [ours], "accepted")

    window.tags.do(act, lambda _value: "Put into Ours.")
    window._jobs.after_changes(window.history.undo)
    wait_for_status(qtbot, window, "Undone: Put into Ours")
    assert (library.tags.find("Theirs").accepted, library.tags.find("Ours").accepted) == (1, 0)


def test_a_change_that_is_refused_half_way_leaves_everything_as_it_was(qtbot, window, library):
    for name, parent in (("Snow", None), ("Winter", None), ("Ice", "Winter")):
        library.tags.new(name, parent=parent)
    look(qtbot, window, library)
    before = library.tags.all()
    window.tag_pages.rename(library.tags.find("Snow"), "Winter/Ice")
    wait_for_status(qtbot, window, "in this place already")
    assert library.tags.all() == before
    window.tag_pages.rename(library.tags.find("Snow"), "Trips/" + "x" * 2000)
    wait_for_status(qtbot, window, "2,000")
    assert library.tags.all() == before


@pytest.fixture
def studio(qtbot, window):
    """The studio with a new tag."""
    window.tag_pages.new()
    made = window.tag_pages._studio
    assert window.frame.page is made.view
    return made


def type_words(qtbot, studio, words):
    qtbot.keyClicks(studio.view.words.line, words)
    qtbot.keyClick(studio.view.words.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: studio._preview.scored is not None)


def inside(studio):
    return [photo.id for photo in studio.view.model.wall.results]


def test_words_are_looked_for_while_they_are_typed_and_saved_under_a_name_below_another(
    qtbot, window, library, studio
):
    view = studio.view
    assert "What does this tag show?" in view.notice.words()
    assert not view.save.isEnabled()
    qtbot.keyClicks(view.words.line, "a photo")
    qtbot.waitUntil(lambda: studio._preview.scored is not None)
    assert studio.draft.prompts == ()
    assert sum(view.slider._histogram.bars()) == 8
    qtbot.keyClick(view.words.line, Qt.Key.Key_Return)
    view.name.setFocus()
    qtbot.keyClicks(view.name, "Things/Seen ")
    view.slider.setValue(0)
    qtbot.waitUntil(lambda: len(inside(studio)) == 8)
    assert view.slider.words() == "8 photos in"
    qtbot.mouseClick(view.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.search.place.words == "tag:Things/Seen")
    tag = library.tags.find("Things/Seen")
    assert (tag.prompts, tag.threshold, tag.suggested, tag.suggests) == (("a photo",), 0.0, 8, True)
    window._jobs.after_changes(window.history.undo)
    qtbot.waitUntil(lambda: not window._jobs.is_changing)
    assert not window.search.wanted.query
    assert [each.kind for each in library.tags.all()] == ["favourite"]


def test_the_studio_shows_the_translation_of_words_in_another_language(qtbot, studio, monkeypatch):
    monkeypatch.setattr(studio._tags.library, "languages", ("de",))
    translated = studio.view.translated
    type_words(qtbot, studio, "dog")
    assert not translated.isVisible()
    qtbot.keyClicks(studio.view.words.line, "Xyzzy im Schnee")
    qtbot.waitUntil(lambda: studio._preview.translation is not None)
    expected = "Searched as: \u2068dog | Xyzzy in the snow\u2069 (unknown: Xyzzy)"
    qtbot.waitUntil(lambda: translated.text() == expected)
    assert translated.isVisible()
    studio._begin(Draft(), ())
    assert not translated.isVisible()


def test_words_that_still_stand_in_the_line_are_saved_with_the_others(qtbot, window, library):
    tag = library.tags.new("Snow", prompts=["snow on a mountain", "ski"])
    look(qtbot, window, library)
    window.tag_pages.edit(tag)
    studio = window.tag_pages._studio
    view = studio.view
    assert not view.save.isEnabled()
    first, _ = [chip for chip in view.words.findChildren(ChipButton) if chip.isVisible()]
    qtbot.keyClick(first, Qt.Key.Key_Return)
    assert view.words.line.text() == "snow on a mountain"
    qtbot.mouseClick(view.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.search.place.words == "tag:Snow")
    assert library.tags.find("Snow").prompts == ("ski", "snow on a mountain")
    window.tag_pages.new()
    qtbot.keyClicks(view.words.line, "ox")
    qtbot.mouseClick(view.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.search.place.words == "tag:ox")
    assert library.tags.find("ox").prompts == ("ox",)
    window.tag_pages.new()
    assert view.words.line.text() == ""


def test_leaving_the_studio_with_words_in_the_line_asks_a_question(qtbot, window, studio):
    view = studio.view
    qtbot.keyClicks(view.words.line, "wading bird")
    assert view.save.isEnabled()
    window.tag_pages.show()
    window.tag_pages.show()
    assert window.frame.page is view
    qtbot.keyClick(view.words.line, Qt.Key.Key_Escape)
    qtbot.answer(window, "Discard")
    assert window.frame.page is window.frame.wall_page
    assert not studio.is_changed


def test_a_tag_is_looked_through_and_saved_without_examples_that_the_library_has_forgotten(
    qtbot, window, library
):
    photo, forgotten = shown(window)[0], max(shown(window)) + 1000
    draft = Draft("Cars", ("a car",), examples=(photo, forgotten), against=(forgotten + 1,))
    window.tag_pages.work_on(draft)
    studio = window.tag_pages._studio
    qtbot.waitUntil(lambda: [each.id for each in studio.view.alike.photos] == [photo])
    assert studio._preview.scored is not None
    qtbot.mouseClick(studio.view.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.search.place.words == "tag:Cars")
    tag = library.tags.find("Cars")
    assert (tag.examples, tag.against, tag.accepted, tag.rejected) == ((photo,), (), 1, 0)


def test_decisions_on_a_new_tag_become_its_examples_and_are_undone_while_it_is_edited(
    qtbot, window, library, studio
):
    type_words(qtbot, studio, "a photo")
    view, first = studio.view, studio.view.borderline.case().id
    view.borderline.picture.setFocus()
    qtbot.keyClick(view.borderline.picture, Qt.Key.Key_A)
    second = view.borderline.case().id
    qtbot.keyClick(view.borderline.picture, Qt.Key.Key_R)
    assert (studio.draft.examples, studio.draft.against) == ((first,), (second,))
    qtbot.waitUntil(lambda: [photo.id for photo in view.unlike.photos] == [second])
    others = [photo for photo in window.frame.model.wall.results if photo.id not in {first, second}][:2]
    view.alike.photos_dropped.emit([photo.path for photo in others])
    qtbot.waitUntil(lambda: len(studio.draft.examples) == 3)
    window.history.undo()
    assert (studio.draft.examples, studio.draft.against) == ((first, *(photo.id for photo in others)), ())
    for photo in others:
        view.alike.removed.emit(photo.id)
    qtbot.waitUntil(lambda: second in {photo.id for photo in view.borderline.cases})
    qtbot.mouseClick(view.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.search.place.words == 'tag:"a photo"')
    tag = library.tags.find("a photo")
    assert (tag.examples, tag.against, tag.accepted, tag.rejected) == ((first,), (), 1, 0)
    window._jobs.after_changes(window.history.undo)
    qtbot.waitUntil(lambda: [each.kind for each in library.tags.all()] == ["favourite"])
    window._jobs.after_changes(window.history.undo)
    qtbot.waitUntil(lambda: "Undone: Looks like it" not in window.frame.status.words())


def test_decisions_on_an_existing_tag_are_stored_at_once_and_its_other_changes_on_save(
    qtbot, window, library
):
    tag = library.tags.new("Seen", prompts=["a photo"], threshold=0.0)
    window.tag_pages.edit(tag)
    studio = window.tag_pages._studio
    view = studio.view
    assert "Looking through your photos." in view.notice.words()
    qtbot.waitUntil(lambda: len(inside(studio)) == 8)
    view.borderline.picture.setFocus()
    for key in (Qt.Key.Key_A, Qt.Key.Key_R):
        qtbot.keyClick(view.borderline.picture, key)
    qtbot.waitUntil(lambda: "Decide on 3 more photos" in view.statistics.text())
    assert (library.tags.find("Seen").accepted, library.tags.find("Seen").rejected) == (1, 1)
    qtbot.waitUntil(lambda: len(inside(studio)) == 7)
    assert not view.save.isEnabled()
    view.suggests.click()
    qtbot.keyClick(view.name, Qt.Key.Key_Escape)
    box = qtbot.question(window)
    assert "Discard the changes" in box.text()
    box.reject()
    assert window.frame.page is view
    qtbot.mouseClick(view.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not library.tags.find("Seen").suggests)
    assert library.tags.find("Seen").accepted == 1


def test_the_list_finds_a_tag_by_its_letters_and_leads_to_its_studio(qtbot, window, library):
    window.tag_pages.show()
    with qtbot.waitSignal(window.tags.changed):  # such as by a run
        window.tags.refresh()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert window.focusWidget().text() == "New tag"  # there is none yet, and Enter makes one
    library.tags.new("Birds", prompts=["bird"])
    library.tags.new("Évora", parent="Birds")
    window.tags.refresh()
    qtbot.waitUntil(lambda: len(window.tags.all) == 3)
    window.tag_pages.show()
    tags = window.frame.findChild(TagList)
    qtbot.keyClicks(tags.line, "evo")
    assert [tag.path for tag in tags.model.values] == ["Birds/Évora"]
    qtbot.keyClicks(tags.line, "x")
    assert tags.notice.isVisible()
    assert tags.notice.words().strip() == "No tag or album is called \u2068“evox”\u2069."
    qtbot.keyClick(tags.line, Qt.Key.Key_Backspace)
    assert not tags.notice.isVisible()
    tags.rows.setFocus()
    at = tags.rows.visualRect(tags.model.index(0)).center()
    qtbot.mouseClick(tags.rows.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert window.tag_pages._studio.draft.path == "Birds/Évora"
    tags.line.clear()
    window.pages.back()
    assert window.frame.page is window.frame.wall_page


def test_a_long_change_is_announced_and_the_tags_are_read_only_after_it(qtbot, window):
    gate, heard = threading.Event(), []
    window.tags.do(lambda _library: gate.wait(60), lambda _value: "Done.")
    window.tags.changed.connect(heard.append)
    window.tags.refresh()
    window.tags.refresh()
    wait_for_status(qtbot, window, "takes a moment")
    assert not heard
    gate.set()
    qtbot.waitUntil(lambda: window.frame.status.words() == "Done." and len(heard) > 1)
    assert not window._jobs.is_changing
    window.tags.changed.disconnect(heard.append)


def test_the_views_read_the_tags_again_after_a_refused_change(qtbot, window):
    heard = []
    window.tags.changed.connect(heard.append)
    window.tags.do(lambda library: library.tags.rate([10**6], 3), str)
    wait_for_status(qtbot, window, "not in the library any more")
    window.tags.changed.disconnect(heard.append)
    assert heard


def test_decisions_are_exported_to_a_file_and_imported_as_one_change(qtbot, window, library, tmp_path):
    ids, file = [photo.id for photo in window.frame.model.wall.results], tmp_path / "mine.jsonl"
    library.tags.new("Sea")
    library.tags.decide("Sea", ids[:3], "accepted")
    kept = library.searches.save("Waves", "big waves")
    window.exchange.export_decisions(file)
    assert window.frame.status.words().startswith("Saving")
    wait_for_status(qtbot, window, "3 decisions")
    for run in library.tags.runs(2):
        library.tags.undo(run.id)
    library.searches.delete(kept.id)
    window.exchange.show_menu(QPoint())
    choose_in_menu(window, "Import a file of decisions…")
    dialog = window.findChild(QFileDialog)
    assert dialog.filter() & QDir.Filter.Files
    dialog.fileSelected.emit(str(file))
    dialog.close()
    wait_for_status(qtbot, window, "1 new tag, 3 accepted, 1 saved search")
    qtbot.waitUntil(lambda: [search.name for search in window.library.overview.saved] == ["Waves"])
    assert library.tags.find("Sea").accepted == 3
    window._jobs.after_changes(window.history.undo)
    qtbot.waitUntil(lambda: [tag.kind for tag in library.tags.all()] == ["favourite"])
    window.exchange.export_decisions(file)  # as if the file dialog had asked whether to replace it
    assert "which this export lacks" in qtbot.question(window).informativeText()
    assert len(file.read_text().splitlines()) == 4
    qtbot.answer(window, "Replace")
    qtbot.waitUntil(lambda: len(file.read_text().splitlines()) == 1)
    file.write_text("not what it should be")
    window.exchange.load(file)
    wait_for_status(qtbot, window, file.name)


def test_side_cars_are_written_with_progress_and_cancelling_leaves_whole_files(qtbot, window, library):
    photos = window.frame.model.wall.results
    library.tags.new("Sea")
    library.tags.decide("Sea", [photo.id for photo in photos], "accepted")
    status, paths = window.frame.status, [photo.path for photo in photos]
    sidecars = [path.with_name(f"{path.name}.xmp") for path in paths]
    window.exchange.export_sidecars()
    assert status.words() == "Writing side-cars"
    qtbot.mouseClick(status._button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: status.words().startswith("Stopped after"))
    written = [sidecar for sidecar in sidecars if sidecar.exists()]
    assert counted(len(written), "%n side-car.", "%n side-cars.") in status.words()
    assert all(list(read_packet(sidecar.read_bytes()).keywords) == [("Sea",)] for sidecar in written)
    window.exchange.export_sidecars()
    left = 8 - len(written)
    wrote = f"Wrote {counted(left, '%n side-car', '%n side-cars')}."
    words = wrote if left else "All side-cars are up to date."
    qtbot.waitUntil(lambda: status.words() == words)
    assert all(sidecar.exists() for sidecar in sidecars)
    qtbot.waitUntil(lambda: not status._progress.isVisible())
    for sidecar in sidecars:
        sidecar.unlink()


def test_a_run_reports_suggestions_among_new_photos_and_leads_to_them(qtbot, window, library, real_photos):
    library.tags.new("Anything", prompts=["a photo"], threshold=0.0)
    folder = window.frame.model.photo(0).path.parent
    new = folder / "new.jpg"
    shutil.copy(max(real_photos.glob("*.jpg"), key=lambda path: path.name), new)
    try:
        window.library.index()
        status = window.frame.status
        qtbot.waitUntil(lambda: "1 new photo was suggested for 1 tag." in status.words())
        qtbot.waitUntil(lambda: any(tag.suggested == 9 for tag in window.tags.all))
        qtbot.mouseClick(status._button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: window.search.place.query == "tag:Anything")
    finally:
        new.unlink()
        qtbot.waitUntil(lambda: not window.library.is_indexing)
        window.library.index()
        qtbot.waitUntil(lambda: not window.library.is_indexing)


def test_an_album_is_called_an_album_and_a_tag_a_tag(qtbot, window, library):
    library.tags.new("Sea")
    library.tags.new("For Anna", kind="album")
    look(qtbot, window, library)
    for name in ("Sea", "For Anna"):
        library.tags.decide(name, [window.frame.model.photo(0).id], "accepted")
    for tag, words in (("Sea", "Tag Sea"), ("For Anna", "Album For Anna")):
        window.tag_pages.show_photos(library.tags.find(tag))
        assert [chip.words for chip in window.frame.box.chips()] == [words]
        qtbot.waitUntil(lambda words=words: words in window.frame.wall_page.header.title.text())


def held(border):
    return [path for path, toggle in border.tags.toggles.items() if toggle.isChecked()]


def test_numbers_put_a_border_case_into_other_tags_and_out_of_them_and_undo_works_there(
    qtbot, window, library
):
    library.tags.new("Sea")
    library.tags.new("For Anna", kind="album")
    for number in range(8):
        library.tags.new(f"Visitors of {2010 + number}")
    tag = library.tags.new("Seen", prompts=["a photo"], threshold=0.0)
    look(qtbot, window, library)
    window.tag_pages.edit(tag)
    border = window.tag_pages._studio.view.borderline
    qtbot.waitUntil(lambda: border.case() is not None)
    border.picture.setFocus()
    photo, order = border.case().id, list(border.tags.toggles)
    assert len(order) == 9
    room, toggles = border.tags, border.tags.toggles.values()
    qtbot.waitUntil(lambda: all(room.rect().contains(toggle.geometry()) for toggle in toggles))
    qtbot.keyClick(border.picture, Qt.Key.Key_1)
    qtbot.keyClick(border.picture, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: held(border) == order[:2])
    qtbot.keyClick(border.picture, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: held(border) == order[1:2])
    assert border.case().id == photo
    qtbot.keyClick(border.picture, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: held(border) == [])
    assert dict(library.tags.marks([photo])[photo].tags)[order[1]] == "accepted"
    qtbot.keySequence(border.picture, "Ctrl+Z")
    qtbot.waitUntil(lambda: library.tags.find(order[0]).accepted == 1)


def test_a_tag_is_taken_by_the_number_of_its_row(qtbot, window, library):
    for name in ("1990", "Sea"):
        library.tags.new(name)
    look(qtbot, window, library)
    (photo,), chooser = select(window, 2), window.tagging.chooser
    qtbot.keySequence(window.frame.grid, "Ctrl+T")
    qtbot.waitUntil(lambda: QGuiApplication.focusObject() is chooser.line)
    path = chooser.rows._rows.values[1].path
    qtbot.keySequence(chooser.line, "Alt+9")
    assert chooser.isVisible()
    qtbot.keySequence(chooser.line, "Alt+2")
    qtbot.waitUntil(lambda: library.tags.marks([photo])[photo].tags == ((path, "accepted"),))


def chips_of(panel):
    return {chip.chip.words: chip for chip in panel.findChildren(ChipButton) if chip.isVisible()}


def take_off(qtbot, panel, name):
    qtbot.waitUntil(lambda: name in chips_of(panel))
    chip = chips_of(panel)[name]
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton, pos=chip._cross().center())


def test_the_viewer_shows_the_tags_of_a_photo_and_its_keys_decide_on_suggestions(qtbot, window, library):
    library.tags.new("Anything", prompts=["a photo"], threshold=0.0)
    library.tags.new("For Anna", kind="album")
    library.tags.decide("For Anna", [window.frame.model.photo(1).id], "accepted")
    look(qtbot, window, library)
    window.pages.open_photo(1)
    window.frame.toggle_details()
    panel, stage = window.frame.details.marks, window.frame.viewer_page.stage
    qtbot.waitUntil(lambda: panel.suggested() == ["Anything"] and list(chips_of(panel)) == ["For Anna"])
    sign, word = (px(panel, em) for em in (1.25, 0.375))  # the margins inside of a button
    assert panel.heart.x() + (panel.heart.width() - sign) // 2 == panel._title.x() == panel.chips.x()
    assert panel._add.x() + word == panel._title.x()
    stage.setFocus()
    for key in (Qt.Key.Key_A, Qt.Key.Key_F, Qt.Key.Key_3):
        qtbot.keyClick(stage, key)
    photo = window.viewer.photo.id
    qtbot.waitUntil(lambda: library.tags.marks([photo])[photo].rating == 3)
    assert library.tags.marks([photo])[photo].favourite
    qtbot.waitUntil(lambda: panel.stars.accessibleDescription() == "3 stars")
    assert panel.suggested() == []
    take_off(qtbot, panel, "Anything")
    qtbot.waitUntil(lambda: ("Anything", "rejected") in library.tags.marks([photo])[photo].tags)
    take_off(qtbot, panel, "For Anna")
    qtbot.waitUntil(lambda: dict(library.tags.marks([photo])[photo].tags) == {"Anything": "rejected"})
    qtbot.waitUntil(lambda: chips_of(panel) == {})
    window.tagging.rate(-1)
    qtbot.waitUntil(lambda: panel.stars.accessibleDescription() == "Rejected")
    window.frame.toggle_details()
    window.pages.close_viewer()
    qtbot.waitUntil(lambda: "rejected" in spoken(window, window.frame.model.wall.rows[photo]))


def test_after_a_step_keys_and_buttons_wait_for_the_panel_to_show_the_photo(qtbot, window, library):
    library.tags.new("Anything", prompts=["a photo"], threshold=0.0)
    library.tags.new("For Anna", kind="album")
    first, second = (window.frame.model.photo(row).id for row in (1, 2))
    library.tags.decide("For Anna", [first], "accepted")
    look(qtbot, window, library)
    window.pages.open_photo(1)
    window.frame.toggle_details()
    panel, stage = window.frame.details.marks, window.frame.viewer_page.stage
    qtbot.waitUntil(lambda: list(chips_of(panel)) == ["For Anna"] and panel.suggested() == ["Anything"])
    buttons = {each.accessibleName(): each for each in panel.findChildren(IconButton)}
    chip = chips_of(panel)["For Anna"]
    stage.setFocus()
    qtbot.keyClick(stage, Qt.Key.Key_Right)
    for key in (Qt.Key.Key_A, Qt.Key.Key_R):
        qtbot.keyClick(stage, key)
    for button in (buttons["It belongs to Anything"], panel.heart, panel.stars):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton, pos=chip._cross().center())
    assert not window._jobs.is_changing
    qtbot.waitUntil(lambda: chips_of(panel) == {})
    qtbot.keyClick(stage, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: library.tags.marks([second])[second].tags == (("Anything", "accepted"),))
    assert dict(library.tags.marks([first])[first].tags) == {"Anything": "suggested", "For Anna": "accepted"}
    window.frame.toggle_details()
    window.pages.close_viewer()
