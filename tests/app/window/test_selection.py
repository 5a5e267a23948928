"""The bar for a selection: where it lies, what it offers, what its keys do, and when they are letters of a search."""

from __future__ import annotations

import itertools
import os

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget
from tests.app.window.conftest import choose_in_menu, wait_for_photos, wait_for_status, wait_until_indexed

from picsight.window.controls.action import Action, bind_actions
from picsight.window.grid.page import WallPage


@pytest.fixture
def page(qtbot, wall_view):
    """A wall of twelve photos under its header, and four actions that note that they were done."""
    view = wall_view(12)
    page = WallPage(view)
    page.done = []
    actions = [
        Action(
            icon, icon.title(), f"{icon.title()} %n", key, lambda _point, icon=icon: page.done.append(icon)
        )
        for icon, key in (("open-with", ""), ("copy-path", "Ctrl+P"), ("export", "E"), ("trash", "Del"))
    ]
    page.header.selection.offer((actions[:3], actions[3:]))
    page.header.selection.cleared.connect(view.clearSelection)
    page.say("12 photos")
    qtbot.addWidget(page)
    page.resize(1000, 600)
    page.show()
    qtbot.waitExposed(page)
    return page


def select(view, *rows):
    for row in rows:
        view.selectionModel().select(view.model().index(row, 0), QItemSelectionModel.SelectionFlag.Select)


def test_the_bar_stands_beside_the_title_and_no_photo_moves(page, qtbot):
    view, bar = page.view, page.header.selection
    before, order = view.visualRect(view.model().index(5, 0)), page.header.slider.geometry()
    top = view.mapTo(page, QPoint(0, 0))
    assert not bar.isVisible()
    select(view, 0, 5)
    qtbot.waitUntil(bar.isVisible)
    title = page.header.title
    assert title.isVisible()
    assert title.width() >= title.fontMetrics().horizontalAdvance("12 photos")
    assert not title.geometry().intersects(bar.geometry())
    assert bar.offered() == ["Open-With", "Copy-Path (Ctrl+P)", "Export (E)", "Trash (Del)"]
    assert (view.visualRect(view.model().index(5, 0)), view.mapTo(page, QPoint(0, 0))) == (before, top)
    assert page.header.slider.geometry() == order
    qtbot.mouseClick(bar._clear, Qt.MouseButton.LeftButton)
    assert not bar.isVisible()
    assert page.header.title.isVisible()


