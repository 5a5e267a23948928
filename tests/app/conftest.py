"""The robot that clicks, types and waits in windows, for all tests of the application."""

from __future__ import annotations

from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QMessageBox
from pytestqt.qtbot import QtBot

PATIENCE = (
    120_000  # ms; workers are the last that a busy machine serves, and only a failing test waits so long
)


class KeepingQtBot(QtBot):
    """Waits patiently, and holds every widget until it is closed.

    Once a test's function has returned, only a cycle of references holds its widgets: the garbage collector, which
    runs wherever Python runs, would delete a window in the middle of painting one of its children.
    """

    def __init__(self, request) -> None:
        super().__init__(request)
        self._kept = []

    def addWidget(self, widget, *, before_close_func=None) -> None:  # noqa: N802 - the name that it has there
        """Registers a widget to be closed, and holds it until then."""
        super().addWidget(widget, before_close_func=before_close_func)
        self._kept.append(widget)

    def waitUntil(self, callback, *, timeout=PATIENCE) -> None:  # noqa: N802
        """Handles events until the callback gives true."""
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal, *, timeout=PATIENCE, **others):  # noqa: N802
        """Handles events until the signal comes."""
        return super().waitSignal(signal, timeout=timeout, **others)

    def press(self, parent, words) -> None:
        """Clicks the button of these words, as soon as it is visible."""

        def visible():
            buttons = parent.findChildren(QAbstractButton)
            return [button for button in buttons if button.text() == words and button.isVisible()]

        self.waitUntil(lambda: len(visible()) == 1)
        self.mouseClick(visible()[0], Qt.MouseButton.LeftButton)

    def question(self, parent) -> QMessageBox:
        """The question over a window or dialog, as soon as it is there."""
        boxes = partial(parent.findChildren, QMessageBox)
        self.waitUntil(lambda: any(box.isVisible() for box in boxes()))
        (shown,) = [box for box in boxes() if box.isVisible()]
        return shown

    def answer(self, parent, words) -> None:
        """Answers the question over a window or dialog with the button of these words."""
        self.press(self.question(parent), words)


@pytest.fixture
def qtbot(qapp, request):
    """The plugin's robot, but patient; it holds widgets until they are closed."""
    return KeepingQtBot(request)
