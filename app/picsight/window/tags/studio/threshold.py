"""The threshold of a tag: a slider over the histogram of scores, which shows what a threshold includes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLocale, QPointF, QRect, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QSlider, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import draw_focus
from picsight.window.controls.keys import Key
from picsight.window.parts.labels import LEADING, TRAILING, Drawn, paint_words
from picsight.window.parts.words import counted
from picsight.window.tokens import HALF, SMALL, em, mix, px

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

    from picsight.window.tokens import Tones

STEPS = 100  # of the threshold from 0 to 1
# Em: the whole height, and the radii of the handle and of a decision's mark
HIGH, HANDLE, MARK = 8.0, 0.5, 0.2
LINE = 1.75  # em: the words above the bars


class ThresholdSlider(Drawn, QSlider):
    """Signals its value while it moves."""

    KEYS = (Key("Move the threshold", {"Left": None, "Right": None}),)

    moved = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._before = 0
        self.show_histogram(NO_SCORES)
        self.setRange(0, STEPS)
        self.setPageStep(STEPS // 10)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.valueChanged.connect(self._move)

    def show_histogram(self, histogram: ScoreHistogram) -> None:
        """Show these scores and decisions."""
        self._histogram, self._heights = histogram, histogram.heights()
        # Marks nearer to each other than this lie on one pixel.
        self._decided = [np.unique(np.round(each, 3)) for each in (histogram.rejected, histogram.accepted)]
        self._say()

    def show_threshold(self, threshold: float) -> None:
        """Set the threshold without a signal."""
        with QSignalBlocker(self):
            self.setValue(round(threshold * STEPS))
        self._say()

    def threshold(self) -> float:
        """The threshold, from 0 to 1."""
        return self.value() / STEPS

    def words(self) -> str:
        """How many photos are in the tag."""
        return counted(self._histogram.count_in(self.threshold()), "%n photo in", "%n photos in")

    def sizeHint(self) -> QSize:
        """As wide as fits."""
        return QSize(px(self, 20), px(self, HIGH))

    def minimumSizeHint(self) -> QSize:
        """Wide enough for its words."""
        words = self.fontMetrics().horizontalAdvance(f"{self._number()}  {self.words()}")
        return QSize(max(words, px(self, 10)), px(self, HIGH))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the handle to the pointer; a histogram, unlike a groove, is not paged through."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._before = self.value()
            self.setSliderDown(True)
            self.setValue(self._value_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        if self.isSliderDown():
            self.setValue(self._value_at(event.position().x()))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Leave the handle where it is."""
        self.setSliderDown(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Cancel a drag with Escape."""
        if event.key() == Qt.Key.Key_Escape and self.isSliderDown():
            self.setValue(self._before)
            self.setSliderDown(False)
        else:
            super().keyPressEvent(event)

    def _move(self, _value: int) -> None:
        self._say()
        self.moved.emit(self.threshold())

    def _say(self) -> None:
        self.setAccessibleName(tr("Threshold"))
        self.setAccessibleDescription(f"{self._number()}, {self.words()}")
        self.update()

    def _number(self) -> str:
        return QLocale().toString(self.threshold(), "f", 2)

    # Geometry

    def _area(self) -> QRectF:
        """The rectangle of the bars; the handle stays inside at both ends."""
        side, foot = px(self, HANDLE + HALF), px(self, 2 * HANDLE + SMALL)
        return QRectF(self.rect()).adjusted(side, px(self, LINE), -side, -foot)

    def _x(self, score: float) -> float:
        area = self._area()
        return (
            area.right() - score * area.width()
            if self.isRightToLeft()
            else area.left() + score * area.width()
        )

    def _value_at(self, x: float) -> int:
        area = self._area()
        share = (x - area.left()) / max(area.width(), 1)
        return round(STEPS * min(max(1 - share if self.isRightToLeft() else share, 0), 1))

    # Painting

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        self._paint_words(painter, colours)
        self._paint_bars(painter, colours)
        self._paint_decisions(painter, colours)
        self._paint_threshold(painter, colours)
        draw_focus(painter, self, QRectF(self.rect()).adjusted(1, 1, -1, -1), px(self, SMALL))

    def _paint_words(self, painter: QPainter, colours: Tones) -> None:
        side = px(self, HALF)
        # In line with the headings beside it.
        line = QRect(side, 0, self.width() - 2 * side, self.fontMetrics().height())
        painter.setPen(colours.text)
        paint_words(painter, line, LEADING, self.words())
        painter.setPen(colours.dim)
        paint_words(painter, line, TRAILING, self._number())

    def _paint_bars(self, painter: QPainter, colours: Tones) -> None:
        """Fill the bars above the threshold and outline the others: visible without colour, too."""
        area, threshold = self._area(), self.threshold()
        gap = area.width() / BARS * 0.15
        for place, height in enumerate(self._heights):
            one, other = sorted((self._x(place / BARS), self._x((place + 1) / BARS)))
            high = max(height * area.height(), 1.5) if height else 0
            bar = QRectF(one + gap, area.bottom() - high, other - one - 2 * gap, high)
            is_in = (place + 0.5) / BARS >= threshold
            painter.setPen(Qt.PenStyle.NoPen if is_in else QPen(colours.outline, 1))
            painter.setBrush(colours.accent if is_in else colours.placeholder)
            painter.drawRect(bar if is_in else bar.adjusted(0.5, 0.5, -0.5, 0))
        painter.setPen(QPen(colours.outline, 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())

    def _paint_decisions(self, painter: QPainter, colours: Tones) -> None:
        """Paint below the line a dot for each accepted photo, a ring for each rejected one."""
        radius = em(self) * MARK
        middle = self._area().bottom() + radius + 3
        painter.setPen(QPen(colours.text, 1.2))
        for scores, fill in zip(self._decided, (colours.base, colours.text), strict=True):
            painter.setBrush(fill)
            for score in scores:
                painter.drawEllipse(QPointF(self._x(score), middle), radius, radius)

    def _paint_threshold(self, painter: QPainter, colours: Tones) -> None:
        area, x, radius = self._area(), self._x(self.threshold()), px(self, HANDLE)
        painter.setPen(QPen(colours.text, 1.5))
        foot = self.height() - radius - 1.5
        painter.drawLine(QPointF(x, area.top()), QPointF(x, foot - radius))
        hot = bool(self.isSliderDown() or self.underMouse())
        painter.setBrush(mix(colours.base, colours.text, 0.12 if hot else 0.0))
        painter.drawEllipse(QPointF(x, foot), radius, radius)


BARS = 50


@dataclass(frozen=True, slots=True)
class ScoreHistogram:
    """Scores from 0 to 1 of undecided, accepted and rejected photos, each [n].

    Accepted photos are in the tag at any threshold, rejected ones never.
    """

    undecided: NDArray[np.float32]
    accepted: NDArray[np.float32]
    rejected: NDArray[np.float32]

    def count_in(self, threshold: float) -> int:
        """How many photos are in the tag with this threshold."""
        return len(self.accepted) + int(np.sum(self.undecided >= threshold))

    def bars(self) -> NDArray[np.int64]:
        """The number of undecided photos in each of `BARS` equal parts from 0 to 1."""
        return np.histogram(self.undecided, BARS, (0, 1))[0]

    def heights(self) -> list[float]:
        """The bars from 0 to 1 on a logarithmic scale: nearly all photos of a library score low for a tag."""
        bars = np.log1p(self.bars())
        heights: list[float] = (bars / (bars.max() or 1)).tolist()
        return heights


NO_SCORES = ScoreHistogram(*np.empty((3, 0), np.float32))
