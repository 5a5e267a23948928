"""Round buttons side by side, which wrap to another line in a narrow window, so that no word is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QStyle, QWidget

from picsight.window.controls.buttons import Button
from picsight.window.parts.labels import paint_plate
from picsight.window.tokens import HALF, PAD, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QColor, QPainter, QResizeEvent

    from picsight.window.tokens import Tones


class Pills(QWidget):
    """Lays its buttons out in lines; its height follows from its width."""

    def __init__(self, parent: QWidget | None = None, *, between: float = 0.0) -> None:
        """`between` is the space between two lines in em."""
        super().__init__(parent)
        self._buttons: list[QAbstractButton] = []
        self._between = between
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_buttons(self, buttons: Sequence[QAbstractButton]) -> None:
        """Replace the buttons."""
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
        """True: a narrow width takes more lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of the lines at that width."""
        return max((place.bottom() + 1 for place in self._places(width)), default=0)

    def sizeHint(self) -> QSize:
        """One line."""
        gap = px(self, HALF)
        width = sum(button.sizeHint().width() + gap for button in self._buttons)
        return QSize(max(width - gap, 0), self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """Room for one button per line."""
        stiff = (button for button in self._buttons if not button.hasHeightForWidth())
        width = max((button.sizeHint().width() for button in stiff), default=0)
        return QSize(width, max((button.sizeHint().height() for button in self._buttons), default=0))

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Lay the buttons out again."""
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
    """One of several choices side by side; it stays pressed."""

    edge, above, radius = 1.0, 0.2, 0.0

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent=parent)
        self.padding = PAD
        self.setCheckable(True)

    def _plate(self, colours: Tones) -> tuple[QColor, QPen]:
        """Filled while chosen."""
        hovered = colours.hover if self.underMouse() else colours.base
        return colours.chosen if self.isChecked() else hovered, QPen(colours.line, 1)

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        super()._paint(painter, colours)
        if self.isChecked():
            above = px(self, self.above) + 2
            within = QRectF(self.rect()).adjusted(3, above, -3, -above)
            paint_plate(painter, within, within.height() / 2, line=QPen(colours.rim, 2))
