"""Controls in Picsight's style: flat, coloured from the palette, with a visible focus."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QFrame,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QWidget,
)

from picsight.window.parts.focus import shows_focus
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import CENTRE, LEADING, Drawn, paint_plate, paint_words
from picsight.window.tokens import HAIR, HALF, ONE, SMALL, em, high_contrast, mix, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from picsight.window.tokens import Tones

    _Base = QAbstractButton
else:
    _Base = object  # subclasses add the Qt class

NO_LINE = QPen(Qt.PenStyle.NoPen)


class Emphasis(Enum):
    """The emphasis of a button: one primary in a view, the others plain or quiet as a link."""

    PRIMARY = 0
    PLAIN = 1
    QUIET = 2


class ButtonBase(Drawn, _Base):
    """The base of all buttons: a plate, its content, the focus ring; Enter presses them, as Space does.

    A subclass lists it before the Qt class, whose role screen readers know.
    """

    high, padding = 2.25, ONE  # em: the height, and the padding before and after the words
    # Pixels around the plate; em above and below it; em, 0 for round ends
    edge, above, radius = 1.5, 0.0, SMALL

    def sizeHint(self) -> QSize:
        """The words with padding."""
        words = self.fontMetrics().horizontalAdvance(self.text().replace("&", ""))
        return QSize(words + px(self, 2 * self.padding), px(self, self.high))

    def minimumSizeHint(self) -> QSize:
        """Words are never cut."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press with Enter, which Qt leaves to the dialog's default button."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint plate, content, focus ring."""
        above = max(self.edge, px(self, self.above))
        shape = QRectF(self.rect()).adjusted(self.edge, above, -self.edge, -above)
        radius = px(self, self.radius) if self.radius else shape.height() / 2
        if plate := self._plate(colours):
            paint_plate(painter, shape, radius, *plate)
        painter.setPen(colours.text if self.isEnabled() else colours.disabled)
        self._paint(painter, colours)
        draw_focus(painter, self, shape, radius)

    def _plate(self, colours: Tones) -> tuple[QColor, QPen] | None:
        """The fill and the outline of the plate; None for none."""
        raise NotImplementedError

    def _paint(self, painter: QPainter, _colours: Tones) -> None:
        """Paint the content in the painter's colour."""
        paint_words(painter, self.rect(), CENTRE, self.text(), Qt.TextFlag.TextShowMnemonic)

    def _pressure(self) -> int:
        return 0 if not self.isEnabled() else 2 if self.isDown() else int(self.underMouse())


