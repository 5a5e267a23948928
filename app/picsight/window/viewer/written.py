"""The lines that are written in the shown photo: those that a search means are marked, and all can be selected like text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF, QTransform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.tokens import Tones
    from picsight_engine.foundation.written_line import WrittenLine

_TINT = 0.4  # opacity of the selection


class WrittenLines:
    """Paints and selects lines; places are in logical pixels of the viewport, in which `target` is the whole photo."""

    def __init__(self) -> None:
        self._lines: Sequence[WrittenLine] = ()
        self._marked: Sequence[WrittenLine] = ()
        self._selected: range = range(0)
        self._first = -1  # where the selection began

    def show(self, lines: Sequence[WrittenLine], marked: Sequence[WrittenLine]) -> None:
        """Take the lines of another photo, in reading order, and those of them that the search means."""
        self._lines, self._marked, self._selected = lines, marked, range(0)

    @property
    def selected_text(self) -> str:
        """The selected lines, in reading order."""
        return "\n".join(self._lines[row].text for row in self._selected)

    def holds(self, target: QRectF, at: QPointF) -> bool:
        """Whether a line is at this place."""
        return self._row(target, at) >= 0

    def begin(self, target: QRectF, at: QPointF) -> bool:
        """Select the line at this place alone; without one, select nothing and return False."""
        self._first = self._row(target, at)
        self._selected = range(self._first, self._first + 1) if self._first >= 0 else range(0)
        return self._first >= 0

    def extend(self, target: QRectF, at: QPointF) -> None:
        """Select every line from the first one to the one at this place."""
        row = self._row(target, at)
        if row >= 0:
            self._selected = range(min(self._first, row), max(self._first, row) + 1)

    def paint(self, painter: QPainter, target: QRectF, colours: Tones, width: float) -> None:
        """Outline the marked lines, `width` pixels wide, and tint the selected ones."""
        tint = QColor(colours.accent)
        tint.setAlphaF(_TINT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, line in enumerate(self._lines):
            outline = _outline(line, target)
            if row in self._selected:
                painter.setPen(QColor(0, 0, 0, 0))
                painter.setBrush(tint)
                painter.drawPolygon(outline)
            if line in self._marked:
                painter.setBrush(QColor(0, 0, 0, 0))
                for colour, wide in (
                    (colours.stage, 2 * width),
                    (colours.accent, width),
                ):  # seen on every picture
                    painter.setPen(QPen(colour, wide))
                    painter.drawPolygon(outline)

    def _row(self, target: QRectF, at: QPointF) -> int:
        rule = Qt.FillRule.OddEvenFill
        found = (
            row for row, line in enumerate(self._lines) if _outline(line, target).containsPoint(at, rule)
        )
        return next(found, -1)


def _outline(line: WrittenLine, target: QRectF) -> QPolygonF:
    """The corners of a line in the viewport."""
    width, height = line.width * target.width(), line.height * target.height()
    middle = QPointF(
        target.x() + line.x * target.width() + width / 2, target.y() + line.y * target.height() + height / 2
    )
    turn = QTransform().translate(middle.x(), middle.y()).rotate(line.angle)
    return turn.map(QPolygonF(QRectF(-width / 2, -height / 2, width, height)))
