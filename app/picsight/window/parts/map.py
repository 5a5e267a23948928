"""A small map without a network: coasts, borders, and a mark at each position."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QDataStream, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap, QPolygonF, QTransform
from PySide6.QtWidgets import QSizePolicy, QWidget

from picsight.texts import tr
from picsight.window.tokens import HAIR, HALF, SMALL, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QPaintEvent

    Position = tuple[float, float]  # degrees north, degrees east
    # Outlines with their bounding boxes; x is degrees east, y degrees south, as on a screen.
    Land = tuple[tuple[QPolygonF, QRectF], ...]

HEIGHT = 9  # em
# Degrees from top to bottom: an island with nearby coast, the middle of a continent, no land.
LEAST, MOST, OCEAN = 10.0, 32.0, 60.0
AIR = 1.2  # the factor of the view's margin
# Degrees around a position in which land is searched, since coasts are imprecise.
COAST = (0.001, 0.05, 0.2, 0.5)
FLATTEST = 0.2  # the least length of a degree of longitude relative to latitude, for positions near the poles
_TURNS = (-360, 0, 360)  # the land is drawn beyond the antimeridian, too


@cache
def read_land() -> Land:
    """Every island, and every country's part of a continent; read once, in any thread."""
    from picsight_engine.photos.metadata.geography import outlines  # numpy: after the first frame

    parts = (_polygon(ring * [1, -1]) for outline in outlines() for ring in outline.rings)
    return tuple((part, part.boundingRect()) for part in parts)


def _polygon(points: NDArray[np.floating]) -> QPolygonF:
    """Make a polygon from the bytes of Qt's format: point by point, all polygons would take half a second."""
    polygon = QPolygonF()
    data = QByteArray(len(points).to_bytes(4, "big") + points.astype(">f8").tobytes())
    QDataStream(data) >> polygon
    return polygon


def view_of(positions: Sequence[Position], land: Land, aspect: float) -> tuple[QPointF, float]:
    """The view that makes the positions recognisable: its middle, and its height in degrees.

    All positions are visible, with the land around the first one unless that is larger than a part of a continent.
    `aspect` is width by height.
    """
    lats, lons = zip(*positions, strict=True)
    turned = tuple(lon % 360 for lon in lons)
    if max(lons) - min(lons) > 180 > max(turned) - min(turned):  # on both sides of the antimeridian
        lons = turned
    marks = QRectF(QPointF(min(lons), -max(lats)), QPointF(max(lons), -min(lats)))
    home = next(
        (box for reach in COAST for part, box in land if _is_at(part, box, positions[0], reach)), None
    )
    if home is None:
        return marks.center(), max(_high(marks, aspect), OCEAN)
    box = marks | home
    if _high(box, aspect) > MOST:
        return marks.center(), max(_high(marks, aspect), MOST)
    return box.center(), max(_high(box, aspect), LEAST)


def _is_at(part: QPolygonF, box: QRectF, position: Position, reach: float) -> bool:
    lat, lon = position
    square = QRectF(lon - reach, -lat - reach, 2 * reach, 2 * reach)
    return square.intersects(box) and part.intersects(QPolygonF(square))


def _high(box: QRectF, aspect: float) -> float:
    return AIR * max(box.height(), box.width() * _flattened(box.center().y()) / aspect)


def _flattened(lat: float) -> float:
    return max(math.cos(math.radians(lat)), FLATTEST)


class PlacesMap(QWidget):
    """Shows positions; its accessible name is a sentence about them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._positions: tuple[Position, ...] = ()
        self._land: Land = ()
        self._drawn: tuple[tuple[object, ...], QPixmap] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setToolTip(tr("Map by Natural Earth. Names of places by GeoNames, CC BY 4.0."))
        self.hide()

    def show_positions(self, positions: Sequence[Position], land: Land, sentence: str) -> None:
        """Show these positions, described by the sentence; hide for none."""
        self._positions, self._land = tuple(positions), land
        self.setVisible(bool(positions))
        self.setAccessibleName(sentence)
        self.update()

    def sizeHint(self) -> QSize:
        """Twice as wide as high."""
        return QSize(px(self, 2 * HEIGHT), px(self, HEIGHT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the map, which is cached for these positions, size and colours."""
        ratio = self.devicePixelRatioF()
        key = (self._positions, len(self._land), self.size(), ratio, self.palette().cacheKey())
        if self._positions and (self._drawn is None or self._drawn[0] != key):
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            self._draw(QPainter(pixmap))
            self._drawn = key, pixmap
        if self._drawn is not None:
            painter = QPainter(self)
            painter.drawPixmap(0, 0, self._drawn[1])
            painter.end()

    def _draw(self, painter: QPainter) -> None:
        """Draw land and sea, then the marks, each with a rim."""
        middle, high = view_of(self._positions, self._land, self.width() / self.height())
        scale, edge = self.height() / high, QPainterPath()
        edge.addRoundedRect(
            QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), px(self, HALF), px(self, HALF)
        )
        to_screen = QTransform.fromTranslate(self.width() / 2, self.height() / 2)
        to_screen.scale(scale * _flattened(middle.y()), scale).translate(-middle.x(), -middle.y())
        colours = tones(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(edge, colours.base)
        painter.setClipPath(edge)
        self._paint_land(painter, to_screen)
        radius = px(self, SMALL if len(self._positions) == 1 else HAIR)
        painter.setPen(QPen(colours.base, max(1.5, radius / 3)))
        painter.setBrush(colours.accent)
        for lat, lon in self._positions:
            east = lon + 360 * round((middle.x() - lon) / 360)
            painter.drawEllipse(to_screen.map(QPointF(east, -lat)), radius, radius)
        painter.setClipping(False)
        painter.strokePath(edge, QPen(colours.groove, 1))
        painter.end()

    def _paint_land(self, painter: QPainter, to_screen: QTransform) -> None:
        pen = QPen(tones(self).groove, 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(tones(self).hover)
        for turn in _TURNS:
            turned = QTransform.fromTranslate(turn, 0) * to_screen
            sight = turned.inverted()[0].mapRect(QRectF(self.rect()))
            painter.setTransform(turned)
            for part, box in self._land:
                if sight.intersects(box):
                    painter.drawPolygon(part)
        painter.resetTransform()
