"""The parts of the tag studio: words, examples, the threshold over its histogram, borderline cases by key."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPicture
from tests.app.window.conftest import carrying, drop

from picsight.window.grid.thumbnails import Thumbnails
from picsight.window.search.chips import ChipButton
from picsight.window.tags.studio.borderline import BorderlineCases
from picsight.window.tags.studio.fields import ExampleButton, ExamplesField, WordsField
from picsight.window.tags.studio.threshold import BARS, STEPS, ScoreHistogram, ThresholdSlider

scores = st.lists(st.floats(0, 1, width=32), max_size=60)


@given(scores, scores, st.integers(0, STEPS))
def test_a_tag_holds_the_photos_above_the_threshold_and_the_accepted_ones(undecided, accepted, step):
    histogram = ScoreHistogram(np.array(undecided, np.float32), np.array(accepted, np.float32), np.zeros(3))
    reaching = sum(np.float32(score) >= step / STEPS for score in undecided)
    assert histogram.count_in(step / STEPS) == reaching + len(accepted)
    assert sum(histogram.bars()) == len(undecided)
    assert len(histogram.heights()) == BARS
    assert all(0 <= height <= 1 for height in histogram.heights())


@pytest.fixture
def slider(qtbot):
    made = ThresholdSlider()
    qtbot.addWidget(made)
    made.resize(600, 160)
    made.show_histogram(ScoreHistogram(np.linspace(0, 1, 1001), np.full(5, 0.9), np.array([0.7, 0.2])))
    made.show_threshold(0.5)
    made.show()
    made.positions = []
    made.moved.connect(made.positions.append)
    return made


def test_tens_of_thousands_of_decisions_are_painted_as_few_marks(slider):
    def drawn(accepted):
        slider.show_histogram(ScoreHistogram(np.linspace(0, 1, 1001), accepted, np.zeros(0)))
        picture = QPicture()
        slider.render(picture)
        return picture.size()

    assert drawn(np.linspace(0, 1, 50_000)) < 2 * drawn(np.linspace(0, 1, 1_001))


@pytest.mark.parametrize("direction", list(Qt.LayoutDirection)[:2])
def test_dragging_the_threshold_emits_its_position(qtbot, slider, direction):
    slider.setLayoutDirection(direction)
    at = {share: QPoint(round(slider._x(share)), 60) for share in (0.3, 0.62, 1.0)}
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(slider, left, pos=at[0.3])
    qtbot.mouseMove(slider, at[0.62])
    qtbot.mouseRelease(slider, left, pos=at[0.62])
    assert slider.positions == [0.3, 0.62]
    assert slider.words() == "386 photos in"
    assert slider.accessibleDescription() == "0.62, 386 photos in"
    qtbot.mouseClick(slider, left, pos=at[1.0])
    assert slider.threshold() == 1.0


def test_a_key_moves_the_threshold_and_escape_cancels_a_drag(qtbot, slider):
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert slider.positions == [0.51]
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(slider._x(0.9)), 60))
    qtbot.keyClick(slider, Qt.Key.Key_Escape)
    assert slider.positions[-1] == 0.51


@pytest.fixture
def border(qtbot, jobs, pictures, photos):
    made = BorderlineCases(Thumbnails(jobs, pictures))
    qtbot.addWidget(made)
    made.resize(300, 400)
    made.show()
    made.show_cases(photos(4))
    made.decisions = []
    made.decided.connect(lambda photo, verdict: made.decisions.append((photo, verdict)))
    return made


def test_keys_decide_on_a_case_and_show_the_next(qtbot, border):
    assert border.title.text() == "Borderline cases (4)"
    for key in (Qt.Key.Key_A, Qt.Key.Key_R, Qt.Key.Key_Down):
        qtbot.keyClick(border.picture, key)
    assert border.decisions == [(0, "accepted"), (1, "rejected")]
    assert border.case().id == 3
    qtbot.mouseClick(border.reject, Qt.MouseButton.LeftButton)
    assert border.decisions[-1] == (3, "rejected")
    assert border.case() is None
    assert not border.accept.isEnabled()
    qtbot.keyClick(border.picture, Qt.Key.Key_A)
    assert len(border.decisions) == 3


def test_new_cases_keep_the_shown_photo_and_leave_out_the_answered_ones(qtbot, border, photos):
    qtbot.keyClick(border.picture, Qt.Key.Key_A)
    border.show_cases(tuple(reversed(photos(6))))
    assert border.case().id == 1
    asked = []
    while border.case() is not None:
        asked.append(border.case().id)
        qtbot.keyClick(border.picture, Qt.Key.Key_Down)
    assert asked == [1, 5, 4, 3, 2]
    border.begin()
    border.show_cases(photos(2))
    assert border.case().id == 0


@pytest.fixture
def words(qtbot):
    made = WordsField()
    qtbot.addWidget(made)
    made.resize(300, 120)
    made.show_words(("wading bird",))
    made.show()
    made.changes = []
    made.changed.connect(made.changes.append)
    return made


def test_words_are_added_with_enter_removed_with_their_cross_and_become_text_again(qtbot, words):
    qtbot.keyClicks(words.line, " long   legs ")
    qtbot.keyClick(words.line, Qt.Key.Key_Return)
    qtbot.keyClicks(words.line, "wading bird")
    qtbot.keyClick(words.line, Qt.Key.Key_Return)
    assert words.changes == [("wading bird", "long legs")]
    first, _ = [chip for chip in words.findChildren(ChipButton) if chip.isVisible()]
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton, pos=first._cross().center())
    assert words.words == ("long legs",)
    (chip,) = [chip for chip in words.findChildren(ChipButton) if chip.isVisible()]
    qtbot.keyClick(chip, Qt.Key.Key_Return)
    assert (words.words, words.line.text()) == ((), "long legs")


def test_words_that_become_text_again_swap_places_with_the_typed_ones(qtbot, words):
    tried = []
    words.typed.connect(tried.append)
    words.show_words(("wading bird", "wader"))
    qtbot.keyClicks(words.line, "egret")
    first, _ = [chip for chip in words.findChildren(ChipButton) if chip.isVisible()]
    qtbot.keyClick(first, Qt.Key.Key_Return)
    assert (words.words, words.line.text()) == (("wader", "egret"), "wading bird")
    assert tried[-1] == words.with_line() == ("wader", "egret", "wading bird")


def test_backspace_in_an_empty_line_takes_the_last_words_away(qtbot, words):
    qtbot.keyClicks(words.line, "x")
    qtbot.keyClick(words.line, Qt.Key.Key_Backspace)
    assert words.words == ("wading bird",)
    qtbot.keyClick(words.line, Qt.Key.Key_Backspace)
    assert words.changes == [()]


def test_examples_are_dropped_and_taken_away(qtbot, jobs, pictures, photos, tmp_path):
    field = ExamplesField("Looks like", Thumbnails(jobs, pictures))
    qtbot.addWidget(field)
    field.resize(200, 200)
    field.show_photos(photos(3))
    field.show()
    with qtbot.waitSignal(field.photos_dropped) as emitted:
        assert drop(field, carrying(tmp_path / "a.jpg"))
    assert emitted.args == [[tmp_path / "a.jpg"]]
    buttons = field.findChildren(ExampleButton)
    with qtbot.waitSignal(field.removed) as emitted:
        qtbot.mouseClick(buttons[1], Qt.MouseButton.LeftButton)
    assert emitted.args == [1]
    with qtbot.waitSignal(field.removed) as emitted:
        qtbot.keyClick(buttons[2], Qt.Key.Key_Delete)
    assert emitted.args == [2]
