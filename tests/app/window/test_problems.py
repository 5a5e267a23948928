"""The list of problems: its kinds, words and buttons."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import Qt
from tests.app.window.conftest import choose_in_menu

from picsight.window.controls.pills import PillButton
from picsight.window.problems.model import REASONS, Column, ProblemsModel
from picsight.window.problems.view import ProblemsView
from picsight_engine.foundation.errors import Message, ProblemCode
from picsight_engine.store.overview.problems import Problem


def problem(name, code, tries=1):
    now = time.time() + 3600  # "just now" for as long as the tests may take
    path = Path("/home/me/Pictures") / name
    reason = {"damaged": "The file ends in the middle.", "too_large": "Too large."}.get(code, code)
    return Problem(
        1,
        name.encode(),
        path,
        code,
        Message("{path} {reason}", path=path, reason=Message(reason)),
        10,
        1,
        now,
        now,
        tries,
        False,
    )


PROBLEMS = [problem("a.jpg", "damaged"), problem("b.jpg", "damaged", 3), problem("c.tif", "too_large")]


@pytest.fixture
def view(qtbot):
    model = ProblemsModel()
    page = ProblemsView(model)
    model.setParent(page)
    page.model = model
    qtbot.addWidget(page)
    page.resize(900, 500)
    page.show()
    return page


def kinds(view):
    return [b.text() for b in view.findChildren(PillButton) if b.isVisible()]


def row_of(model, name):
    return model.find(Path("/home/me/Pictures") / name)


def words_of(model, index):
    return [index.siblingAtColumn(column).data() for column in Column]


def click(qtbot, view, index, column):
    place = view.table.visualRect(index.siblingAtColumn(column)).center()
    qtbot.mouseClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_the_model_keeps_qts_rules(qtmodeltester):
    model = ProblemsModel()
    qtmodeltester.check(model)
    model.set_problems(PROBLEMS)
    qtmodeltester.check(model)
    model.show_kind("damaged")
    qtmodeltester.check(model)


def test_files_with_the_same_reason_stand_together_below_it_the_most_first():
    model = ProblemsModel()
    model.set_problems(PROBLEMS)
    groups = [(model.group_of(index).reason, model.rowCount(index)) for index in model.reasons()]
    assert groups == [("The file ends in the middle.", 2), ("Too large.", 1)]
    first = next(model.reasons())
    assert words_of(model, first) == [
        "The file ends in the middle.", "2 files", "", "Try all again", "Ignore all",
    ]  # fmt: skip
    assert [each.path.name for each in model.problems_at(first)] == ["a.jpg", "b.jpg"]


def test_files_stand_together_in_every_language(pseudo_language):
    model = ProblemsModel()
    model.set_problems([replace(each, message=Message(REASONS[each.code])) for each in PROBLEMS])
    groups = [(model.group_of(index).reason, model.rowCount(index)) for index in model.reasons()]
    assert groups == [("⟦dAMAGED⟧", 2), ("⟦tOO LARGE⟧", 1)]


def test_files_that_are_not_read_yet_are_a_closed_line_below_the_other_problems(view):
    unread = [problem(name, "not_read") for name in ("a.MOV", "b.avi", "c.mp4")]
    view.model.set_problems([*unread, PROBLEMS[2]])
    first, *others = view.model.reasons()
    assert view.model.group_of(first).reason == "Too large."
    assert [index.data() for index in others] == ["3 videos are not read: install opencv-python-headless"]
    assert [view.table.isExpanded(index) for index in (first, *others)] == [True, False]
    assert kinds(view) == ["All 4", "Not read yet 3", "Too large 1"]


def test_a_problem_shows_its_file_and_its_tries():
    model = ProblemsModel()
    model.set_problems(PROBLEMS)
    index = row_of(model, "b.jpg")
    assert words_of(model, index) == ["b.jpg", "just now", "3 tries", "Try again", "Ignore"]
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "/home/me/Pictures/b.jpg"
    assert model.problems_at(index) == (PROBLEMS[1],)


def test_every_reason_of_the_engine_has_words():
    assert set(REASONS) == set(get_args(ProblemCode))


def test_one_kind_is_shown_alone_and_all_again(qtbot, view):
    view.model.set_problems(PROBLEMS)
    assert kinds(view) == ["All 3", "Damaged 2", "Too large 1"]
    qtbot.press(view, "Too large 1")
    assert view.model.shown() == (PROBLEMS[2],)
    view.model.set_problems(PROBLEMS[:2])
    assert view.model.kind is None
    assert view.model.shown() == tuple(PROBLEMS[:2])


def test_an_empty_list_says_that_every_photo_could_be_read(view):
    view.model.set_problems([])
    assert "Every photo could be read." in view._notice.words()


def test_a_row_retries_or_ignores_its_file_and_a_reason_all_of_its_files(qtbot, view):
    view.model.set_problems(PROBLEMS)
    with qtbot.waitSignal(view.retry_requested) as requested:
        click(qtbot, view, row_of(view.model, "b.jpg"), Column.RETRY)
    assert requested.args == [(PROBLEMS[1],)]
    with qtbot.waitSignal(view.ignore_requested) as requested:
        click(qtbot, view, next(view.model.reasons()), Column.IGNORE)
    assert requested.args == [tuple(PROBLEMS[:2])]
    view.table.setCurrentIndex(row_of(view.model, "c.tif"))
    with qtbot.waitSignal(view.ignore_requested) as requested:
        qtbot.keyClick(view.table, Qt.Key.Key_Delete)
    assert requested.args == [(PROBLEMS[2],)]


def test_the_menu_of_a_row_does_the_same(qtbot, view):
    view.model.set_problems(PROBLEMS)
    view.table.customContextMenuRequested.emit(view.table.visualRect(row_of(view.model, "c.tif")).center())
    with qtbot.waitSignal(view.retry_requested) as requested:
        words = choose_in_menu(view, "Try again")
    assert words == ["Try again", "Ignore", "Show in folder"]
    assert requested.args == [(PROBLEMS[2],)]


def test_collapsed_reasons_and_the_current_row_survive_a_change_of_the_list(qtbot, view):
    view.model.set_problems(PROBLEMS)
    click(qtbot, view, next(view.model.reasons()), Column.NAME)
    view.table.setCurrentIndex(row_of(view.model, "c.tif"))
    view.model.set_problems([*PROBLEMS, problem("d.tif", "too_large")])
    reasons = view.model.reasons()
    opened = {view.model.group_of(index).reason: view.table.isExpanded(index) for index in reasons}
    assert opened == {"The file ends in the middle.": False, "Too large.": True}
    assert view.model.path(view.table.currentIndex()).name == "c.tif"


def test_where_a_row_is_gone_the_current_one_is_the_next_below_or_the_last(view):
    a, b, c = PROBLEMS
    d = problem("d.gif", "empty")
    view.model.set_problems([a, b, c, d])

    def current_after(*problems):
        view.model.set_problems(problems)
        return [each.path.name for each in view.model.problems_at(view.table.currentIndex())]

    view.table.setCurrentIndex(row_of(view.model, "a.jpg"))
    assert current_after(b, c, d) == ["b.jpg"]
    assert current_after(c, d) == ["c.tif"]
    view.table.setCurrentIndex(row_of(view.model, "d.gif"))
    assert current_after(c) == ["c.tif"]
    assert current_after(a, b, c) == ["c.tif"]
    view.table.setCurrentIndex(row_of(view.model, "c.tif").parent())
    assert current_after(a, b) == ["a.jpg", "b.jpg"]
    assert current_after() == []


def test_a_removed_file_opens_no_collapsed_reason_and_another_kind_keeps_the_current_row(qtbot, view):
    view.model.set_problems(PROBLEMS)
    view.table.setCurrentIndex(row_of(view.model, "c.tif"))
    view.model.show_kind("damaged")
    view.model.show_kind(None)
    assert view.table.currentIndex() == row_of(view.model, "c.tif")
    click(qtbot, view, next(view.model.reasons()), Column.NAME)
    view.table.setCurrentIndex(row_of(view.model, "c.tif"))
    view.model.set_problems(PROBLEMS[:2])
    assert not view.table.isExpanded(next(view.model.reasons()))
    assert not view.table.currentIndex().isValid()


def test_names_have_the_room_that_is_left(view):
    view.model.set_problems(PROBLEMS)
    view.resize(1200, 500)
    others = sum(view.table.columnWidth(column) for column in Column if column != Column.NAME)
    assert view.table.columnWidth(Column.NAME) == view.table.viewport().width() - others
    view.resize(view.fontMetrics().height() * 20, 500)
    assert view.table.isColumnHidden(Column.WHEN)


def test_a_narrow_window_cuts_no_kind_but_takes_another_line(view, qtbot):
    codes = ("damaged", "truncated", "unsupported", "too_large", "empty")
    view.model.set_problems([problem(f"{code}.jpg", code) for code in codes])
    buttons = [b for b in view.findChildren(PillButton) if b.isVisible()]
    qtbot.waitUntil(lambda: len({b.y() for b in buttons}) == 1)
    view.resize(view.fontMetrics().height() * 22, 500)
    qtbot.waitUntil(lambda: len({b.y() for b in buttons}) > 1)
    assert all(b.width() >= b.sizeHint().width() for b in buttons)
    assert all(b.parentWidget().rect().contains(b.geometry()) for b in buttons)
