"""The faces in the shown photo: each has a frame, its person's name below it, and is named by a click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from picsight.texts import tr
from picsight.window.parts.labels import CENTRE, paint_plate, paint_words
from picsight.window.parts.words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.tokens import Tones
    from picsight_engine.store.derived.faces import Face

_PLATE = 0.85  # opacity of the plate behind a name


class MarkedFaces:
    """Paints and finds faces; places are in logical pixels of the viewport, in which `target` is the whole photo."""

    def __init__(self) -> None:
        self._faces: Sequence[tuple[Face, str | None]] = ()

    def show(self, faces: Sequence[tuple[Face, str | None]]) -> None:
        """Take the faces of another photo, each with the name of its person."""
        self._faces = faces

    def at(self, target: QRectF, point: QPointF) -> Face | None:
        """The smallest face at this place."""
        found = [face for face, _ in self._faces if _frame(face, target).contains(point)]
        return min(found, key=lambda face: face.box.width, default=None)

    def paint(self, painter: QPainter, target: QRectF, colours: Tones, width: float) -> None:
        """Draw the frames, `width` pixels wide, and the names; a face without one is asked about."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plate = QColor(colours.stage)
        plate.setAlphaF(_PLATE)
        metrics = painter.fontMetrics()
        for face, name in self._faces:
            frame = _frame(face, target)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, wide in (
                (colours.stage, 2 * width),
                (colours.accent, width),
            ):  # seen on every picture
                painter.setPen(QPen(colour, wide, Qt.PenStyle.SolidLine if name else Qt.PenStyle.DashLine))
                painter.drawRoundedRect(frame, 2 * width, 2 * width)
            words = tr("Who?") if name is None else plain(name)
            room = QRect(0, 0, metrics.horizontalAdvance(words) + metrics.height(), metrics.height())
            room.moveCenter(QPointF(frame.center().x(), frame.bottom() + metrics.height()).toPoint())
            paint_plate(painter, room, room.height() // 2, plate)
            painter.setPen(colours.on_stage)
            paint_words(painter, room, CENTRE, words)


def _frame(face: Face, target: QRectF) -> QRectF:
    """The box of a face in the viewport."""
    box = face.box
    return QRectF(
        target.x() + box.x * target.width(),
        target.y() + box.y * target.height(),
        box.width * target.width(),
        box.height * target.height(),
    )
