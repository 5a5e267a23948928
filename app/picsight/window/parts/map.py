"""A small map without a network: coasts, borders, and a mark at each position."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from picsight.window.tokens import HAIR, HALF, SMALL, px, tones

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QPaintEvent, QResizeEvent

    from picsight_engine.photos.outlines import Outline

    Position = tuple[float, float]  # degrees north, degrees east
    Box = tuple[float, float, float, float]  # degrees: west, south, east, north

HEIGHT = 9  # em
LEAST, MOST = 5.0, 32.0  # degrees of latitude from top to bottom: a small country, the middle of a continent
OCEAN = 60.0  # ... and where there is no land
COAST = (0.05, 0.2, 0.5)  # degrees beside a position at which land is looked for
_AROUND = ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
AIR = 1.2  # times what is to be seen
FLATTEST = 0.2  # degrees of longitude are this long at least: near the poles the map is stretched


@dataclass(frozen=True, slots=True)
class Frame:
    """What a map shows: its middle, and how many degrees of latitude it is high."""

    lat: float
    lon: float
    high: float

    @property
    def flattened(self) -> float:
        """How long a degree of longitude is in the middle, beside one of latitude."""
        return max(math.cos(math.radians(self.lat)), FLATTEST)


def frame_of(positions: Sequence[Position], outlines: Iterable[Outline], aspect: float) -> Frame:
    """Where to look so that one knows where the positions are: all of them, with the land around the first one as far as
    that is no larger than a part of a continent. `aspect` is width by height.
    """
    lats, lons = [lat for lat, _ in positions], _together([lon for _, lon in positions])
    marks = min(lons), min(lats), max(lons), max(lats)
    land = _land(positions[0][0], positions[0][1], outlines)
    if land is None:
        return _around(marks, aspect, least=OCEAN)
    frame = _around(_union(marks, land), aspect)
    return frame if frame.high <= MOST else _around(marks, aspect, least=MOST)


def _together(lons: Sequence[float]) -> list[float]:
    """Longitudes on both sides of the antimeridian as neighbours."""
    if max(lons) - min(lons) <= 180:
        return list(lons)
    return [lon + 360 if lon < 0 else lon for lon in lons]


def _land(lat: float, lon: float, outlines: Iterable[Outline]) -> Box | None:
    """The box of the land at a position: an island, or a country's part of a continent. Coasts may be off a little."""
    from picsight_engine.photos.outlines import is_inside  # numpy: after the first frame

    beside = [(lat + north * step, lon + east * step) for step in COAST for north, east in _AROUND]
    rings = [ring for outline in outlines if _is_near(outline.bounds, lat, lon) for ring in outline.rings]
    for north, east in [(lat, lon), *beside]:
        for ring in rings:
            if is_inside((ring,), east, north):
                (west, south), (right, top) = ring.min(axis=0).tolist(), ring.max(axis=0).tolist()
                return west, south, right, top
    return None


def _is_near(box: Box, lat: float, lon: float) -> bool:
    west, south, east, north = box
    most = COAST[-1]
    return west - most <= lon <= east + most and south - most <= lat <= north + most


def _union(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _around(box: Box, aspect: float, least: float = LEAST) -> Frame:
    west, south, east, north = box
    middle = Frame((south + north) / 2, (west + east) / 2, 0.0)
    high = max(north - south, (east - west) * middle.flattened / aspect)
    return Frame(middle.lat, middle.lon, max(AIR * high, least))


class PlacesMap(QWidget):
    """Shows positions, whatever has them; its accessible name is a sentence that says the same."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._positions: tuple[Position, ...] = ()
        self._outlines: tuple[Outline, ...] = ()
        self._land: QPixmap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_positions(
        self, positions: Sequence[Position], outlines: Sequence[Outline], sentence: str
    ) -> None:
        """Show these, which the sentence names; hidden for none."""
        self.setVisible(bool(positions))
        self.setAccessibleName(sentence)
        if (tuple(positions), tuple(outlines)) != (self._positions, self._outlines):
            self._positions, self._outlines = tuple(positions), tuple(outlines)
            self._renew()

    def sizeHint(self) -> QSize:
        """Nine em high."""
        return QSize(px(self, 2 * HEIGHT), px(self, HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The land is drawn anew."""
        super().resizeEvent(event)
        self._renew()

    def changeEvent(self, event: QEvent) -> None:
        """In other colours, too."""
        super().changeEvent(event)
        self._renew()

    def _renew(self) -> None:
        self._land = None
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Land and sea, then the marks, each with a rim that parts it from what lies below."""
        if not self._positions:
            return
        frame = frame_of(self._positions, self._outlines, self.width() / self.height())
        if self._land is None:
            self._land = self._drawn_land(frame)
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._land)
        radius = px(self, SMALL if len(self._positions) == 1 else HAIR)
        painter.setPen(QPen(colours.base, max(1.5, radius / 3)))
        painter.setBrush(colours.accent)
        for lat, lon in self._positions:
            east = lon + 360 * round((frame.lon - lon) / 360)
            painter.drawEllipse(self._point(frame, lat, east), radius, radius)
        painter.end()

    def _scale(self, frame: Frame) -> float:
        """Pixels of a degree of latitude."""
        return self.height() / frame.high

    def _point(self, frame: Frame, lat: float, lon: float) -> QPointF:
        scale = self._scale(frame)
        x = self.width() / 2 + (lon - frame.lon) * frame.flattened * scale
        return QPointF(x, self.height() / 2 + (frame.lat - lat) * scale)

    def _drawn_land(self, frame: Frame) -> QPixmap:
        """Kept, as a coast has some thousand points."""
        ratio, colours = self.devicePixelRatioF(), tones(self)
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(colours.window)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge, whole = QPainterPath(), QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        edge.addRoundedRect(whole, px(self, HALF), px(self, HALF))
        painter.setClipPath(edge)
        painter.fillRect(self.rect(), colours.base)
        painter.setPen(QPen(colours.groove, 1))
        painter.setBrush(colours.hover)
        for path in self._paths(frame):
            painter.drawPath(path)
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(edge)
        painter.end()
        return pixmap

    def _paths(self, frame: Frame) -> Iterable[QPainterPath]:
        """The countries in sight, also those beyond the antimeridian."""
        scale, half = self._scale(frame), frame.high / 2
        beside = self.width() / 2 / scale / frame.flattened
        for turn in (-360, 0, 360):
            for outline in self._outlines:
                west, south, east, north = outline.bounds
                if (
                    west + turn > frame.lon + beside
                    or east + turn < frame.lon - beside
                    or south > frame.lat + half
                    or north < frame.lat - half
                ):
                    continue
                path = QPainterPath()
                for ring in outline.rings:
                    x = self.width() / 2 + (ring[:, 0] + turn - frame.lon) * frame.flattened * scale
                    y = self.height() / 2 + (frame.lat - ring[:, 1]) * scale
                    path.addPolygon(
                        QPolygonF([QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)])
                    )
                    path.closeSubpath()
                yield path
