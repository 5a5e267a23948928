"""The list of problems: kinds, words, and what can be done."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from picsight.window.library.problems_model import REASONS, Column, ProblemsModel, why
from picsight.window.library.problems_view import KindButton, ProblemsView
from picsight_engine.store.problems import Problem


def problem(name, code, tries=1):
    now = time.time()
    path = Path("/home/me/Pictures") / name
    return Problem(1, name.encode(), path, code, f"“{name}” cannot be read.", 10, 1, now, now, tries, False)


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
    return [b.text() for b in view.findChildren(KindButton) if b.isVisible()]


def test_the_model_keeps_qts_rules(qtmodeltester):
    model = ProblemsModel()
    qtmodeltester.check(model)
    model.set_problems(PROBLEMS)
    qtmodeltester.check(model)
    model.show_kind("damaged")
    qtmodeltester.check(model)


def test_a_problem_says_which_file_why_and_how_often_it_was_tried():
    model = ProblemsModel()
    model.set_problems([problem("a.jpg", "damaged"), problem("b.jpg", "damaged", 3)])
    words = [model.index(1, column).data() for column in Column]
    assert words == ["b.jpg", "“b.jpg” cannot be read.", "just now", "3 tries"]
    assert model.index(1, 0).data(Qt.ItemDataRole.ToolTipRole) == "/home/me/Pictures/b.jpg"


@pytest.mark.parametrize(
    ("said", "alone"),
    [
        ("cannot be shown: its picture is far too large.", "Its picture is far too large."),
        (
            "has 1,600 megapixels, more than the limit of 250.",
            "Has 1,600 megapixels, more than the limit of 250.",
        ),
    ],
)
def test_the_reason_stands_alone_beside_the_files_name(said, alone):
    now, path = time.time(), Path("/home/me/Pictures/a.gif")
    one = Problem(1, b"a.gif", path, "too_large", f"{path} {said}", 1, 1, now, now, 1, ignored=False)
    assert why(one) == alone


def test_every_reason_of_the_engine_has_words():
    from typing import get_args

    from picsight_engine.errors import ProblemCode

    assert set(REASONS) == set(get_args(ProblemCode))


def test_one_kind_is_shown_alone_and_all_again(qtbot, view):
    view.model.set_problems(PROBLEMS)
    assert kinds(view) == ["All 3", "Damaged 2", "Too large 1"]
    qtbot.mouseClick(
        next(b for b in view.findChildren(KindButton) if b.text() == "Too large 1"), Qt.MouseButton.LeftButton
    )
    assert view.model.rowCount() == 1
    view.model.set_problems(PROBLEMS[:2])
    assert view.model.kind is None
    assert view.model.rowCount() == 2


def test_no_problem_is_said_in_words(view):
    view.model.set_problems([])
    assert view.notice_words() == "Every photo could be read."


def test_the_current_file_can_be_shown_in_its_folder(qtbot, view):
    view.model.set_problems(PROBLEMS)
    view.table.setCurrentIndex(view.model.index(2, 0))
    with qtbot.waitSignal(view.reveal_requested) as wished:
        view.table.doubleClicked.emit(view.model.index(2, 0))
    assert wished.args == [Path("/home/me/Pictures/c.tif")]


def test_escape_leads_back(qtbot, view):
    view.model.set_problems(PROBLEMS)
    with qtbot.waitSignal(view.left):
        qtbot.keyClick(view.table, Qt.Key.Key_Escape)


def test_a_narrow_window_cuts_no_kind_but_takes_another_line(view, qtbot):
    codes = ("damaged", "truncated", "unsupported", "too_large", "empty")
    view.model.set_problems([problem(f"{code}.jpg", code) for code in codes])
    buttons = [b for b in view.findChildren(KindButton) if b.isVisible()]
    qtbot.waitUntil(lambda: len({b.y() for b in buttons}) == 1)
    view.resize(view.fontMetrics().height() * 22, 500)
    qtbot.waitUntil(lambda: len({b.y() for b in buttons}) > 1)
    assert all(b.width() >= b.sizeHint().width() for b in buttons)
    assert all(b.parentWidget().rect().contains(b.geometry()) for b in buttons)
