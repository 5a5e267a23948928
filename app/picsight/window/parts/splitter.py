"""A line between two parts of the window that can be moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSplitter, QSplitterHandle

from picsight.window.tokens import tones

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent


class LineSplitter(QSplitter):
    """Two parts side by side; the line between them is one pixel wide and easier to take hold of than it looks."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setHandleWidth(1)  # Qt takes a few pixels more for the mouse
        self.setChildrenCollapsible(False)

    def createHandle(self) -> QSplitterHandle:
        """The line."""
        return _Line(self.orientation(), self)


class _Line(QSplitterHandle):
    def paintEvent(self, _event: QPaintEvent) -> None:
        """Its middle pixel."""
        painter = QPainter(self)
        painter.fillRect(self.contentsRect(), tones(self).line)
        painter.end()
