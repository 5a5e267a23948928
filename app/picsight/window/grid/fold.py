"""The line between what matches and what may: a button that says how many photos lie under it and shows or hides them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleStateChangeEvent, QPen
from PySide6.QtWidgets import QAccessibleWidget, QPushButton, QStyle, QWidget

from picsight.window.parts.controls import NO_LINE, Painted
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, TRAILING, paint_words
from picsight.window.parts.words import counted
from picsight.window.tokens import HALF, ONE, PAD, high_contrast, mix, px

if TYPE_CHECKING:
    from PySide6.QtGui import QColor, QKeyEvent, QPainter

    from picsight.window.grid.wall import Fold
    from picsight.window.tokens import Tones


class FoldButton(Painted, QPushButton):
    """88 weaker matches … Show."""

    edge = 1.0

    left = Signal(int)  # by an arrow key: -1 up, 1 down

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.is_open = False
        _speak_folds()
        self.hide()

    def say(self, fold: Fold) -> None:
        """How many photos lie under it, and whether they are shown."""
        changed, self.is_open = fold.is_open != self.is_open, fold.is_open
        words = counted(fold.weaker, "%n weaker match", "%n weaker matches")
        self.setText(words)
        self.setAccessibleName(words)
        self.setAccessibleDescription(self.tr("Hide") if fold.is_open else self.tr("Show"))
        if changed:
            state = QAccessible.State()
            _set_fold(state, is_open=True)  # what is set has changed
            QAccessible.updateAccessibility(QAccessibleStateChangeEvent(self, state))
        self.update()

    def sizeHint(self) -> QSize:
        """As high as every button."""
        return QSize(px(self, 20), px(self, 2.25))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down lead on through the photos; Enter does what a click does."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.left.emit(1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def _plate(self, colours: Tones) -> tuple[QColor, QPen]:
        fill = mix(colours.base, colours.text, 0.05 + 0.04 * self._pressure())
        return fill, QPen(colours.outline) if high_contrast() else NO_LINE

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        """A chevron, the words, what they mean, and what a click does."""
        inner, direction = self.rect().adjusted(px(self, PAD), 0, -px(self, PAD), 0), self.layoutDirection()
        side = px(self, ONE)
        chevron = QStyle.visualRect(direction, inner, QRect(inner.left(), 0, side, inner.height()))
        closed = "previous" if self.isRightToLeft() else "next"
        paint_icon(painter, chevron, "down" if self.is_open else closed, colours.text)
        metrics, before = self.fontMetrics(), side + px(self, HALF)
        painter.setLayoutDirection(direction)
        words = QStyle.visualRect(direction, inner, inner.adjusted(before, 0, 0, 0))
        paint_words(painter, words, LEADING, self.text())
        does, means = self.accessibleDescription(), self.tr("less certain")
        painter.setPen(colours.link)
        paint_words(painter, words, TRAILING, does)
        wide = metrics.horizontalAdvance(self.text())
        if words.width() - wide - metrics.horizontalAdvance(does) > metrics.horizontalAdvance(means) + px(
            self, 4
        ):
            past = inner.adjusted(before + wide + px(self, ONE), 0, 0, 0)
            painter.setPen(colours.dim)
            paint_words(painter, QStyle.visualRect(direction, inner, past), LEADING, means)


class _SpokenFold(QAccessibleWidget):
    """Adds to a button what a fold is: expanded or collapsed."""

    def __init__(self, button: FoldButton) -> None:
        super().__init__(button, QAccessible.Role.Button)
        self._button = button

    def state(self) -> QAccessible.State:
        """The button's own state and the fold's."""
        state = super().state()
        _set_fold(state, is_open=self._button.is_open)
        return state


def _set_fold(state: QAccessible.State, *, is_open: bool) -> None:
    state.expandable, state.expanded, state.collapsed = True, is_open, not is_open


@cache
def _speak_folds() -> None:
    """Let screen readers know folds as what they are; Qt asks for every object and keeps what it is given."""
    QAccessible.installFactory(
        lambda _kind, which: _SpokenFold(which) if isinstance(which, FoldButton) else None
    )
