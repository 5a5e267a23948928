"""Icons that take the palette's colour: outline SVGs, drawn at the device's own resolution and kept."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from picsight_engine.assets import find_asset

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint, QRect
    from PySide6.QtGui import QColor


def paint_icon(painter: QPainter, rect: QRect, name: str, colour: QColor, side: int = 0) -> None:
    """Draw an icon centred in `rect`, sharp on every screen: `side` pixels square, or as large as has room."""
    side = side or min(rect.width(), rect.height())
    pixmap = icon_pixmap(name, colour, side, painter.device().devicePixelRatioF())
    corner: QPoint = rect.center()
    painter.drawPixmap(corner.x() - (side - 1) // 2, corner.y() - (side - 1) // 2, pixmap)


def icon_pixmap(name: str, colour: QColor, side: int, ratio: float) -> QPixmap:
    """An icon of `side` logical pixels in one colour."""
    return _rendered(name, colour.name(), side, ratio)


def program_icon() -> QIcon:
    """The program's own sign, for the title bar and the task switcher."""
    return QIcon(str(find_asset("icons") / "picsight.svg"))


@lru_cache(maxsize=256)
def _rendered(name: str, colour: str, side: int, ratio: float) -> QPixmap:
    source = (find_asset("icons") / f"{name}.svg").read_text(encoding="utf-8")
    renderer = QSvgRenderer(QByteArray(source.replace("currentColor", colour).encode()))
    device = QSize(round(side * ratio), round(side * ratio))
    pixmap = QPixmap(device)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, device.width(), device.height()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
