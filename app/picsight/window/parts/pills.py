"""Buttons side by side, round, that take another line where the window is narrow, so that no word of them is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QStyle, QWidget

from picsight.window.parts.controls import Button
from picsight.window.parts.focus import shows_focus
from picsight.window.parts.labels import CENTRE, paint_words
from picsight.window.tokens import HALF, PAD, em, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPaintEvent, QResizeEvent


class Pills(QWidget):
    """Lays its buttons out in lines; its height follows from its width."""

    def __init__(self, parent: QWidget | None = None, *, between: float = 0.0) -> None:
        """So many em lie between two lines."""
        super().__init__(parent)
        self._buttons: list[QAbstractButton] = []
        self._between = between
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def buttons(self) -> list[QAbstractButton]:
        """Those that are shown."""
        return list(self._buttons)

    def show_buttons(self, buttons: Sequence[QAbstractButton]) -> None:
        """Show these instead of the ones before, which go."""
        for button in self._buttons:
            button.hide()
            button.deleteLater()
        self._buttons = list(buttons)
        for button in self._buttons:
            button.setParent(self)
            button.show()
        self.updateGeometry()
        self._arrange()

    def hasHeightForWidth(self) -> bool:
        """Lines grow downwards."""
        return True

    def heightForWidth(self, width: int) -> int:
        """So high are the lines in that width."""
        return max((place.bottom() + 1 for place in self._places(width)), default=0)

    def sizeHint(self) -> QSize:
        """One line."""
        gap = px(self, HALF)
        width = sum(button.sizeHint().width() + gap for button in self._buttons)
        return QSize(max(width - gap, 0), self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """One button a line."""
        stiff = (button for button in self._buttons if not button.hasHeightForWidth())
        width = max((button.sizeHint().width() for button in stiff), default=0)
        return QSize(width, max((button.sizeHint().height() for button in self._buttons), default=0))

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Other lines."""
        self._arrange()

    def _arrange(self) -> None:
        for button, place in zip(self._buttons, self._places(self.width()), strict=True):
            button.setGeometry(QStyle.visualRect(self.layoutDirection(), self.rect(), place))

    def _places(self, width: int) -> list[QRect]:
        places: list[QRect] = []
        gap, x, y = px(self, HALF), 0, 0
        for button in self._buttons:
            wide = (
                min(button.sizeHint().width(), width)
                if button.hasHeightForWidth()
                else button.sizeHint().width()
            )
            high = button.heightForWidth(wide) if button.hasHeightForWidth() else button.sizeHint().height()
            if x and x + wide > width:
                x, y = 0, max(place.bottom() for place in places) + 1 + px(self, self._between)
            places.append(QRect(x, y, wide, high))
            x += wide + gap
        return places


class PillButton(Button):
    """A choice among some that stand side by side; it stays pressed."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent=parent)
        self.setCheckable(True)

    def sizeHint(self) -> QSize:
        """The words with 0.75 em on both sides."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + px(self, 2 * PAD), px(self, 2.25))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Filled while chosen."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QRectF(self.rect()).adjusted(1, px(self, 0.2), -1, -px(self, 0.2))
        button: QAbstractButton = self
        focused = shows_focus(self)
        painter.setPen(QPen(colours.text, max(1.5, 0.12 * em(self))) if focused else QPen(colours.line, 1))
        painter.setBrush(
            colours.chosen if button.isChecked() else colours.hover if self.underMouse() else colours.base
        )
        painter.drawRoundedRect(shape, shape.height() / 2, shape.height() / 2)
        if button.isChecked():
            within = shape.adjusted(2, 2, -2, -2)
            painter.setPen(QPen(colours.rim, 2))
            painter.drawRoundedRect(within, within.height() / 2, within.height() / 2)
        painter.setPen(colours.text)
        paint_words(painter, self.rect(), CENTRE, self.text())
        painter.end()
