"""The keyboard focus: its ring, which a key shows and a mouse press hides, and its way through the widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PySide6.QtGui import QWindow

BY_MOUSE = "lastUsedTheMouse"  # property of the application
_PRESSES = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick, QEvent.Type.TouchBegin)
MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


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
            self._note(by_mouse=event.key() in MODIFIERS and self._app.property(BY_MOUSE))
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


def tab_stops(part: QWidget) -> Iterator[QWidget]:
    """The widgets of a part that Tab reaches, in reading order, with the focused one even if it has just been hidden."""
    if part.isWindow() or not (part.isVisible() or part.hasFocus()):
        return
    if part.isEnabled() and part.focusPolicy() & Qt.FocusPolicy.TabFocus and part.focusProxy() is None:
        yield part
    rows: list[list[QWidget]] = []
    children = part.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    for child in sorted(children, key=QWidget.y):
        if rows and child.geometry().center().y() <= rows[-1][0].geometry().bottom():
            rows[-1].append(child)
        else:
            rows.append([child])
    for row in rows:
        for child in sorted(row, key=QWidget.x, reverse=part.isRightToLeft()):
            yield from tab_stops(child)


def focus_next(stops: Sequence[QWidget], *, forward: bool) -> bool:
    """Focus the stop after the focused one, or the one before it, and scroll to it; False if there is none."""
    if not stops:
        return False
    focused, step = QApplication.focusWidget(), 1 if forward else -1
    place = stops.index(focused) + step if focused in stops else min(0, step)
    stop = stops[place % len(stops)]
    above: QWidget | None = stop
    stop.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
    while above is not None and (above := above.parentWidget()):
        if isinstance(above, QAbstractScrollArea):
            bar, high = above.verticalScrollBar(), above.viewport().height()
            top = stop.mapTo(above, QPoint(0, 0)).y()
            bar.setValue(bar.value() + (min(top, 0) or max(top + stop.height() - high, 0)))
    return True
