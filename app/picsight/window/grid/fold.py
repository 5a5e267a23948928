"""The line between what matches and what may: a button that says how many photos lie under it and shows or hides them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleStateChangeEvent, QPainter
from PySide6.QtWidgets import QAccessibleWidget, QPushButton, QStyle, QWidget

from picsight.window.parts.controls import draw_focus, press_by_enter
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, TRAILING, paint_words
from picsight.window.parts.words import counted
from picsight.window.tokens import HALF, ONE, PAD, SMALL, high_contrast, mix, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QPaintEvent

    from picsight.window.grid.wall import Fold


class FoldButton(QPushButton):
    """88 weaker matches … Show."""

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
        elif not press_by_enter(self, event):
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A bar with a chevron, the words, what they mean, and what a click does."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape, radius = QRectF(self.rect()).adjusted(1, 1, -1, -1), px(self, SMALL)
        pressed = 2 if self.isDown() else int(self.underMouse())
        painter.setPen(colours.outline if high_contrast() else Qt.PenStyle.NoPen)
        painter.setBrush(mix(colours.base, colours.text, 0.05 + 0.04 * pressed))
        painter.drawRoundedRect(shape, radius, radius)
        inner = self.rect().adjusted(px(self, PAD), 0, -px(self, PAD), 0)
        side = px(self, ONE)
        chevron = QStyle.alignedRect(
            self.layoutDirection(),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            QSize(side, side),
            inner,
        )
        closed = "previous" if self.isRightToLeft() else "next"
        paint_icon(painter, chevron, "down" if self.is_open else closed, colours.text)
        self._paint_words(painter, inner.adjusted(side + px(self, HALF), 0, 0, 0))
        draw_focus(painter, self, shape, radius)
        painter.end()

    def _paint_words(self, painter: QPainter, area: QRect) -> None:
        colours, metrics = tones(self), self.fontMetrics()
        inner = (
            area
            if not self.isRightToLeft()
            else QRect(self.rect().right() - area.right(), 0, area.width(), area.height())
        )
        painter.setLayoutDirection(self.layoutDirection())
        painter.setPen(colours.text)
        paint_words(painter, inner, LEADING, self.text())
        does = self.tr("Hide") if self.is_open else self.tr("Show")
        painter.setPen(colours.link)
        paint_words(painter, inner, TRAILING, does)
        means = self.tr("less certain")
        room = inner.width() - metrics.horizontalAdvance(self.text()) - metrics.horizontalAdvance(does)
        if room > metrics.horizontalAdvance(means) + px(self, 4):
            past = metrics.horizontalAdvance(self.text()) + px(self, ONE)
            place = inner.adjusted(0, 0, -past, 0) if self.isRightToLeft() else inner.adjusted(past, 0, 0, 0)
            painter.setPen(colours.dim)
            paint_words(painter, place, LEADING, means)


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
