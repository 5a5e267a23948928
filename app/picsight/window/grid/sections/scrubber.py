"""The scroll bar of the wall. In an order by date it is a scrubber: years beside it, the month during a drag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtWidgets import QScrollBar, QWidget

from picsight.window.controls.buttons import handle_of, handle_rect
from picsight.window.grid.sections.headings import DAY_SIZE, Overlay
from picsight.window.parts.labels import CENTRE, Drawn, paint_plate, paint_words, sized_font
from picsight.window.tokens import HALF, ONE, em, px

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent, QPainter

    from picsight.window.tokens import Tones

WIDTH, HANDLE, APART = 1.75, 0.4, 1.25  # em: the bar, its handle, the least distance between two years


class Scrubber(Drawn, QScrollBar):
    """A scroll bar with years; a drag or a click on a year scrolls there, and a bubble shows the date."""

    def __init__(self, words_at: Callable[[int], str], parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._words_at = words_at
        self._marks: Mapping[int, str] = {}
        self.bubble = Bubble(parent)
        self.setMouseTracking(True)
        self.valueChanged.connect(self._follow)
        self.sliderReleased.connect(self.bubble.hide)

    def set_marks(self, marks: Mapping[int, str]) -> None:
        """Set the years to show, by the values at which they begin, in the order of the wall."""
        if marks != self._marks:
            self._marks = marks
            self.update()

    def marks(self) -> list[tuple[int, str, QRect]]:
        """The shown years: value, words and rectangle; a year that would touch the one before is left out."""
        written: list[tuple[int, str, QRect]] = []
        free, high = 0, px(self, APART)
        for value, words in self._marks.items():
            top = self._top_of(value)
            if top >= free and top + high <= self.height():
                written.append((value, words, QRect(0, top, self.width(), high)))
                free = top + high
        return written

    def sizeHint(self) -> QSize:
        """Room for a year of two digits beside the handle."""
        return QSize(px(self, WIDTH), px(self, 4))

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint the handle at the outer edge, the years beside it."""
        painter.fillRect(self.rect(), colours.base)
        painter.setFont(sized_font(self, DAY_SIZE))
        here = self._top_of(self.value())
        for value, year, place in self.marks():
            is_here = place.top() <= here + 1 < self._end_of(value)
            painter.setPen(colours.text if is_here else colours.dim)
            words = place.adjusted(0, 0, -px(self, HANDLE), 0)
            if self.isRightToLeft():
                words.moveRight(place.right())
            paint_words(painter, words, CENTRE, year)
        if self.maximum() > self.minimum():
            self._paint_handle(painter, colours)

    def _paint_handle(self, painter: QPainter, colours: Tones) -> None:
        wide, handle = em(self) * HANDLE, QRectF(handle_rect(self))
        handle = QRectF(
            1 if self.isRightToLeft() else self.width() - wide - 1, handle.top(), wide, handle.height()
        )
        held = self.underMouse() or self.isSliderDown()
        paint_plate(painter, handle, wide / 2, handle_of(colours.base, colours.text, held=held))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Scroll to a year, or move the handle to the pointer and start a drag."""
        if self._marks and event.button() == Qt.MouseButton.LeftButton:
            y = event.position().toPoint().y()
            handle = handle_rect(self)
            if not handle.top() <= y <= handle.bottom():
                here = self._value_at(y - handle.height() // 2)
                years = (value for value, _, place in self.marks() if place.top() <= y <= place.bottom())
                self.setValue(next(years, here))
        super().mousePressEvent(event)
        self._follow()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the date at the pointer."""
        super().mouseMoveEvent(event)
        if not self.isSliderDown():
            y = event.position().toPoint().y()
            self._say(self._value_at(y), y)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the bubble."""
        super().leaveEvent(event)
        if not self.isSliderDown():
            self.bubble.hide()

    def _follow(self) -> None:
        if self.isSliderDown():
            self._say(self.value(), handle_rect(self).center().y())

    def _say(self, value: int, y: int) -> None:
        words = self._words_at(value)
        if not words:
            self.bubble.hide()
            return
        self.bubble.setText(words)
        host = self.bubble.parentWidget()
        assert host is not None, "it was made with one"
        at = self.mapTo(host, QPoint(0, y))
        x = at.x() + self.width() if self.isRightToLeft() else at.x() - self.bubble.width()
        top = min(max(at.y() - self.bubble.height() // 2, 0), host.height() - self.bubble.height())
        self.bubble.move(x, top)
        self.bubble.show()
        self.bubble.raise_()

    def _top_of(self, value: int) -> int:
        """The y of the handle's upper edge at a value."""
        room = self.height() - handle_rect(self).height()
        return round(room * value / max(self.maximum(), 1))

    def _value_at(self, top: int) -> int:
        room = self.height() - handle_rect(self).height()
        return min(max(round(self.maximum() * top / max(room, 1)), 0), self.maximum())

    def _end_of(self, value: int) -> int:
        after = next((other for other in self._marks if other > value), None)
        return self.height() + 1 if after is None else self._top_of(after)


class Bubble(Drawn, Overlay):
    """The date that the scrubber points to: July 2020."""

    def setText(self, words: str) -> None:
        """Show these words and fit the size to them."""
        super().setText(words)
        self.resize(self.fontMetrics().horizontalAdvance(words) + 2 * px(self, ONE), px(self, 2.25))

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint a plate with an outline, visible over photos."""
        paint_plate(painter, self.rect(), px(self, HALF), colours.window, colours.outline, inset=0.5)
        painter.setPen(colours.text)
        paint_words(painter, self.rect(), CENTRE, self.text())
