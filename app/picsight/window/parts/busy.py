"""A thin line under the box: something is being worked out. Nothing shows for the first 300 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from picsight.window.tokens import px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

PATIENCE_MS, FRAME_MS, ROUND = 300, 33, 45  # a third of a screen runs across in ROUND frames


class BusyLine(QWidget):
    """Keeps its two pixels when nothing goes on, so that nothing below it moves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(2)
        self.setAccessibleName(self.tr("Searching"))
        self._frame = -1
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._frames = QTimer(self, interval=FRAME_MS)
        self._patience.timeout.connect(self._begin)
        self._frames.timeout.connect(self._advance)

    def set_busy(self, busy: bool) -> None:
        """Begin to wait, or have done with it."""
        if busy and not self._frames.isActive():
            self._patience.start()
        elif not busy:
            self._patience.stop()
            self._frames.stop()
            self._frame = -1
            self.update()

    def _begin(self) -> None:
        self._frames.start()

    def _advance(self) -> None:
        self._frame = (self._frame + 1) % ROUND
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A line that says where the photos begin, and a part of it that runs."""
        colours, painter = tones(self), QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, colours.line)
        if self._frame >= 0:
            part = max(self.width() // 3, px(self, 4))
            left = (self.width() + part) * self._frame // ROUND - part
            painter.fillRect(left, 0, part, self.height(), colours.accent)
        painter.end()
