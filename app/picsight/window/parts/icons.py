"""Icons in the palette's colour: outline SVGs, rendered at the device's resolution and cached."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QWidget

from picsight.window.parts.labels import Drawn
from picsight.window.tokens import px
from picsight_engine.foundation.assets import find_asset

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QColor

    from picsight.window.tokens import Tones


def paint_icon(painter: QPainter, rect: QRect, name: str, colour: QColor, side: int = 0) -> None:
    """Draw an icon centred in `rect`, sharp on every screen: `side` pixels square, or as large as fits."""
    side = side or min(rect.width(), rect.height())
    pixmap = icon_pixmap(name, colour.name(), side, painter.device().devicePixelRatioF())
    corner: QPoint = rect.center()
    painter.drawPixmap(corner.x() - (side - 1) // 2, corner.y() - (side - 1) // 2, pixmap)


def program_icon() -> QIcon:
    """The program's icon, for the title bar and the task switcher."""
    return QIcon(str(find_asset("icons") / "picsight.svg"))


class Icon(Drawn, QWidget):
    """An icon as a widget with a width in em and flexible height; `ink` selects its colour from the tones."""

    def __init__(self, icon: str, wide: float, parent: QWidget, ink: Callable[[Tones], QColor]) -> None:
        super().__init__(parent)
        self._icon, self._ink = icon, ink
        self.setFixedWidth(px(self, wide))

    def show_icon(self, icon: str) -> None:
        """Show this icon; "" hides it and takes no room."""
        self._icon = icon
        self.setVisible(bool(icon))
        self.update()

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        paint_icon(painter, self.rect(), self._icon, self._ink(colours))


@lru_cache(maxsize=256)
def icon_pixmap(name: str, colour: str, side: int, ratio: float) -> QPixmap:
    """An icon of `side` logical pixels in one colour, #rrggbb."""
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
