"""A text line with Picsight's outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPalette, QPen
from PySide6.QtWidgets import QLineEdit, QWidget

from picsight.window.parts.labels import paint_plate
from picsight.window.tokens import HALF, SMALL, em, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent


class LineEdit(QLineEdit):
    """A text line as high as a button; the outline is stronger with the focus."""

    def __init__(self, name: str, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setFrame(False)
        self.setTextMargins(px(self, HALF), 0, px(self, HALF), 0)
        clear = QPalette()
        # Its background has round corners.
        clear.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.setPalette(clear)

    def sizeHint(self) -> QSize:
        """Qt's default width, a button's height."""
        return QSize(super().sizeHint().width(), px(self, 2.25))

    def minimumSizeHint(self) -> QSize:
        """Room for some letters."""
        return QSize(px(self, 6), px(self, 2.25))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the background with its outline, then the words."""
        colours, painter = tones(self.parentWidget() or self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strong = QPen(colours.text, max(1.5, 0.12 * em(self)))
        edge = strong if self.hasFocus() else QPen(colours.outline, 1)
        paint_plate(painter, self.rect(), px(self, SMALL), colours.base, edge, inset=1)
        painter.end()
        super().paintEvent(event)
