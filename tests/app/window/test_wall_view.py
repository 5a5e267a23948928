"""The wall under mouse and keys: where photos lie, and what moves."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication
from tests.app.window.conftest import calls_of, turn_wheel

from picsight.window.grid.photo_painter import circle_zone
from picsight.window.grid.sections.geometry import LAID_AT_ONCE
from picsight.window.grid.wall import Wall
from picsight_engine.tags.tree import Marks

LEFT = Qt.MouseButton.LeftButton


def current(view):
    return view.currentIndex().row()


def choose(view, row):
    view.setCurrentIndex(view.model().index(row, 0))


def rect(view, row):
    return view.visualRect(view.model().index(row, 0))


def test_a_change_of_photos_is_painted_at_once(qtbot, wall_view):
    view = wall_view(9)

    def shows_all():
        return view.screen().grabWindow(view.winId()).toImage() == view.grab().toImage()

    qtbot.waitUntil(shows_all)
    view.model().show_offline([Path("/photos")])
    assert not shows_all()
    qtbot.waitUntil(shows_all)


def test_arrows_walk_and_lines_are_crossed_to_the_nearest_photo(qtbot, wall_view):
    view = wall_view(40)
    choose(view, 0)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert current(view) == 2
    above = view.visualRect(view.currentIndex())
    qtbot.keyClick(view, Qt.Key.Key_Down)
    below = view.visualRect(view.currentIndex())
    assert below.top() > above.bottom()
    assert abs(below.center().x() - above.center().x()) < above.width()
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert current(view) == 2
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert current(view) == 1


def test_home_end_and_pages_reach_the_ends_and_bring_them_into_sight(qtbot, wall_view):
    view = wall_view(300)
    choose(view, 0)
    qtbot.keyClick(view, Qt.Key.Key_PageDown)
    assert 5 < current(view) < 60
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert current(view) == 299
    assert view.viewport().rect().contains(view.visualRect(view.currentIndex()))
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert current(view) == 0
    assert view.at_top()


def test_shift_selects_in_reading_order_from_where_one_was(qtbot, wall_view):
    view = wall_view(40)
    choose(view, 1)
    for _ in range(3):
        qtbot.keySequence(view, "Shift+Right")
    assert [photo.id for photo in view.selected_photos()] == [1, 2, 3, 4]
    target = rect(view, 9).center()
    qtbot.mouseClick(view.viewport(), LEFT, Qt.KeyboardModifier.ShiftModifier, target)
    assert [photo.id for photo in view.selected_photos()] == list(range(1, 10))


def test_a_mouse_that_trembles_on_a_circle_changes_nothing_else(qtbot, wall_view):
    view = wall_view(40)
    dragged = []
    view.startDrag = dragged.append
    qtbot.mouseClick(view.viewport(), LEFT, pos=rect(view, 1).center())
    for row in (0, 2, 4):
        point = circle_zone(rect(view, row), view).center()
        qtbot.mousePress(view.viewport(), LEFT, pos=point)
        for step in (1, 2):
            qtbot.mouseMove(view.viewport(), point + QPoint(step, 0))
        qtbot.mouseRelease(view.viewport(), LEFT, pos=point + QPoint(2, 0))
    assert ([photo.id for photo in view.selected_photos()], dragged) == ([0, 1, 2, 4], [])
    end = rect(view, 1).center()
    qtbot.mousePress(view.viewport(), LEFT, pos=QPoint(2, 2))
    for point in (QPoint(60, 60), end):
        qtbot.mouseMove(view.viewport(), point)
    qtbot.mouseRelease(view.viewport(), LEFT, pos=end)
    assert [photo.id for photo in view.selected_photos()] == [0, 1]  # and the next press draws a rubber band


def test_everything_is_selected_and_deselected_again_by_key(qtbot, wall_view):
    view = wall_view(40)
    with qtbot.waitSignal(view.selection_counted) as counted:
        qtbot.keySequence(view, "Ctrl+A")
    assert counted.args == [40]
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.selected_count() == 0
    with qtbot.waitSignal(view.left):
        qtbot.keyClick(view, Qt.Key.Key_Escape)


@pytest.mark.parametrize(
    ("key", "signal"),
    [("Return", "open_requested"), ("Ctrl+L", "similar_requested"), ("Ctrl+Shift+L", "unlike_requested")],
)
def test_enter_opens_and_ctrl_l_asks_for_photos_like_the_current_one(qtbot, wall_view, key, signal):
    view = wall_view(10)
    choose(view, 3)
    view.clearSelection()
    with qtbot.waitSignal(getattr(view, signal)) as requested:
        qtbot.keySequence(view, key)
    assert requested.args == [3]


def test_letters_and_digits_are_meant_for_the_box(qtbot, wall_view):
    view = wall_view(10)
    typed, alike = [], []
    view.typed.connect(typed.append)
    view.similar_requested.connect(alike.append)
    choose(view, 3)
    qtbot.keyClicks(view, "flower x4?")
    qtbot.keySequence(view, "Ctrl+B")
    assert ("".join(typed), alike) == ("flowerx4?", [])
    assert (current(view), view.selected_count()) == (3, 1)


def test_without_a_current_photo_end_is_the_last_one_and_an_arrow_begins_where_one_looks(qtbot, wall_view):
    view = wall_view(300)
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert current(view) == 299
    view.setCurrentIndex(QModelIndex())
    seen = view.indexAt(view.viewport().rect().center()).row()
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert 200 < current(view) <= seen
    assert view.viewport().rect().intersects(view.visualRect(view.currentIndex()))


@pytest.mark.parametrize("reason", [QContextMenuEvent.Reason.Mouse, QContextMenuEvent.Reason.Keyboard])
def test_a_photo_has_a_menu_and_a_gap_has_none(wall_view, reason):
    view = wall_view(10)
    choose(view, 2)
    asked = []
    view.menu_requested.connect(asked.append)
    by_mouse = reason == QContextMenuEvent.Reason.Mouse
    for point in (QPoint(1, 1), view.visualRect(view.currentIndex()).center()):
        QApplication.sendEvent(view.viewport(), QContextMenuEvent(reason, point, view.mapToGlobal(point)))
    assert len(asked) == (1 if by_mouse else 2)
    place = view.viewport().mapFromGlobal(asked[-1])
    assert view.indexAt(place).row() == 2


def test_a_double_click_opens_the_photo(qtbot, wall_view):
    view = wall_view(10)
    with qtbot.waitSignal(view.open_requested) as opened:
        qtbot.mouseDClick(view.viewport(), LEFT, pos=rect(view, 2).center())
    assert opened.args == [2]


def test_a_new_width_keeps_the_photo_that_is_looked_at_where_it_is(qtbot, wall_view):
    view = wall_view(300)
    choose(view, 150)
    before = view.visualRect(view.currentIndex()).top()
    view.resize(640, 600)
    assert view.visualRect(view.currentIndex()).top() == before


def test_ctrl_and_the_wheel_size_the_rows_around_the_pointer(wall_view):
    view = wall_view(300)
    view.verticalScrollBar().setValue(900)
    point = view.visualRect(view.indexAt(QPoint(300, 250))).center()
    under, height = view.indexAt(point).row(), view.row_height()
    top = rect(view, under).top()
    turn_wheel(view.viewport(), point, 1, Qt.KeyboardModifier.ControlModifier)
    assert view.row_height() > height
    assert rect(view, under).top() == top


def test_photos_that_are_appended_move_nothing(wall_view, photos):
    view = wall_view(60)
    view.verticalScrollBar().setValue(200)
    before = [rect(view, row) for row in range(50)]
    view.grow(Wall.from_results(photos(90)))
    assert view.model().rowCount() == 90
    assert [rect(view, row) for row in range(50)] == before


def test_the_same_answer_asked_again_keeps_selection_current_photo_and_height(wall_view, photos):
    view = wall_view(300)
    choose(view, 150)
    view.selectionModel().select(view.model().index(152, 0), QItemSelectionModel.SelectionFlag.Select)
    before = view.visualRect(view.currentIndex()).top()
    view.show_wall(Wall.from_results(photos(280, first=20)), stay=True)
    assert view.current_photo().id == 150
    assert [photo.id for photo in view.selected_photos()] == [150, 152]
    assert view.visualRect(view.currentIndex()).top() == before


def test_another_arrangement_of_many_selected_photos_selects_them_in_as_few_ranges_as_they_lie(
    wall_view, photos
):
    view = wall_view(300)
    view.selectAll()
    view.selectionModel().select(view.model().index(120, 0), QItemSelectionModel.SelectionFlag.Deselect)
    view.show_wall(Wall.from_results(photos(300)[::-1]), stay=True)
    assert [photo.id for photo in view.selected_photos()] == [row for row in range(299, -1, -1) if row != 120]
    assert view.selected_count() == 299
    assert len(view.selectionModel().selection()) == 2  # one a photo would stop the window for seconds


def test_a_key_with_all_photos_selected_visits_none_of_them(qtbot, wall_view):
    view = wall_view(3000)
    view.selectAll()
    view.selectionModel().select(view.model().index(7, 0), QItemSelectionModel.SelectionFlag.Deselect)
    assert calls_of(lambda: qtbot.keyClick(view, Qt.Key.Key_Shift)) < 1000
    assert calls_of(view.selected_photos) < 1000
    assert [photo.id for photo in view.selected_photos()] == [row for row in range(3000) if row != 7]


def test_one_comes_back_to_where_one_was(wall_view, photos):
    view = wall_view(300)
    choose(view, 150)
    place = view.place()
    view.show_wall(Wall.from_results(photos(40)))
    view.show_wall(Wall.from_results(photos(300)))
    view.return_to(place)
    assert view.place() == place


def test_right_to_left_the_first_photo_lies_at_the_right(wall_view):
    view = wall_view(30)
    view.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    first, second = (rect(view, row) for row in (0, 1))
    assert first.left() > second.right()
    assert view.indexAt(first.center()).row() == 0


def test_a_hundred_thousand_photos_show_at_once_and_are_laid_out_whole_a_moment_later(
    qtbot, wall_view, photos
):
    view = wall_view(10)
    view.show_wall(Wall.from_results(photos(100_000)))
    last = view.model().index(99_999, 0)
    assert view.visualRect(view.model().index(LAID_AT_ONCE - 100, 0)).isValid()
    assert not view.visualRect(last).isValid()
    qtbot.waitUntil(lambda: view.visualRect(last).isValid())
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert view.viewport().rect().contains(view.visualRect(last))


def test_stars_hearts_and_kinds_of_photos_are_painted_differently(wall_view, photos):
    view = wall_view(12)
    photo, corner = view.model().photo(0).id, rect(view, 0)
    corner.setTop(corner.center().y())
    seen = []
    for favourite, stars in (*itertools.product((False, True), (0, 4, -1)), (True, 5)):
        view.model().put_marks({photo: Marks(stars or None, favourite=favourite, tags=())})
        seen.append(view.viewport().grab(corner).toImage())
    first, *others = photos(12)
    film = {"duration": 90.0}
    for other in ({"companions": ("RAW",)}, film, {**film, "moment": 42.0}, {"is_live": True}):
        view.show_wall(Wall.from_results([replace(first, **other), *others]))
        seen.append(view.viewport().grab(corner).toImage())
    assert all(one != other for one, other in itertools.combinations(seen, 2))