class Button(ButtonBase, QPushButton):
    """A flat button with words."""

    def __init__(self, text: str, emphasis: Emphasis = Emphasis.PLAIN, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._emphasis = emphasis
        self.padding = SMALL if emphasis is Emphasis.QUIET else ONE
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAutoDefault(False)  # in a dialog, Enter presses the focused button only
        if emphasis is Emphasis.QUIET:
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    def _plate(self, colours: Tones) -> tuple[QColor, QPen] | None:
        """In high contrast, outline the button, with a dashed line if disabled: not by colour alone."""
        pressure, edge = self._pressure(), QPen(colours.text, 1)
        if self._emphasis is Emphasis.QUIET:
            return (mix(colours.base, colours.text, 0.02 + 0.06 * pressure), NO_LINE) if pressure else None
        if high_contrast() and not self.isEnabled():
            edge = QPen(colours.disabled, 1, Qt.PenStyle.DashLine)
        if self._emphasis is Emphasis.PRIMARY:
            ground = colours.accent if self.isEnabled() else colours.placeholder
            return mix(ground, colours.text, 0.12 * pressure), edge if high_contrast() else NO_LINE
        if not high_contrast():
            edge = QPen(mix(colours.window, colours.text, 0.25), 1)
        return mix(colours.base, colours.text, 0.02 + 0.06 * pressure), edge

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        if self.isEnabled() and self._emphasis is not Emphasis.PLAIN:
            painter.setPen(colours.on_accent if self._emphasis is Emphasis.PRIMARY else colours.link)
        super()._paint(painter, colours)


class IconButton(ButtonBase, QToolButton):
    """A button with an icon and optional words; its name is its tooltip and its accessible name."""

    def __init__(self, icon: str, name: str, parent: QWidget | None = None, *, words: str = "") -> None:
        super().__init__(parent)
        self._icon, self._words, self._shows_words = icon, words, bool(words)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_icon(self, icon: str) -> None:
        """Show another icon."""
        self._icon = icon
        self.update()

    def sizeHint(self) -> QSize:
        """A square of 2.25 em, large enough for fingers, and the words beside it."""
        side = px(self, self.high)
        words = self.fontMetrics().horizontalAdvance(self._words) + px(self, HALF) if self._shows_words else 0
        return QSize(side + words, side)

    def show_words(self, *, shown: bool) -> None:
        """Show icon and words, or the icon alone."""
        self._shows_words = shown and bool(self._words)
        self.updateGeometry()

    def _plate(self, colours: Tones) -> tuple[QColor, QPen] | None:
        if not self._pressure() and not (self.isEnabled() and self.isChecked()):
            return None
        return mix(colours.window, colours.text, 0.16 if self.isDown() else 0.1), NO_LINE

    def _paint(self, painter: QPainter, _colours: Tones) -> None:
        whole, direction = self.rect(), self.layoutDirection()
        square = QRect(0, 0, px(self, self.high), self.height()) if self._shows_words else whole
        square = QStyle.visualRect(direction, whole, square)
        paint_icon(painter, square, self._icon, painter.pen().color(), px(self, 1.25))
        if self._shows_words:
            words = QStyle.visualRect(direction, whole, whole.adjusted(px(self, 2), 0, 0, 0))
            paint_words(painter, words, LEADING, self._words)


class ThinProgress(Drawn, QProgressBar):
    """Progress as a thin bar; without a maximum it is indeterminate."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextVisible(False)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        """Ten em long unless the layout says otherwise."""
        return QSize(px(self, 10), max(4, px(self, HAIR)))

    def minimumSizeHint(self) -> QSize:
        """May shrink in width, not in height."""
        return QSize(px(self, 3), self.sizeHint().height())

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint background and filled part; in high contrast an outline, so that the filled part is visible."""
        high = max(4, px(self, HAIR))
        ground = QRectF(0, (self.height() - high) / 2, self.width(), high)
        if high_contrast():
            paint_plate(painter, ground, high / 2, colours.window, QPen(colours.line, 1), inset=0.5)
        else:
            paint_plate(painter, ground, high / 2, colours.line)
        if self.maximum() > 0:
            ground.setWidth(ground.width() * self.value() / self.maximum())
        paint_plate(painter, ground, high / 2, colours.accent)


class FlatSlider(Drawn, QSlider):
    """A horizontal slider: a line and a round handle."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint groove, handle, focus ring."""
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        middle, centre = self.height() / 2, QRectF(handle).center()
        paint_plate(painter, QRectF(2, middle - 1.5, self.width() - 4, 3), 1.5, colours.groove)
        radius = px(self, 0.45)
        painter.setPen(QPen(colours.text, 1.5))
        painter.setBrush(mix(colours.base, colours.text, 0.1 if self.underMouse() else 0.0))
        painter.drawEllipse(QRectF(centre.x() - radius, middle - radius, 2 * radius, 2 * radius))
        draw_focus(painter, self, QRectF(self.rect()).adjusted(1, 1, -1, -1), px(self, SMALL))


class SlimScrollBar(Drawn, QScrollBar):
    """A scroll bar that shows only its handle, on the background of its area."""

    def sizeHint(self) -> QSize:
        """Wide enough to click."""
        return QSize(px(self, 0.875), px(self, 2))

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint the handle, stronger under the mouse."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QAbstractScrollArea):
            area = area.parentWidget()
        shown = area.viewport() if area is not None else self
        on_base = shown.autoFillBackground() and shown.backgroundRole() == QPalette.ColorRole.Base
        ground = colours.base if on_base else colours.window
        painter.fillRect(self.rect(), ground)
        if self.maximum() <= self.minimum():
            return
        handle = handle_rect(self)
        inset = em(self) * 0.2
        fill = handle_of(ground, colours.text, held=self.underMouse() or self.isSliderDown())
        paint_plate(painter, handle, handle.width() / 2 - inset, fill, inset=inset)


def flatten(area: QAbstractScrollArea) -> None:
    """Remove the frame, and let the area scroll vertically only, with a slim bar."""
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setVerticalScrollBar(SlimScrollBar(Qt.Orientation.Vertical, area))


def scrolled(inner: QWidget, name: str) -> QScrollArea:
    """A widget that scrolls downwards only."""
    area = QScrollArea()
    area.setWidget(inner)
    area.setWidgetResizable(True)
    flatten(area)
    area.setAccessibleName(name)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def handle_rect(bar: QScrollBar) -> QRect:
    """The place of a scroll bar's handle."""
    option = QStyleOptionSlider()
    bar.initStyleOption(option)
    control, part = QStyle.ComplexControl.CC_ScrollBar, QStyle.SubControl.SC_ScrollBarSlider
    return bar.style().subControlRect(control, option, part, bar)


def handle_of(ground: QColor, ink: QColor, *, held: bool) -> QColor:
    """The colour of a scroll bar's handle, stronger under the mouse."""
    return ink if high_contrast() else mix(ground, ink, 0.5 if held else 0.3)


def draw_focus(painter: QPainter, widget: QWidget, shape: QRectF, radius: float) -> None:
    """Draw the focus ring."""
    if not shows_focus(widget):
        return
    paint_plate(painter, shape, radius, line=QPen(tones(widget).text, max(1.5, 0.12 * em(widget))))
