"""The whole window on a real library of real photos, from the first minute on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QFileDialog,
    QListView,
    QPushButton,
    QSplitter,
    QTreeView,
)
from tests.app.conftest import PATIENCE
from tests.app.window.conftest import (
    carrying,
    choose_in_menu,
    drop,
    names,
    open_window,
    stored_settings,
    tabbed,
    wait_for_photos,
    wait_for_status,
    wait_until_indexed,
    words_in,
)

from picsight.settings import Settings, SettingsStore
from picsight.window.grid.arrangement import Order
from picsight.window.grid.wall import Wall
from picsight.window.parts.focus import tab_stops
from picsight.window.search import contents
from picsight.window.search.place import Place
from picsight.window.session.overview import LibrarySetup
from picsight.window.shell.main_window import MainWindow
from picsight.window.sidebar.model import ENTRY
from picsight.window.sidebar.tree import zones
from picsight.window.tokens import em, tones
from picsight_engine.installation.model_choice import ModelChoice


@pytest.fixture(scope="module")
def shared_window(qapp, bundle, large_library, tmp_path_factory):
    """One window for all tests that only look."""
    folder = shutil.copytree(large_library, tmp_path_factory.mktemp("shared") / "library")
    with open_window(folder, bundle, Settings()) as window:
        yield window


@pytest.fixture
def window(shared_window, qtbot):
    """The window with all photos on its wall, none of them chosen."""
    shared_window.resize(1100, 700)
    shared_window.frame.sidebar.show()
    shared_window.activateWindow()
    shared_window.pages.go(Place())
    qtbot.waitUntil(lambda: shared_window.search.place == Place())  # not the last test's search any more
    shared_window.frame.grid.setCurrentIndex(QModelIndex())
    shared_window.frame.grid.clearSelection()
    wait_for_photos(qtbot, shared_window, 24)
    wait_until_indexed(qtbot, shared_window)
    return shared_window


def totals(window):
    """How many photos there are, by sidebar, status line and header: one number where they agree."""
    frame = window.frame
    sidebar = frame.sidebar.findChild(QTreeView).model().index(0, 0).data(ENTRY).count
    words = frame.wall_page.header.title.text(), frame.status._photos.text()
    return {sidebar, *(int("".join(filter(str.isdigit, each))) for each in words)}


def wait_for_words(qtbot, window, words):
    qtbot.waitUntil(lambda: window.search.place.words == words)


def test_tab_reaches_every_control_in_reading_order_and_shows_it(qtbot, window):
    frame, line = window.frame, window.frame.box.line
    window.pages.go(Place("face -people"))
    fold, grid = frame.grid.fold, frame.grid
    qtbot.waitUntil(fold.isVisible)
    window.resize(700, 440)
    grid.set_row_height(24)
    qtbot.waitUntil(lambda: fold.y() > grid.viewport().height())
    line.setFocus()
    reached = []
    while not reached or reached[-1] is not line:
        reached.append(tabbed(window))
        if reached[-1] is fold:
            assert grid.viewport().rect().contains(fold.geometry())
    assert [widget.accessibleName() or widget.text() for widget in reached] == [
        "Filter: Less people, removable", "Save this search (Ctrl+S)", "Clear", "Details (Ctrl+I)",
        "Sort: Match", "Size of photos", "Photos", fold.text(), "Sidebar (F9)", "Search photos",
    ]  # fmt: skip
    frame.details_button.setFocus()
    assert tabbed(window, Qt.Key.Key_Backtab).accessibleName() == "Clear"
    grid.set_row_height(Settings().row_height)


def test_photos_of_an_emptied_folder_stay_until_their_absence_is_confirmed(
    qtbot, model_window, real_photos, tmp_path
):
    album = tmp_path / "album"
    (album / "trip").mkdir(parents=True)
    for number, path in enumerate(sorted(real_photos.iterdir())[:5]):
        shutil.copy(path, album / ("trip" if number < 2 else "") / path.name)
    window = model_window([album])
    wait_for_photos(qtbot, window, 5)
    qtbot.waitUntil(lambda: not window.library.is_indexing)
    for path in (album / "trip").iterdir():
        path.unlink()
    with qtbot.waitSignal(window.library.indexing_ended):
        window.library.index()
    status = window.frame.status
    assert '2 photos are missing from "trip"' in status.words()
    model = window.frame.model
    qtbot.waitUntil(lambda: sum(model.is_offline(model.photo(row)) for row in range(5)) == 2)
    assert len(names(window)) == 5
    qtbot.press(status, "They are gone")
    qtbot.answer(window, "They are gone")
    wait_for_photos(qtbot, window, 3)
    qtbot.waitUntil(lambda: not window.library.is_indexing)
    assert "missing" not in status.words()


def test_undo_brings_a_removed_folder_back_with_its_stars_and_a_removed_one_is_not_reported_as_missing(
    qtbot, model_window, real_photos, tmp_path
):
    for name, path in zip(("one", "two"), sorted(real_photos.iterdir()), strict=False):
        (tmp_path / name).mkdir()
        shutil.copy(path, tmp_path / name)
    window = model_window([tmp_path / "one", tmp_path / "two"])
    wait_for_photos(qtbot, window, 2)
    qtbot.waitUntil(lambda: not window.library.is_indexing)
    library, before = window.tags.library, names(window)
    (rated,) = [photo.id for photo in window.frame.model.wall.results if photo.path.parent.name == "two"]
    library.tags.rate([rated], 4)
    window.pages.go(Place(folder=tmp_path / "two"))
    wait_for_photos(qtbot, window, 1)
    window.library_pages._confirm_removal(tmp_path / "two")
    box = qtbot.question(window)
    assert "“two”" in box.text()
    assert "tags, stars and albums are kept for 30 days" in box.informativeText()
    qtbot.press(box, "Remove")
    qtbot.waitUntil(lambda: names(window) == [path.name for path in (tmp_path / "one").iterdir()])
    assert window.search.place == Place()
    assert "Removed" in window.frame.status.words()
    with qtbot.waitSignal(window.library.indexing_ended):
        window.history.undo()
    qtbot.waitUntil(lambda: names(window) == before)
    assert library.tags.rating(rated) == 4
    window.frame.status._expire()
    for path in (tmp_path / "one").iterdir():
        path.unlink()
    with qtbot.waitSignal(window.library.indexing_ended):
        window.library.index()
    assert '1 photo is missing from "one"' in window.frame.status.words()
    window.library.removal(tmp_path / "one")[0](lambda _done: None)
    wait_for_photos(qtbot, window, 1)
    qtbot.waitUntil(lambda: "missing" not in window.frame.status.words())
    assert window.library.emptied == ()


def test_a_new_library_shows_the_first_page_and_indexes_a_dropped_folder(qtbot, model_window, few_photos):
    window = model_window()
    page = window.frame.first_run
    for leave in (window.tag_pages.show, window.pages.show_problems):
        leave()
        assert window.frame.page is not page
        window.pages.back()
        assert window.frame.page is page
    with qtbot.waitSignal(window.library.indexing_ended):
        assert drop(window.frame, carrying(few_photos))
    wait_for_photos(qtbot, window, 3)
    assert "ready" in window.frame.status.words()
    assert window.frame.page is window.frame.wall_page
    assert window.focusWidget() is window.frame.box.line


def test_words_find_photos_and_every_cell_gets_its_picture(qtbot, window):
    qtbot.keyClicks(window.frame.box.line, "an animal")
    wait_for_words(qtbot, window, "an animal")
    assert 0 < len(names(window)) < 24
    seen = window.frame.model.wall.results[:5]
    qtbot.waitUntil(lambda: all(window.frame.thumbnails.pixmap(photo.id) for photo in seen))


def test_a_photo_opens_in_the_viewer_and_escape_returns_to_the_wall(qtbot, window):
    grid, viewer = window.frame.grid, window.frame.viewer_page
    grid.setCurrentIndex(grid.model().index(0, 0))
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert window.frame.page is viewer
    qtbot.waitUntil(lambda: not viewer.stage.image_size().isEmpty())
    qtbot.keyClick(viewer.stage, Qt.Key.Key_Right)
    qtbot.keyClick(viewer.stage, Qt.Key.Key_Escape)
    assert window.frame.page is window.frame.wall_page
    assert grid.currentIndex().row() == 1


def test_more_like_this_shows_the_photo_itself_and_then_those_nearest_to_it(qtbot, window, monkeypatch):
    monkeypatch.setattr(contents, "NEAREST", 11)
    grid, header, library = window.frame.grid, window.frame.wall_page.header, window.tags.library
    grid.setFocus()
    photo = next(each for each in window.frame.model.wall.results if each.path.name == "IMG_0001.jpg")
    grid.setCurrentIndex(grid.model().index(window.frame.model.wall.rows[photo.id], 0))
    qtbot.keySequence(grid, "Ctrl+L")
    wait_for_photos(qtbot, window, 12)
    nearest = [each.id for each in library.similar(photo.id, limit=11).results]
    assert [each.id for each in window.frame.model.wall.results] == [photo.id, *nearest]
    assert header.title.text().endswith("the best 11 of 23 photos")
    with qtbot.waitSignal(window.search.place_changed):
        header.order_chosen.emit(Order.FOLDER)
    assert sorted(names(window)) == names(window)
    assert set(window.frame.model.wall.rows) == {photo.id, *nearest}
    assert not header.order.isHidden()
    qtbot.keyClick(grid, Qt.Key.Key_Escape)
    wait_for_photos(qtbot, window, 24)
    window.frame.box.put(f"like:{photo.path}")
    qtbot.waitUntil(lambda: window.search.place.words.startswith("like:/"))
    assert photo.id not in window.frame.model.wall.rows


def test_a_problem_is_ignored_restored_and_tried_again(qtbot, model_window, bundle, real_photos, tmp_path):
    album = tmp_path / "album"
    album.mkdir()
    good, limit = sorted(real_photos.iterdir())[:2]
    shutil.copy(good, album)
    whole = limit.read_bytes()
    (album / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    window = model_window([album])
    qtbot.waitUntil(lambda: window.frame.problems_model.total() == 1)
    qtbot.waitUntil(lambda: not window.library.is_indexing)
    stamp = (album / "cut.jpg").stat()
    (problem,) = window.frame.problems_model.shown()
    window.frame.problems.ignore_requested.emit((problem,))
    qtbot.waitUntil(lambda: window.frame.problems_model.total() == 0)
    assert window.frame.status.words() == "Ignored 1 file."
    window.frame.status._button.click()
    qtbot.waitUntil(lambda: window.frame.problems_model.total() == 1)
    (album / "cut.jpg").write_bytes(whole[: stamp.st_size // 3].ljust(stamp.st_size, b"x"))
    os.utime(album / "cut.jpg", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    window.frame.problems.retry_requested.emit((problem,))
    qtbot.waitUntil(lambda: [each.tries for each in window.library.overview.problems] == [2])


def test_the_list_of_problems_hides_the_words_of_a_search_and_restores_them(qtbot, window):
    qtbot.keyClicks(window.frame.box.line, "an animal")
    wait_for_words(qtbot, window, "an animal")
    window.frame.sidebar.problems_requested.emit()
    assert [each.path.name for each in window.frame.problems_model.shown()] == ["broken.jpg"]
    assert window.frame.box.text() == ""
    qtbot.keyClick(window.frame.problems.table, Qt.Key.Key_Escape)
    assert window.frame.box.text() == "an animal"
    assert window.search.place.words == "an animal"


def test_the_keyboard_moves_from_the_box_to_the_shown_page(qtbot, window):
    frame, pages = window.frame, window.pages
    qtbot.keyClicks(frame.box.line, "ai")  # too few letters to ask
    qtbot.keyClick(frame.box.line, Qt.Key.Key_Down)
    assert (frame.box.text(), window.focusWidget()) == ("ai", frame.grid)
    pages.go(Place())
    pages.open_photo(3)
    pages.find()
    qtbot.keyClick(frame.box.line, Qt.Key.Key_Escape)
    assert (frame.page, window.focusWidget()) == (frame.viewer_page, frame.viewer_page.stage)
    pages.go(Place("airplane"))
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Down):
        for leave in (lambda: pages.open_photo(3), pages.show_problems):
            leave()
            pages.find()
            qtbot.keyClick(frame.box.line, key)
            assert (frame.page, window.focusWidget()) == (frame.wall_page, frame.grid)
            assert frame.box.text() == "airplane"


def test_letters_typed_on_the_wall_begin_a_search(qtbot, window):
    window.frame.box.line.setText("old words")
    window.frame.grid.setFocus()
    qtbot.keyClicks(window.frame.grid, "l")
    qtbot.keyClicks(window.frame.box.line, "ion ")
    wait_for_words(qtbot, window, "lion")


def test_the_menu_distinguishes_one_photo_from_the_selection(qtbot, window):
    grid = window.frame.grid
    grid.setCurrentIndex(grid.model().index(0, 0))
    window.photos.show_menu(QPoint(10, 10))
    words = choose_in_menu(window)
    assert words[:5] == ["Open", "Open with…", "Show in folder", "More like this", "Less like this"]
    assert words[-1] == "Move to trash"
    qtbot.keySequence(grid, "Shift+Right")
    window.photos.show_menu(QPoint(10, 10))
    words = choose_in_menu(window)
    assert (words[0], words[7], words[-1]) == ("Open this photo", "Tag 2 photos…", "Move 2 photos to trash")


def test_the_menu_of_the_viewer_acts_on_the_shown_photo_although_the_wall_lacks_it(qtbot, window):
    window.pages.open_photo(3)
    photo, others = window.viewer.photo, window.frame.model.wall.results[4:]
    window.frame.grid.show_wall(Wall.from_results(()), stay=True)
    window.photos.show_menu(QPoint(10, 10))
    assert "Show in folder" in choose_in_menu(window)
    window.frame.grid.show_wall(Wall.from_results(others), stay=True)
    window.frame.grid.setCurrentIndex(window.frame.model.index(0))
    window.photos.show_menu(QPoint(10, 10))
    choose_in_menu(window, "More like this")
    wait_for_words(qtbot, window, f"like:#{photo.id}")


def test_without_a_file_browser_the_path_of_a_folder_is_shown(
    model_window, few_photos, small_library, monkeypatch
):
    window = model_window(copy=small_library)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: False)
    window.library_pages._show_folder_menu(few_photos, QPoint(10, 10))
    choose_in_menu(window, "Open the folder")
    assert f"\u2068{few_photos}\u2069" in window.frame.status.words()


def test_the_sidebar_counts_photos_and_leads_into_the_folders(qtbot, model_window, few_photos, tmp_path):
    album = tmp_path / "album"
    for place, path in zip(("Lisbon/Day 1", "Lisbon", "Garden"), sorted(few_photos.iterdir()), strict=True):
        (album / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, album / place)
    (tmp_path / "Invoices").mkdir()
    window = model_window([album, tmp_path / "Invoices"])
    tree = window.frame.sidebar.findChild(QTreeView)

    def lines(parent):
        model = tree.model()
        for row in range(model.rowCount(parent)):
            index = model.index(row, 0, parent)
            yield index.data(Qt.ItemDataRole.AccessibleTextRole), list(lines(index))

    wanted = [
        ("All photos, 3", []),
        ("People", []),
        ("Tags", []),
        ("New tag…, Make a tag from a few words or photos.", []),
        ("Folders", []),
        ("album, 3", [("Garden, 1", []), ("Lisbon, 2", [("Day 1, 1", [])])]),
        ("Invoices, no photos", []),
    ]
    qtbot.waitUntil(lambda: list(lines(QModelIndex())) == wanted)
    lisbon = tree.model().index(1, 0, tree.model().index(5, 0))
    place = tree.visualRect(lisbon)
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=zones(place, lisbon, tree).sign.center())
    assert tree.isExpanded(lisbon)
    assert window.search.place.folder is None
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place.center())
    wait_for_photos(qtbot, window, 2)
    assert tree.currentIndex() == lisbon


def copied_files():
    return [Path(url.toLocalFile()) for url in QGuiApplication.clipboard().mimeData().urls()]


def test_copied_photos_are_addresses_on_the_clipboard(qtbot, window):
    grid = window.frame.grid
    grid.setCurrentIndex(grid.model().index(0, 0))
    qtbot.keySequence(grid, "Ctrl+C")
    assert copied_files() == [grid.current_photo().path]
    window.pages.open_photo(2)
    qtbot.keySequence(window.frame.viewer_page.stage, "Ctrl+C")
    assert copied_files() == [window.frame.model.photo(2).path]


def test_a_run_can_be_paused_and_resumed_to_its_end(qtbot, model_window, few_photos, gated_jobs):
    gated_jobs.gate.clear()
    window = model_window([few_photos], jobs=gated_jobs)
    qtbot.waitUntil(lambda: window.frame.status.words().startswith("Indexing"))
    window.frame.status.pause_requested.emit()
    assert window.frame.status.words().startswith("Paused")
    with qtbot.waitSignal(window.library.indexing_ended):
        gated_jobs.gate.set()
    assert not window.library.is_scanned
    window.frame.status.resume_requested.emit()
    wait_for_photos(qtbot, window, 3)
    wait_until_indexed(qtbot, window)


def test_a_folder_that_is_added_during_a_run_is_read_before_the_run_ends(
    qtbot, model_window, real_photos, tmp_path, gated_jobs
):
    gated_jobs.gate.clear()
    window = model_window([real_photos], jobs=gated_jobs)
    qtbot.waitUntil(lambda: window.frame.status.words().startswith("Indexing"))
    (tmp_path / "New").mkdir()
    known = Path(__file__).resolve().parents[3] / "assets" / "known"
    shutil.copyfile(next(known.glob("*.jpg")), tmp_path / "New" / "newest.jpg")
    window.library.add_folders([tmp_path / "New"])
    qtbot.waitUntil(lambda: len(window.library.overview.folders) == 2)
    gated_jobs.gate.set()
    wait_for_photos(qtbot, window, 25)
    wait_until_indexed(qtbot, window)
    ids = {photo.path.name: photo.id for photo in window.frame.model.wall.results}
    assert ids["newest.jpg"] < max(ids.values())  # ids are given as photos are read


def test_during_a_run_sidebar_header_and_status_line_agree_on_the_number_of_photos(
    qtbot, model_window, real_photos, small_library, tmp_path
):
    (tmp_path / "more").mkdir()
    for photo in sorted(real_photos.iterdir())[3:6]:
        shutil.copy(photo, tmp_path / "more")
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    wait_for_photos(qtbot, window, 3)
    seen = []
    window.library.photos_committed.connect(lambda: seen.append(totals(window)))
    with qtbot.waitSignal(window.library.photos_committed):
        window.library.add_folders([tmp_path / "more"])
    assert all(len(numbers) == 1 and min(numbers) > 3 for numbers in seen)


def test_a_library_without_photos_says_so_after_its_first_run(qtbot, model_window, tmp_path):
    empty = tmp_path / "Invoices"
    empty.mkdir()
    window = model_window([empty])
    notice = window.frame.wall_page.notice
    qtbot.waitUntil(lambda: "No photos were found in your folders." in notice.words())
    assert "Choose another folder…" in [button.text() for button in notice.findChildren(QPushButton)]


def test_a_folder_of_unreadable_files_leads_to_their_problems(qtbot, model_window, tmp_path):
    for name in ("one.jpg", "two.jpg"):
        (tmp_path / name).write_bytes(b"")
    window = model_window([tmp_path])
    notice = window.frame.wall_page.notice
    qtbot.waitUntil(lambda: "2 files cannot be read." in notice.words())
    qtbot.press(notice, "Show problems")
    assert window.frame.page is window.frame.problems
    model = window.frame.problems.table.model()
    assert model.index(0, 0).data().startswith("The file is empty.")


def test_a_folder_without_photos_says_so_although_others_have_some(
    qtbot, model_window, small_library, tmp_path
):
    (tmp_path / "Invoices").mkdir()
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    window.library.add_folders([tmp_path / "Invoices"])
    wait_for_status(qtbot, window, "No photos in")
    assert "Invoices" in window.frame.status.words()
    qtbot.waitUntil(lambda: not window.library.is_indexing)
    window.pages.go(Place(folder=tmp_path / "Invoices"))
    notice = window.frame.wall_page.notice
    qtbot.waitUntil(lambda: "No photos in" in notice.words())
    assert "appear" not in notice.words()
    assert [button.text() for button in notice.findChildren(QPushButton)] == ["Choose another folder…"]


def test_a_folder_that_is_added_during_a_run_is_called_empty_only_after_the_next_run(
    qtbot, model_window, few_photos, tmp_path
):
    one, two = tmp_path / "One", tmp_path / "Two"
    one.mkdir()
    two.mkdir()
    first, second, _ = sorted(few_photos.iterdir())
    shutil.copy(first, one)
    window = model_window([one])
    library, messages = window.library, set()
    library.indexing_ended.connect(lambda: shutil.copy(second, two))
    library.add_folders([two])

    def has_both():
        messages.add(window.frame.status.words())
        return len(names(window)) == 2 and not library.is_indexing

    qtbot.waitUntil(has_both)
    assert not [words for words in messages if "No photos in" in words]


def test_several_folders_are_chosen_at_once(qtbot, model_window, few_photos, tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / "albums" / name).mkdir(parents=True)
        shutil.copy(next(few_photos.iterdir()), tmp_path / "albums" / name)
    window = model_window()
    window.library_pages.choose_folders()
    dialog = window.findChild(QFileDialog)
    dialog.setDirectory(str(tmp_path / "albums"))
    listed, flag = dialog.findChild(QListView, "listView"), QItemSelectionModel.SelectionFlag
    qtbot.waitUntil(lambda: listed.model().rowCount(listed.rootIndex()) == 3)
    for row in range(3):
        index = listed.model().index(row, 0, listed.rootIndex())
        if index.data() != "three":
            listed.selectionModel().select(index, flag.Select | flag.Rows)
    dialog.accept()
    qtbot.waitUntil(
        lambda: {folder.path.name for folder in window.library.overview.folders} == {"one", "two"}
    )


def test_a_file_that_is_no_library_is_refused_in_one_sentence_and_left_alone(model_window, tmp_path):
    file = tmp_path / "library" / "library.db"
    file.parent.mkdir()
    file.write_bytes(os.urandom(8192))
    before = file.read_bytes()
    failure = model_window(fails=True).frame.failure
    assert failure.isVisible()
    assert "library" in failure.words()
    model_window.close()
    file.rename(file.with_name("photo.jpg"))
    assert "A library needs a folder of its own" in model_window(fails=True).frame.failure.words()
    model_window.close()
    assert [(each.name, each.read_bytes()) for each in file.parent.iterdir()] == [("photo.jpg", before)]


def test_a_narrow_window_puts_the_sidebar_away_and_a_wide_one_brings_it_back(window):
    assert window.frame.sidebar.isVisible()
    window.resize(window.minimumWidth(), 600)
    assert not window.frame.sidebar.isVisible()
    window.frame.toggle_sidebar()  # and at a person's word it has the width that it had
    assert window.frame.sidebar.width() == round(window.frame.sidebar_width * em(window.frame))
    window.frame.toggle_details()  # there is room for one of them
    assert window.frame.details.width() >= 16 * em(window.frame)
    assert not window.frame.sidebar.isVisible()
    window.resize(1100, 700)
    assert window.frame.sidebar.isVisible()
    assert window.frame.details.isVisible()
    window.frame.show_page(window.frame.problems)
    assert not window.frame.details.isVisible()


def test_a_window_that_was_larger_than_the_screen_fits_it_and_its_viewer_is_dark(
    qtbot, bundle, jobs, tmp_path
):
    place = LibrarySetup(tmp_path, lambda: ModelChoice(bundle, bundle))
    window = MainWindow(
        place, stored_settings(tmp_path, Settings(window_width=9000, window_height=9000)), jobs
    )
    qtbot.addWidget(window)
    room = window.screen().availableSize()
    assert window.width() <= room.width()
    assert window.height() < room.height()  # the system adds a title
    first = MainWindow(place, stored_settings(tmp_path, Settings()), jobs)
    qtbot.addWidget(first)
    assert first.width() >= min(60 * em(first), room.width())  # with the sidebar
    page = window.frame.viewer_page
    assert max(tones(each).window.lightnessF() for each in (page, page.strip)) < 0.2
    assert page.autoFillBackground()


def test_what_is_arranged_is_stored_and_what_another_window_stored_stays(
    qtbot, model_window, large_library, tmp_path
):
    window, other = model_window(copy=large_library), SettingsStore(tmp_path / "library.toml")
    other.change(theme="light", better_models=False)
    splitter, unit = window.frame.findChild(QSplitter), em(window.frame)
    splitter.moveSplitter(18 * unit, 1)
    assert window.frame.sidebar.width() == 18 * unit
    splitter.moveSplitter(50 * unit, 1)
    assert window.frame.sidebar.width() == 22 * unit
    window.frame.toggle_sidebar()
    window.frame.toggle_details()
    splitter.moveSplitter(splitter.width() - 20 * unit - 1, 2)
    window.frame.grid.set_row_height(14)
    qtbot.waitUntil(lambda: other.read() or other.settings.row_height == 14)
    settings = other.settings
    assert (settings.theme, settings.better_models) == ("light", False)
    assert (settings.sidebar, settings.row_height, settings.window_width) == (False, 14, 1100)
    assert settings.sidebar_width == 22
    assert settings.details
    assert settings.details_width == pytest.approx(20, abs=0.2)


def test_settings_of_an_edited_file_apply_at_once_and_faults_are_named(
    qtbot, model_window, large_library, tmp_path
):
    window, file = model_window(copy=large_library), tmp_path / "library.toml"
    file.write_text('languages = "de"\nthme = "dark"\n')
    window.read_settings()
    assert window.photos.library.languages == ("de",)
    assert f"{file}, line 2: " in "".join(words_in(window.frame.status))


def test_a_window_with_an_unsaved_tag_asks_before_it_closes(qtbot, model_window, large_library):
    window = model_window(copy=large_library)
    window.tag_pages.new()
    studio = window.tag_pages.studio
    qtbot.keyClicks(studio.words.line, "ox")
    window.pages.show_photos()
    for words in ("Cancel", "Discard"):
        assert not window.close()
        assert window.frame.page is studio
        qtbot.answer(window, words)
        assert window.isVisible() == (words == "Cancel")


def test_every_control_has_a_name_for_a_screen_reader(window):
    pages, tags = window.pages, window.tag_pages
    for show in (tags.new, tags.show, pages.show_problems, partial(pages.open_photo, 0), pages.close_viewer):
        show()
        for control in {*tab_stops(window.frame), *window.findChildren(QAbstractButton)}:
            if control.isVisible() and not control.objectName().startswith("qt_"):
                assert control.accessibleName() or control.text(), control


def test_a_folder_that_cannot_be_added_or_restored_is_named_on_the_first_page(qtbot, model_window, tmp_path):
    window, gone = model_window(), tmp_path / "gone"
    for change in (
        partial(window.library.add_folders, [gone]),
        partial(window.library.step(lambda library: library.folders.add(gone)), lambda _done: None),
    ):
        with qtbot.waitSignal(window.library.notice_given) as notice:
            change()
        assert str(gone) in notice.args[0]
        assert window.frame.page is window.frame.first_run


@pytest.mark.skipif(sys.platform != "linux", reason="reads children where Linux tells them")
def test_ctrl_c_in_the_terminal_closes_the_window_and_its_processes_silently(small_library, tmp_path):
    shutil.copytree(small_library, tmp_path / "library")
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "picsight", "--library", str(tmp_path / "library")],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as program:  # fmt: skip
        children = Path(f"/proc/{program.pid}/task").glob("*/children")
        while program.poll() is None and sum(len(each.read_text().split()) for each in children) < 2:
            children = Path(f"/proc/{program.pid}/task").glob("*/children")
        os.killpg(program.pid, signal.SIGINT)
        out, err = program.communicate(timeout=PATIENCE / 1000)
    assert (program.returncode, out, err) == (0, "", "")
