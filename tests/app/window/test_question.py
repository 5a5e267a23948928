"""Questions over the window are answered by buttons of words, and leaving them changes nothing."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QProxyStyle, QPushButton, QStyle, QWidget

from picsight.window.controls.question import ask, ask_name


class Signs(QProxyStyle):
    """That of a platform which puts signs on the buttons of dialogs."""

    def styleHint(self, hint, option=None, widget=None, data=None):  # noqa: N802 - Qt's name
        if hint == QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons:
            return 1
        return super().styleHint(hint, option, widget, data)


@pytest.fixture
def window(qtbot, qapp):
    before = qapp.style().name()
    qapp.setStyle(Signs("Fusion"))
    over = QWidget()
    qtbot.addWidget(over)
    over.show()
    yield over
    qapp.setStyle(before)


def buttons(window):
    return window.findChild(QDialog).findChildren(QPushButton)


def test_a_name_is_taken_when_it_is_confirmed_and_not_when_one_leaves(window, qtbot):
    taken = []
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_Return):
        ask_name(window, "Rename tag", "Name", "Snow", taken.append)
        assert all(button.icon().isNull() for button in buttons(window))
        dialog = window.findChild(QDialog)
        line = dialog.findChild(QLineEdit)
        assert line.text() == "Snow"
        line.setText("Ice")
        qtbot.keyClick(line, key)
        qtbot.waitUntil(lambda: window.findChild(QDialog) is None)
    assert taken == ["Ice"]


def test_what_is_taken_away_is_taken_only_by_the_button_that_says_so(window, qtbot):
    done = []
    ask(window, "Remove <b>Snow</b>?", "It can be brought back.", "Remove", lambda: done.append(1))
    assert all(button.icon().isNull() for button in buttons(window))
    dialog = window.findChild(QDialog)
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(QDialog) is None)
    assert done == []
