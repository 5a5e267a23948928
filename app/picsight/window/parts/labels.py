"""Words on a page: labels of a size, and one line that gives way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from picsight.window.tokens import tones

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent


def sized(label: QLabel, factor: float, *, semibold: bool = False) -> QLabel:
    """Give a label a size relative to body text."""
    font = QFont(label.font())
    font.setPointSizeF(font.pointSizeF() * factor)
    if semibold:
        font.setWeight(QFont.Weight.DemiBold)
    label.setFont(font)
    return label


class ElidedLabel(QLabel):
    """One line that is cut at its end rather than making its neighbours narrow."""

    def __init__(
        self, parent: QWidget | None = None, *, edge: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeading
    ) -> None:
        super().__init__(parent)
        self._edge, self._short = edge, ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, words: str, short: str = "") -> None:
        """Show these words, or, where there is no room for them, the short ones; both are read aloud as the first."""
        self._short = short
        self.setText(words)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The text, cut where it is too long, dim as all words about words."""
        painter = QPainter(self)
        painter.setPen(tones(self).dim)
        fits = self.fontMetrics().horizontalAdvance(self.text()) <= self.width()
        words = self.text() if fits or not self._short else self._short
        shown = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | self._edge, shown)
        painter.end()
