"""The robot that clicks, types and waits in windows, for all tests of the application."""

from __future__ import annotations

import pytest
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


@pytest.fixture
def qtbot(qapp, request):
    """The plugin's robot, but patient; it holds widgets until they are closed."""
    return KeepingQtBot(request)