def test_a_count_without_room_is_cut_at_its_end_since_its_last_digits_are_another_number(page):
    title, short = page.header.title, "The best 50 of 2,995 photos"
    cut = title.fontMetrics().elidedText(short, Qt.TextElideMode.ElideRight, title.width() // 8)
    title.setFixedWidth(title.width() // 8)
    title.say(f"Like IMG_1.jpg · {short}", short)
    shown = title.grab().toImage()
    title.say(cut)
    assert cut.startswith("The best")
    assert shown == title.grab().toImage()


@pytest.mark.parametrize("direction", list(Qt.LayoutDirection)[:2])
def test_acts_without_room_move_into_a_menu_and_none_is_cut(page, qtbot, direction):
    bar = page.header.selection
    page.setLayoutDirection(direction)
    select(page.view, 0)
    qtbot.waitUntil(bar.isVisible)
    for width in (1000, 420, 300, 240):
        page.resize(width, 600)
        qtbot.waitUntil(lambda width=width: page.width() == width)
        shown = [child for child in bar.children() if isinstance(child, QWidget) and child.isVisible()]
        assert all(bar.rect().contains(child.geometry()) for child in shown)
        places = sorted((child.geometry() for child in shown), key=lambda place: place.left())
        assert all(one.right() < other.left() for one, other in itertools.pairwise(places))
    hidden = 4 - len(bar.offered())
    assert hidden > 0
    qtbot.mouseClick(bar._more, Qt.MouseButton.LeftButton)
    (menu,) = bar.findChildren(QMenu)
    assert len(menu.actions()) == hidden
    menu.actions()[-1].trigger()
    menu.close()
    assert page.done == ["trash"]


def test_a_key_acts_only_while_its_widget_has_the_keyboard(page, qtbot):
    action = Action("export", "Export", "Export %n", "E", lambda _point: page.done.append("key"))
    bind_actions(page.view, [action], QPoint)
    page.view.setFocus()
    qtbot.keyClick(page.view, Qt.Key.Key_E)
    page.header.weaker.show()
    page.header.weaker.setFocus()
    qtbot.keyClick(page.header.weaker, Qt.Key.Key_E)
    assert page.done == ["key"]


@pytest.fixture
def window(model_window, small_library, qtbot):
    opened = model_window(copy=small_library)
    wait_for_photos(qtbot, opened, 3)
    wait_until_indexed(qtbot, opened)
    opened.frame.grid.setFocus()
    return opened


def test_each_action_of_the_bar_names_itself_and_its_key(window, qtbot):
    window.frame.grid.selectAll()
    bar = window.frame.wall_page.header.selection
    qtbot.waitUntil(bar.isVisible)
    names = [button.toolTip() for button in bar._buttons.values() if not button.isHidden()]
    assert names == bar.offered()
    keys = ("Ctrl+B", "Alt+0", "Ctrl+T", "Ctrl+Shift+O", "Ctrl+Shift+C", "Ctrl+Shift+E", "Del")
    for name, key in zip(names, keys, strict=True):
        assert QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) in name


def test_paths_go_to_the_clipboard_one_a_line_and_so_does_the_picture_itself(window, qtbot):
    grid = window.frame.grid
    grid.selectAll()
    qtbot.keySequence(grid, "Ctrl+Shift+C")
    paths = [str(photo.path) for photo in window.frame.model.wall.results]
    assert QGuiApplication.clipboard().text() == "\n".join(paths)
    grid.setCurrentIndex(window.frame.model.index(1))
    qtbot.keySequence(grid, "Ctrl+Alt+C")
    qtbot.waitUntil(lambda: not QGuiApplication.clipboard().image().isNull())
    photo = window.frame.model.photo(1)
    assert QGuiApplication.clipboard().image().size() == QSize(photo.width, photo.height)


def test_copies_are_exported_to_the_folder_that_is_chosen(window, qtbot, tmp_path):
    target = tmp_path / "For Anna"
    target.mkdir()
    window.frame.grid.selectAll()
    qtbot.keySequence(window.frame.grid, "Ctrl+Shift+E")
    dialog = window.findChild(QFileDialog)
    dialog.fileSelected.emit(str(target))
    dialog.close()
    wait_for_status(qtbot, window, "Copied 3 photos")
    originals = {photo.path.name: photo.path.read_bytes() for photo in window.frame.model.wall.results}
    assert {path.name: path.read_bytes() for path in target.iterdir()} == originals


def test_the_key_for_the_menu_selects_the_photo_with_the_keyboard_as_a_right_click_does(window, qtbot):
    grid = window.frame.grid
    grid.selectAll()
    grid.setCurrentIndex(grid.model().index(1, 0))
    grid.clearSelection()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
    QGuiApplication.sendEvent(grid.viewport(), event)
    assert "Move to trash" in choose_in_menu(window)
    assert grid.selected_photos() == [window.frame.model.photo(1)]


def test_the_menu_of_the_viewer_acts_on_the_shown_photo(window, qtbot):
    window.frame.grid.selectAll()
    window.pages.open_photo(1)
    stage = window.frame.viewer_page.stage
    middle = stage.viewport().rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, middle, stage.mapToGlobal(middle))
    QGuiApplication.sendEvent(stage.viewport(), event)
    words = choose_in_menu(window, "Favourite")
    assert "Open with…" in words
    assert "Open" not in words
    photo = window.viewer.photo.id
    qtbot.waitUntil(lambda: [each.accepted for each in window.tags.all] == [1])
    assert window.tags.library.tags.marks([photo])[photo].favourite


@pytest.mark.skipif(os.name != "posix", reason="Windows has its chooser")
def test_selected_photos_open_in_the_program_that_is_chosen(window, qtbot, tmp_path, monkeypatch):
    noted = tmp_path / "noted"
    entry = tmp_path / "data" / "applications" / "note.desktop"
    entry.parent.mkdir(parents=True)
    script = tmp_path / "note.sh"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {noted}.part\nmv {noted}.part {noted}\n')
    script.chmod(0o755)
    entry.write_text(f"[Desktop Entry]\nName=Note it\nExec={script} %F\nMimeType=image/jpeg;image/webp;\n")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    window.frame.grid.selectAll()
    qtbot.keySequence(window.frame.grid, "Ctrl+Shift+O")
    qtbot.waitUntil(lambda: any(menu.isVisible() for menu in window.findChildren(QMenu)))
    choose_in_menu(window, "Note it")
    qtbot.waitUntil(noted.exists)
    paths = [str(photo.path) for photo in window.frame.model.wall.results]
    assert noted.read_text().splitlines() == paths
