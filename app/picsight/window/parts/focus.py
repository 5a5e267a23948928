"""The focus ring is for the keyboard: a key shows it, a mouse press hides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication

if TYPE_CHECKING:
    from PySide6.QtGui import QWindow
    from PySide6.QtWidgets import QWidget

BY_MOUSE = "lastUsedTheMouse"  # property of the application
_PRESSES = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick, QEvent.Type.TouchBegin)
_ALONE = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


class KeyboardWatch(QObject):
    """Notes whether keys or the mouse were used last. It filters the windows' events, since they get both first."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        app.setProperty(BY_MOUSE, True)
        app.focusWindowChanged.connect(self._look_at)

    def _look_at(self, window: QWindow | None) -> None:
        if window is not None:
            window.installEventFilter(self)  # a repeated call has no effect

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Note the event and pass it on."""
        if event.type() in _PRESSES:
            self._note(by_mouse=True)
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            self._note(by_mouse=event.key() in _ALONE and self._app.property(BY_MOUSE))
        return False

    def _note(self, *, by_mouse: bool) -> None:
        if self._app.property(BY_MOUSE) == by_mouse:
            return
        self._app.setProperty(BY_MOUSE, by_mouse)
        focused = self._app.focusWidget()
        if isinstance(focused, QAbstractScrollArea):
            focused = focused.viewport()
        if focused is not None:
            focused.update()


def shows_focus(widget: QWidget) -> bool:
    """Whether a widget has the focus and should show it."""
    app = QApplication.instance()
    return widget.hasFocus() and not (app is not None and app.property(BY_MOUSE))
