"""Widgets side by side or below one another, and the thin lines between the parts of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QLayout, QSplitter, QSplitterHandle, QWidget

from picsight.window.parts.labels import Drawn
from picsight.window.tokens import px

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from picsight.window.tokens import Tones

    # A pair has a stretch factor; an int is an empty stretch, a float a space in em.
    Part = QWidget | QLayout | tuple[QWidget | QLayout, int] | float

_Layout = TypeVar("_Layout", bound=QBoxLayout)


def filled(
    layout: _Layout,
    host: QWidget,
    *parts: Part,
    gap: float | None = None,
    around: tuple[float, float, float, float] | None = None,
) -> _Layout:
    """Put parts into a layout. The `gap` between them and the margins `around` them (left, top, right, bottom) are in em
    of the host's font, by default those of the style.
    """
    if around is not None:
        layout.setContentsMargins(*(px(host, margin) for margin in around))
    if gap is not None:
        layout.setSpacing(px(host, gap))
    for each in parts:
        part, stretch = each if isinstance(each, tuple) else (each, 0)
        if isinstance(part, QWidget):
            layout.addWidget(part, stretch)
        elif isinstance(part, QLayout):
            layout.addLayout(part, stretch)
        elif isinstance(part, int):
            layout.addStretch(part)
        else:
            layout.addSpacing(px(host, part))
    return layout


class Ruled(Drawn, QWidget):
    """A widget below the photos, with a separator line above it."""

    smooth = False

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        painter.fillRect(0, 0, self.width(), 1, colours.line)


class LineSplitter(QSplitter):
    """Two parts side by side; the line between them is one pixel wide, but its drag area is wider."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setHandleWidth(1)  # Qt adds a few pixels for the mouse
        self.setChildrenCollapsible(False)

    def createHandle(self) -> QSplitterHandle:
        """The line."""
        return _SplitterLine(self.orientation(), self)


class _SplitterLine(Drawn, QSplitterHandle):
    smooth = False

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint its middle pixel."""
        painter.fillRect(self.contentsRect(), colours.line)
