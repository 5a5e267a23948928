"""The focus ring shows only to those who use the keyboard; every button can be pressed by key."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from picsight.window.controls.buttons import Button, Emphasis, IconButton
from picsight.window.controls.pills import PillButton
from picsight.window.grid.page import WallPage
from picsight.window.parts.focus import BY_MOUSE, KeyboardWatch, shows_focus
from picsight.window.parts.layouts import filled
from picsight.window.search.chips import Chip, ChipButton, MoreButton
from picsight.window.tokens import em


@pytest.fixture
def watch(qapp):
    watching = KeyboardWatch(qapp)
    yield watching
    watching.deleteLater()
    qapp.setProperty(BY_MOUSE, None)


@pytest.fixture
def show(qtbot):
    """Puts what was made for a page onto it, and shows it as the active window."""

    def shown(page, *widgets):
        column = QVBoxLayout(page)
        for widget in widgets:
            column.addWidget(widget)
        qtbot.addWidget(page)
        with qtbot.waitExposed(page):
            page.show()
        page.activateWindow()
        qtbot.waitUntil(page.isActiveWindow)

    return shown


def test_a_layout_is_filled_in_order_with_its_gaps_stretches_and_margins(qtbot):
    page = QWidget()
    qtbot.addWidget(page)
    first, wide, last = (QWidget(page) for _ in range(3))
    for part in (first, last):
        part.setMinimumWidth(30)
    filled(QHBoxLayout(page), page, first, (wide, 1), 2.0, last, gap=1, around=(1, 0, 3, 0))
    page.resize(600, 40)
    page.show()
    one = em(page)
    assert [part.x() for part in (first, wide)] == [one, 30 + 2 * one]
    assert last.geometry().right() == 599 - 3 * one
    assert last.x() - wide.geometry().right() - 1 == pytest.approx(3 * one, abs=one)


@pytest.mark.usefixtures("watch")
def test_the_ring_comes_with_the_first_key_and_goes_with_the_mouse(show):
    page = QWidget()
    buttons = [Button(words, Emphasis.QUIET, page) for words in ("One", "Two")]
    show(page, *buttons)
    buttons[0].setFocus()
    plain = buttons[0].grab().toImage()
    assert not shows_focus(buttons[0])
    QTest.keyClick(page.windowHandle(), Qt.Key.Key_Backtab)
    QTest.keyClick(page.windowHandle(), Qt.Key.Key_Tab)
    assert buttons[0].hasFocus()
    assert buttons[0].grab().toImage() != plain
    second = buttons[1].mapTo(page, buttons[1].rect().center())
    QTest.mouseClick(page.windowHandle(), Qt.MouseButton.LeftButton, pos=second)
    assert buttons[1].hasFocus()
    assert not shows_focus(buttons[1])


def _chip(page):
    picture = QPixmap(32, 32)
    picture.fill(Qt.GlobalColor.red)
    return ChipButton(Chip("like:#1", "Like IMG_1.jpg", picture=picture), page)


def _more(page):
    button = MoreButton(page)
    button.hold([Chip("in:2019", "2019")])
    return button


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize("make", [_chip, _more])
def test_a_chip_has_the_ring_of_every_button(show, make):
    page = QWidget()
    chip, other = make(page), QLineEdit(page)
    show(page, chip, other)
    other.setFocus()
    plain = chip.grab().toImage()
    QTest.keyClick(page.windowHandle(), Qt.Key.Key_Backtab)
    assert chip.hasFocus()
    assert chip.grab().toImage() != plain
    QTest.mouseClick(page.windowHandle(), Qt.MouseButton.LeftButton, pos=QPoint(2, page.height() - 2))
    chip.setFocus()
    assert chip.grab().toImage() == plain


@pytest.mark.parametrize(
    "make",
    [
        lambda page: Button("Look", Emphasis.QUIET, page),
        lambda page: IconButton("add", "Larger", page),
        lambda page: PillButton("All 3", page),
        _more,
    ],
)
def test_enter_presses_a_button(qtbot, make):
    page = QWidget()
    button = make(page)
    qtbot.addWidget(page)
    with qtbot.waitSignal(button.clicked):
        qtbot.keyClick(button, Qt.Key.Key_Return)
    for menu in page.findChildren(QMenu):
        menu.close()


def test_new_photos_are_announced_in_the_header_and_a_click_leaves_the_keyboard_with_the_photos(
    qtbot, wall_view
):
    view = wall_view(40)
    page = WallPage(view)
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()
    view.setFocus()
    page.pill.say("14 new photos · Show")
    qtbot.waitUntil(lambda: page.pill.width() >= page.pill.sizeHint().width())
    first_row = view.mapTo(page, QPoint(0, 0)).y()
    assert page.pill.geometry().bottom() < first_row
    with qtbot.waitSignal(page.pill.shown_requested):
        qtbot.mouseClick(page.pill, Qt.MouseButton.LeftButton)
    assert page.focusWidget() is view
