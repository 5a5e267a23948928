"""The page with the wall: a line that says what is shown, the wall or a notice, and the pill with news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from picsight.settings import ROW_LARGEST, ROW_SMALLEST
from picsight.window.parts.controls import FlatSlider, press_by_enter
from picsight.window.parts.focus import shows_focus
from picsight.window.parts.labels import ElidedLabel
from picsight.window.parts.notice import Notice
from picsight.window.tokens import ONE, PAD, mix, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QPaintEvent

    from picsight.window.grid.view import PhotoView

STEPS = 10  # the slider's steps in one em


class WallPage(QWidget):
    """Header, wall, pill."""

    def __init__(self, view: PhotoView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.notice = view, Notice(self)
        self.pill = Pill(self)
        self._title = ElidedLabel(self)
        self.slider = FlatSlider(self.tr("Size of photos"), self)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(view)
        self._pages.addWidget(self.notice)
        self.slider.setRange(round(ROW_SMALLEST * STEPS), round(ROW_LARGEST * STEPS))
        self.slider.setValue(round(view.row_height() * STEPS))
        self.slider.setFixedWidth(px(self, 8))
        self.slider.valueChanged.connect(lambda value: view.set_row_height(value / STEPS))
        view.row_height_changed.connect(self._follow_height)
        header = QHBoxLayout()
        header.setContentsMargins(
            px(self, PAD), 0, px(self, PAD) + view.verticalScrollBar().sizeHint().width(), 0
        )
        header.setSpacing(px(self, ONE))
        header.addWidget(self._title, 1)
        header.addWidget(self.pill)
        header.addWidget(self.slider)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(header)
        column.addWidget(self._pages, 1)
        self._title.setMinimumHeight(px(self, 2.25))
        self.setAutoFillBackground(True)
        self.setBackgroundRole(view.viewport().backgroundRole())

    def say(self, title: str) -> None:
        """What the wall shows, in words."""
        self._title.setText(title)

    def title(self) -> str:
        """What the wall is said to show."""
        return self._title.text()

    def show_wall(self) -> None:
        """The photos."""
        self._pages.setCurrentWidget(self.view)
        self.slider.show()

    def show_notice(self) -> None:
        """The notice instead of photos."""
        self._pages.setCurrentWidget(self.notice)
        self.slider.hide()
        self.pill.hide()

    def _follow_height(self, height: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(height * STEPS))
        self.slider.blockSignals(False)


class Pill(QPushButton):
    """News that waits in the header until it is asked for: 14 new photos · Show. A click leaves the keyboard where it is."""

    shown_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(self.shown_requested)
        self.hide()

    def say(self, words: str) -> None:
        """Show the pill with these words."""
        self.setText(words)
        self.updateGeometry()
        self.show()

    def sizeHint(self) -> QSize:
        """The words with an em on both sides."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + px(self, 2), px(self, 2.25))

    def minimumSizeHint(self) -> QSize:
        """Never cut."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses, as Space does."""
        if not press_by_enter(self, event):
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A pill in the accent's tone with an outline."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inset = px(self, 0.2)
        shape = QRectF(self.rect()).adjusted(1, inset, -1, -inset)
        focused = shows_focus(self)
        painter.setPen(QPen(colours.text if focused else colours.outline, 2 if focused else 1))
        painter.setBrush(mix(colours.base, colours.accent, 0.28 if self.underMouse() else 0.18))
        painter.drawRoundedRect(shape, shape.height() / 2, shape.height() / 2)
        painter.setPen(colours.text)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        painter.end()
