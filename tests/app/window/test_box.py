"""The box: words in a line, what narrows as chips beside it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication

from picsight.window.search.box import SearchBox
from picsight.window.search.chips import ChipButton, MoreButton
from picsight_engine.filters.filtered_query import Filter
from picsight_engine.foundation.errors import Message
from picsight_engine.language.query import QueryFault, parse
from picsight_engine.search.answer import Answer


@pytest.fixture
def box(qtbot):
    box = SearchBox()
    qtbot.addWidget(box)
    box.resize(700, 40)
    box.show()
    box.line.setFocus()
    return box


def chips(box):
    return [chip.words for chip in box.chips()]


def buttons(box):
    return [button for button in box.findChildren(ChipButton) if not button.isHidden()]


def answer(query, *, filters=(), faults=()):
    return Answer(query, "space", 9, 1.0, (), tuple(faults), tuple(filters))


def test_a_filter_becomes_a_chip_at_the_space_and_the_words_stay_words(qtbot, box):
    qtbot.keyClicks(box.line, "dog in:2019")
    assert chips(box) == []
    qtbot.keyClicks(box.line, " -people beach")
    assert chips(box) == ["2019", "Less people"]
    assert box.line.text() == "dog beach"
    assert parse(box.text()) == parse("dog beach in:2019 -people")


def test_in_the_middle_the_cursor_stays_between_the_same_words(qtbot, box):
    qtbot.keyClicks(box.line, "dog beach")
    box.line.setCursorPosition(4)
    qtbot.keyClicks(box.line, "in:2019 old ")
    assert (box.line.text(), box.line.cursorPosition()) == ("dog old beach", 8)


@pytest.mark.parametrize("leave", [Qt.Key.Key_Return, Qt.Key.Key_Tab])
def test_enter_and_leaving_finish_a_filter(qtbot, box, leave):
    qtbot.keyClicks(box.line, "dog folder:Trips")
    qtbot.keyClick(box.line, leave)
    assert chips(box) == ["In Trips"]
    assert box.line.text().strip() == "dog"


def test_backspace_selects_a_chip_and_then_removes_it(qtbot, box):
    box.set_text("in:2019 folder:Trips")
    box.line.setFocus()
    qtbot.keyClick(box.line, Qt.Key.Key_Backspace)
    last = buttons(box)[-1]
    assert last.hasFocus()
    assert len(chips(box)) == 2
    qtbot.keyClick(last, Qt.Key.Key_Backspace)
    assert chips(box) == ["2019"]
    qtbot.keyClick(buttons(box)[0], Qt.Key.Key_Delete)
    assert chips(box) == []
    assert box.line.hasFocus()


def test_the_arrows_walk_words_and_chips_as_one_line(qtbot, box):
    box.set_text("dog in:2019 folder:Trips")
    box.line.setFocus()
    box.line.end(False)
    qtbot.keyClick(box.line, Qt.Key.Key_Right)
    first, second = buttons(box)
    assert first.hasFocus()
    qtbot.keyClick(first, Qt.Key.Key_Right)
    assert second.hasFocus()
    qtbot.keyClick(second, Qt.Key.Key_Right)
    assert second.hasFocus()
    qtbot.keyClick(second, Qt.Key.Key_Left)
    qtbot.keyClick(first, Qt.Key.Key_Left)
    assert box.line.hasFocus()
    assert box.line.cursorPosition() == 3


def test_a_click_on_a_chip_makes_it_text_again(qtbot, box):
    box.set_text('dog folder:"New York"')
    qtbot.mouseClick(buttons(box)[0], Qt.MouseButton.LeftButton, pos=buttons(box)[0].rect().center() / 2)
    assert box.line.text() == 'dog folder:"New York"'
    assert chips(box) == []
    assert box.line.hasFocus()


def test_the_cross_removes_a_chip(qtbot, box):
    box.set_text("dog in:2019")
    edits = []
    box.edited.connect(edits.append)
    button = buttons(box)[0]
    cross = button.rect().center() * 1.8
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=cross)
    assert (box.text(), edits) == ("dog", ["dog"])


@pytest.mark.parametrize(
    ("query", "found", "back"),
    [
        ("dog summer 2019 beach", Filter(4, 15, "time", "Summer 2019", 34, recognised=True), "dog \\summer \\2019 beach"),
        ("dog without cars beach", Filter(4, 16, "less", "Less cars", 34, recognised=True), "dog \\without \\cars beach"),
        ("dog in Nice beach", Filter(4, 11, "place", "Nice", 34, recognised=True), "dog \\in \\Nice beach"),
    ],
)  # fmt: skip
def test_a_recognised_time_or_place_stays_in_the_line_and_one_click_turns_it_back_into_words(
    qtbot, box, query, found, back
):
    qtbot.keyClicks(box.line, query)
    box.line.setCursorPosition(7)
    box.show_answer(answer(query, filters=[found]))
    assert chips(box) == [found.words]
    assert (box.line.text(), box.line.cursorPosition()) == (query, 7)
    button = buttons(box)[0]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=button.rect().center() / 2)
    assert box.text() == back
    assert box.line.text() == query
    box.show_answer(answer(box.text()))
    assert chips(box) == []


def test_copying_all_gives_the_plain_query(qtbot, box):
    box.set_text("dog in:2019 -people")
    box.line.setFocus()
    box.line.selectAll()
    qtbot.keySequence(box.line, "Ctrl+C")
    assert QGuiApplication.clipboard().text() == "dog in:2019 -people"


def test_chips_without_room_stand_behind_a_number(qtbot, box):
    box.set_text("dog in:2019 folder:Trips format:png -people has:gps is:portrait")
    box.resize(420, 40)
    more = box.findChild(MoreButton)
    shown = len(buttons(box))
    assert more.text() == f"+{6 - shown}"
    assert more.isVisible()
    assert box.line.width() >= 9 * 10
    box.resize(1600, 40)
    assert len(buttons(box)) == 6
    assert not more.isVisible()


def test_escape_empties_the_words_then_the_chips_then_leaves(qtbot, box):
    box.set_text("dog in:2019")
    box.set_scope("Trips")
    left, widened = [], []
    box.emptied.connect(lambda: left.append(1))
    box.widened.connect(lambda: (widened.append(1), box.set_scope("")))
    for expected in (["In Trips", "2019"], ["In Trips"], []):
        qtbot.keyClick(box.line, Qt.Key.Key_Escape)
        assert chips(box) == expected
    assert (widened, left) == ([1], [])
    qtbot.keyClick(box.line, Qt.Key.Key_Escape)
    assert left == [1]


def test_undo_makes_a_chip_text_again_and_redo_or_the_next_letter_a_chip(qtbot, box):
    control, edits = Qt.KeyboardModifier.ControlModifier, []
    back, again = (Qt.Key.Key_Z, control), (Qt.Key.Key_Z, control | Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(box.line, "dog in:2019 ")
    assert (box.line.text(), chips(box)) == ("dog ", ["2019"])
    box.edited.connect(lambda _line: edits.append(box.text()))
    for key, line, shown in (
        (back, "dog in:2019 ", []),
        (back, "", []),
        (back, "", []),
        (again, "dog in:2019 ", []),
        (again, "dog ", ["2019"]),
        (back, "dog in:2019 ", []),
    ):
        qtbot.keyClick(box.line, *key)
        assert (box.line.text(), chips(box)) == (line, shown)
    assert edits == ["dog in:2019", "", "dog in:2019", "dog in:2019", "dog in:2019"]
    qtbot.keyClicks(box.line, "x")
    assert (box.line.text(), chips(box)) == ("dog x", ["2019"])


@pytest.mark.parametrize("query", ["in:2019", "dog in:2019 -people"])
@pytest.mark.parametrize("gone_by", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_S, Qt.Key.Key_X])
def test_all_that_is_selected_goes_with_its_chips_and_letters_are_words(qtbot, box, query, gone_by):
    box.set_text(query)
    box.line.setFocus()
    qtbot.keySequence(box.line, "Ctrl+A")
    control = Qt.KeyboardModifier.ControlModifier
    if gone_by != Qt.Key.Key_S:
        held = control if gone_by == Qt.Key.Key_X else Qt.KeyboardModifier.NoModifier
        qtbot.keyClick(box.line, gone_by, held)
        assert (box.text(), chips(box)) == ("", [])
    qtbot.keyClicks(QApplication.focusWidget(), "sunset ")
    assert (box.text(), box.line.text(), chips(box)) == ("sunset", "sunset ", [])
    while box.text() != query:
        before = box.text()
        qtbot.keyClick(box.line, Qt.Key.Key_Z, control)
        assert box.text() != before


def test_letters_typed_at_a_chip_belong_to_the_words(qtbot, box):
    box.set_text("in:2019")
    box.line.setFocus()
    qtbot.keyClick(box.line, Qt.Key.Key_Backspace)
    assert buttons(box)[0].hasFocus()
    for letter in "sunset at sea":
        qtbot.keyClicks(QApplication.focusWidget(), letter)
    assert (box.line.text(), chips(box)) == ("sunset at sea", ["2019"])


def test_a_fault_is_described_at_its_chip(box):
    box.set_text("dog rated:7")
    fault = QueryFault(4, 11, Message('"rated:" needs a number from 0 to 5.'))
    box.show_answer(answer("dog rated:7", faults=[fault]))
    assert buttons(box)[0].accessibleDescription() == '"rated:" needs a number from 0 to 5.'


def test_a_copied_picture_is_pasted_as_a_query_and_words_as_words(qtbot, box, tmp_path):
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    given = []
    box.picture_given.connect(given.append)
    QGuiApplication.clipboard().setImage(image)
    qtbot.keySequence(box.line, "Ctrl+V")
    assert given[0].size() == image.size()
    path = tmp_path / "a photo.png"
    image.save(str(path))
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(path))])
    QGuiApplication.clipboard().setMimeData(files)
    qtbot.keySequence(box.line, "Ctrl+V")
    assert given[1:] == [path]
    QGuiApplication.clipboard().setText(f"{path}\n")
    qtbot.keySequence(box.line, "Ctrl+V")
    assert given[2:] == [path]
    for words in ("dog", f"{path.parent}/another photo.png", "/" + 300 * "a" + ".png"):
        box.set_text("")
        QGuiApplication.clipboard().setText(words)
        qtbot.keySequence(box.line, "Ctrl+V")
        assert (box.text(), len(given)) == (words, 3)
