"""What a model's line is made of: how much it finds, that it is recommended, a sentence with a sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStyle, QWidget

from picsight.window.models.rows import BEST
from picsight.window.parts.icons import Sign
from picsight.window.parts.labels import CENTRE, LEADING, Words, paint_words
from picsight.window.parts.words import say
from picsight.window.tokens import HALF, ONE, SMALL, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent


class Quality(QWidget):
    """How much a model finds, as filled dots of five; the number is spoken with the line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps = 0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_steps(self, steps: int) -> None:
        """Show so many; nothing at all where nobody knows."""
        self._steps = steps
        self.setVisible(bool(steps))
        self.setToolTip(say("Quality {quality} of {best}").format(quality=steps, best=BEST))
        self.update()

    def sizeHint(self) -> QSize:
        """A word and the dots."""
        word = self.fontMetrics().horizontalAdvance(say("Finds"))
        return QSize(word + px(self, HALF + BEST * ONE), px(self, 1.5))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Filled and hollow differ without colour."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        direction, side = self.layoutDirection(), px(self, 0.625)
        painter.setPen(colours.dim)
        paint_words(painter, self.rect(), LEADING, say("Finds"))
        left = self.fontMetrics().horizontalAdvance(say("Finds")) + px(self, HALF)
        for step in range(BEST):
            dot = QRect(left + step * px(self, 0.875), (self.height() - side) // 2, side, side)
            dot = QStyle.visualRect(direction, self.rect(), dot)
            painter.setPen(QPen(colours.outline, 1))
            painter.setBrush(colours.text if step < self._steps else Qt.GlobalColor.transparent)
            painter.drawEllipse(QRectF(dot).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()


class Advice(QWidget):
    """A pill that says which model most people should take."""

    def sizeHint(self) -> QSize:
        """The word with air around it."""
        return QSize(self.fontMetrics().horizontalAdvance(say("Recommended")) + px(self, ONE), px(self, 1.5))

    def minimumSizeHint(self) -> QSize:
        """Never cut."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """In the accent's tone."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(colours.rim)
        painter.setBrush(colours.pill)
        painter.drawRoundedRect(shape, shape.height() / 2, shape.height() / 2)
        painter.setPen(colours.text)
        paint_words(painter, self.rect(), CENTRE, say("Recommended"))
        painter.end()


class SignedSentence(QWidget):
    """A sentence with an icon in front of it where there is one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label, self._sign = Words(parent=self), Sign("", 1.25, self, lambda colours: colours.text)
        self._sign.setFixedHeight(self.fontMetrics().height())
        self._label.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(px(self, SMALL))
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._label, 1)
        self.say("")

    def say(self, words: str, icon: str = "") -> None:
        """Show these words, or nothing at all."""
        self._sign.show_icon(icon)
        self._label.setText(words)
        self.setVisible(bool(words))

    def words(self) -> str:
        """What is said."""
        return self._label.text()
