"""What stands between photos: headings over the right photos, the one that stays in sight, the scrubber, the fold, marks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt

from picsight.window.grid.arrangement import Arrangement, Group, Order, arrange_all, arrange_answer
from picsight.window.grid.photo_painter import plate_of

LEFT = Qt.MouseButton.LeftButton
MONTHS = [f"{year}-{month:02}" for year in (2024, 2023, 2022, 2021) for month in range(12, 0, -1)]


@pytest.fixture
def dated(photos):
    """Ten photos a month over four years, on two days each, newest first; the last five have no date."""
    made = photos(10 * len(MONTHS) + 5)
    taken = [f"{month}-{day}T10:00:00" for month in MONTHS for day in (21, 14) for _ in range(5)]
    return [replace(photo, taken=date) for photo, date in zip(made, [*taken, *[None] * 5], strict=True)]


@pytest.fixture
def by_date(wall_view, dated):
    view = wall_view(0)
    view.show_wall(arrange_all(dated, Arrangement()))
    return view


def rect(view, row):
    return view.visualRect(view.model().index(row, 0))


def test_the_heading_of_the_top_photos_stays_and_the_next_one_pushes_it_out(by_date):
    strip = by_date._strip
    assert strip.isHidden()  # the heading itself is in sight
    by_date.scrubber.setValue(by_date.scrubber.value() + rect(by_date, 3).bottom())
    assert strip.text() == "December 2024"
    november = rect(by_date, 10)
    by_date.scrubber.setValue(by_date.scrubber.value() + november.top() - strip.height() - 40)
    assert strip.text() == "December 2024"
    assert strip.y() < by_date.viewport().y()
    by_date.scrubber.setValue(by_date.scrubber.value() + 60)
    assert strip.text() == "November 2024"


def test_a_photo_comes_into_sight_under_the_heading_that_stays(qtbot, by_date):
    by_date.setFocus()
    by_date.setCurrentIndex(by_date.model().index(200, 0))
    for _ in range(12):
        qtbot.keyClick(by_date, Qt.Key.Key_Up)
        place = by_date.visualRect(by_date.currentIndex())
        assert place.top() >= by_date._strip.geometry().bottom() - by_date.viewport().y()


def test_alt_with_the_page_keys_goes_from_month_to_month(qtbot, by_date):
    by_date.setCurrentIndex(by_date.model().index(3, 0))
    qtbot.keySequence(by_date, "Alt+PgDown")
    assert by_date.currentIndex().row() == 10
    qtbot.keySequence(by_date, "Alt+PgUp")
    assert by_date.currentIndex().row() == 0


def test_years_stand_at_the_scrubber_where_they_begin_and_a_click_goes_there(qtbot, by_date):
    bar = by_date.scrubber
    written = bar.marks()
    assert [words for _, words, _ in written] == ["24", "23", "22", "21"]
    heights = [after.top() - before.top() for (*_, before), (*_, after) in pairwise(written)]
    assert max(heights) - min(heights) < 12  # as many photos each
    qtbot.mouseClick(bar, LEFT, pos=written[2][-1].center())
    assert abs(rect(by_date, 240).top() - by_date.viewport().y()) < 100  # the first photo of 2022
    assert by_date._words_at(bar.value()) == "December 2022"


def test_dragging_shows_the_month_and_delays_thumbnails(qtbot, by_date):
    bar = by_date.scrubber
    middle = bar.height() // 2
    qtbot.mousePress(bar, LEFT, pos=QPoint(5, middle + 9))
    qtbot.mouseMove(bar, QPoint(5, middle + 40))
    assert bar.bubble.text() == by_date._words_at(bar.value())
    assert bar.bubble.text().endswith(("2022", "2023"))
    assert by_date._moved.interval() == 80
    qtbot.mouseRelease(bar, LEFT, pos=QPoint(5, middle + 40))
    assert bar.bubble.isHidden()
    assert by_date._moved.interval() == 0


def test_every_heading_and_day_is_painted_over_its_photos(by_date, dated):
    with_days = by_date.grab().toImage()
    day = rect(by_date, 5)  # the second day of the month
    before = rect(by_date, 4)
    parted = day.left() - before.right() if day.top() == before.top() else by_date._rows.metrics.day_above
    assert parted > by_date._rows.metrics.gap + 5
    by_date.show_wall(arrange_all(dated, Arrangement(group=Group.NONE)))
    assert by_date.grab().toImage() != with_days
    assert by_date.scrubber.marks() == []
    assert by_date._strip.isHidden()


def test_another_order_keeps_the_photo_that_is_looked_at_where_it_is(by_date, dated):
    by_date.setCurrentIndex(by_date.model().index(200, 0))
    top, photo = by_date.visualRect(by_date.currentIndex()).top(), by_date.current_photo()
    by_date.show_wall(arrange_all(dated[::-1], Arrangement(listed=Order.FOLDER)), stay=True)
    assert by_date.current_photo() == photo
    assert by_date.visualRect(by_date.currentIndex()).top() == top


def test_marks_and_stacks_are_painted_and_spoken(wall_view, photos):
    answer = [replace(photo, match="strong" if photo.id < 6 else "weaker") for photo in photos(12)]
    view = wall_view(0)
    view.show_wall(arrange_answer(answer, Arrangement(ranked=Order.FOLDER), {0: 0, 4: 0, 5: 0}))
    assert view.model().rowCount() == 4
    assert view.model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole) == (
        "IMG_0000.jpg, 18 July 2020, strong match, 3 copies"
    )
    plain = view.grab().toImage()
    cell = rect(view, 0)
    assert cell.contains(plate_of(cell, view, 3))
    view.show_wall(arrange_answer(answer, Arrangement(ranked=Order.FOLDER, weaker=True)))
    assert [view.model().match_of(view.model().photo(row)) for row in (0, 11)] == ["strong", "weaker"]
    assert view.grab().toImage() != plain


def test_a_mouse_that_trembles_on_the_plate_of_a_stack_selects_nothing(qtbot, wall_view, photos):
    view = wall_view(0)
    view.show_wall(arrange_all(photos(12), Arrangement(group=Group.NONE), {4: 4, 5: 4, 6: 4}))
    row = view.model().wall.rows[4]
    qtbot.mouseClick(view.viewport(), LEFT, pos=rect(view, 1).center())
    dragged, turned = [], []
    view.startDrag = dragged.append
    view.stack_toggled.connect(turned.append)
    point = plate_of(rect(view, row), view, 3).center()
    qtbot.mousePress(view.viewport(), LEFT, pos=point)
    for step in (1, 2):
        qtbot.mouseMove(view.viewport(), point + QPoint(step, 0))
    qtbot.mouseRelease(view.viewport(), LEFT, pos=point + QPoint(2, 0))
    assert ([photo.id for photo in view.selected_photos()], dragged, turned) == ([1], [], [row])


def test_right_to_left_the_scrubber_and_its_bubble_lie_at_the_left(qtbot, by_date):
    by_date.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    bar = by_date.scrubber
    assert bar.geometry().left() < by_date.viewport().geometry().left()
    qtbot.mousePress(bar, LEFT, pos=QPoint(5, 200))
    assert bar.bubble.geometry().left() >= bar.geometry().right()
    qtbot.mouseRelease(bar, LEFT, pos=QPoint(5, 200))
    assert not by_date.grab().isNull()
