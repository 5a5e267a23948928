"""The arrows at both edges of a photo: to the previous and the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QHBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import NO_LINE, IconButton
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.layouts import filled
from picsight.window.tokens import PAD, px

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from picsight.window.tokens import Tones

SIDE = 3.0  # em
REST_MS = 2000  # of a resting mouse until the arrows are hidden in full screen


class Edge(IconButton):
    """A round arrow over the photo."""

    high, edge, radius = SIDE, 1.0, 0.0

    def __init__(self, icon: str, name: str, parent: QWidget) -> None:
        super().__init__(icon, name, parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the arrow keys do the same
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def _plate(self, colours: Tones) -> tuple[QColor, QPen]:
        """Dark colours, readable on every photo."""
        plate = QColor(colours.stage)
        plate.setAlphaF(0.9 if self.isDown() else 0.8 if self.underMouse() else 0.5)
        return plate, QPen(colours.dim_on_stage, 1) if self.underMouse() else NO_LINE

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        paint_icon(painter, self.rect(), self._icon, colours.on_stage, px(self, 1.5))


class Edges(QObject):
    """Positions both arrows; in full screen they are hidden while the mouse rests."""

    step_requested = Signal(int)

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._full_screen = False
        forward, backward = ("next", "previous")
        if over.isRightToLeft():
            forward, backward = backward, forward
        self.previous = Edge(backward, tr("Previous photo (←)"), over)
        self.next = Edge(forward, tr("Next photo (→)"), over)
        self.previous.clicked.connect(lambda: self.step_requested.emit(-1))
        self.next.clicked.connect(lambda: self.step_requested.emit(1))
        self._has = {self.previous: False, self.next: False}
        self.rest = QTimer(self, singleShot=True, interval=REST_MS)
        self.rest.timeout.connect(self._follow)
        around = (PAD, 0, PAD, 0)
        filled(QHBoxLayout(over), over, self.previous, 1, self.next, around=around)
        over.setMouseTracking(True)
        over.installEventFilter(self)

    def show_ends(self, *, has_previous: bool, has_next: bool) -> None:
        """Show the arrows that lead to a photo."""
        self._has = {self.previous: has_previous, self.next: has_next}
        self._follow()

    def set_full_screen(self, *, full: bool) -> None:
        """Enter or leave full screen."""
        self._full_screen = full
        self._follow()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Show the arrows when the mouse moves."""
        if event.type() == QEvent.Type.MouseMove and self._full_screen:
            self.rest.start()
            self._follow()
        return False

    def _follow(self) -> None:
        awake = not self._full_screen or self.rest.isActive()
        for edge, has in self._has.items():
            edge.setVisible(has and awake)
