"""The few controls with the house's look: flat, from the palette, with a focus that can be seen."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QProgressBar,
    QPushButton,
    QScrollBar,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QWidget,
)

from picsight.window.parts.focus import shows_focus
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import CENTRE, LEADING, paint_words
from picsight.window.tokens import HAIR, HALF, ONE, SMALL, em, high_contrast, mix, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QPaintEvent


class Weight(Enum):
    """How loudly a button asks: one primary in a view, the others plain or quiet as a link."""

    PRIMARY = 0
    PLAIN = 1
    QUIET = 2


class Button(QPushButton):
    """A flat button with words."""

    def __init__(self, text: str, weight: Weight = Weight.PLAIN, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._weight = weight
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(
            Qt.CursorShape.PointingHandCursor if weight is Weight.QUIET else Qt.CursorShape.ArrowCursor
        )

    def sizeHint(self) -> QSize:
        """The words with 0.75 em on both sides, 2.25 em high."""
        text = self.fontMetrics().horizontalAdvance(self.text().replace("&", ""))
        side = px(self, SMALL if self._weight is Weight.QUIET else ONE)
        return QSize(text + 2 * side, px(self, 2.25))

    def minimumSizeHint(self) -> QSize:
        """Words are never cut."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill, outline, words, focus ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        radius = px(self, SMALL)
        if self._weight is not Weight.QUIET or self._pressure():
            painter.setBrush(self._fill())
            painter.setPen(self._outline())
            painter.drawRoundedRect(shape, radius, radius)
        painter.setPen(self._text_colour())
        paint_words(painter, self.rect(), CENTRE, self.text(), Qt.TextFlag.TextShowMnemonic)
        draw_focus(painter, self, shape, radius)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses, as Space does: Qt leaves it to the dialog's default button."""
        if not press_by_enter(self, event):
            super().keyPressEvent(event)

    def _pressure(self) -> int:
        return 0 if not self.isEnabled() else 2 if self.isDown() else int(self.underMouse())

    def _fill(self) -> QColor:
        colours = tones(self)
        if self._weight is not Weight.PRIMARY:
            return mix(colours.base, colours.text, 0.02 + 0.06 * self._pressure())
        ground = colours.accent if self.isEnabled() else colours.placeholder
        return mix(ground, colours.text, 0.12 * self._pressure())

    def _outline(self) -> QPen:
        """In high contrast a whole line or, where the button is disabled, a broken one: not by colour alone."""
        colours = tones(self)
        if self._weight is Weight.QUIET or (self._weight is Weight.PRIMARY and not high_contrast()):
            return QPen(Qt.PenStyle.NoPen)
        if not high_contrast():
            return QPen(mix(colours.window, colours.text, 0.25), 1)
        if self.isEnabled():
            return QPen(colours.text, 1)
        return QPen(colours.disabled, 1, Qt.PenStyle.DashLine)

    def _text_colour(self) -> QColor:
        colours = tones(self)
        if not self.isEnabled():
            return colours.disabled
        return {Weight.PRIMARY: colours.on_accent, Weight.PLAIN: colours.text, Weight.QUIET: colours.link}[
            self._weight
        ]


class IconButton(QToolButton):
    """A button that is an icon, or an icon and words; its name is its tooltip and what a screen reader says."""

    def __init__(self, icon: str, name: str, parent: QWidget | None = None, *, words: str = "") -> None:
        super().__init__(parent)
        self._icon, self._words, self._shows_words = icon, words, bool(words)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_icon(self, icon: str) -> None:
        """Another icon."""
        self._icon = icon
        self.update()

    def sizeHint(self) -> QSize:
        """A square of 2.25 em: a target that fingers hit too; the words beside it."""
        side = px(self, 2.25)
        words = self.fontMetrics().horizontalAdvance(self._words) + px(self, HALF) if self._shows_words else 0
        return QSize(side + words, side)

    def show_words(self, *, shown: bool) -> None:
        """Icon and words, or the icon alone where there is little room."""
        self._shows_words = shown and bool(self._words)
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        """Never smaller than the target."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses, as Space does."""
        if not press_by_enter(self, event):
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Hover ground, icon, focus ring."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape, radius = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), px(self, SMALL)
        ground, ink = colours.window, colours.text
        if self.isEnabled() and (self.underMouse() or self.isDown() or self.isChecked()):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(mix(ground, ink, 0.16 if self.isDown() else 0.1))
            painter.drawRoundedRect(shape, radius, radius)
        side = px(self, 1.25)
        ink = ink if self.isEnabled() else colours.disabled
        square = QRect(0, 0, px(self, 2.25), self.height()) if self._shows_words else self.rect()
        place = QRect(0, 0, side, side)
        place.moveCenter(QStyle.visualRect(self.layoutDirection(), self.rect(), square).center())
        paint_icon(painter, place, self._icon, ink)
        if self._shows_words:
            words = self.rect().adjusted(px(self, 2), 0, 0, 0)
            words = QStyle.visualRect(self.layoutDirection(), self.rect(), words)
            painter.setPen(ink)
            paint_words(painter, words, LEADING, self._words)
        draw_focus(painter, self, shape, radius)
        painter.end()


class ThinProgress(QProgressBar):
    """Progress as a thin bar; without a maximum it only says that something goes on."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextVisible(False)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        """Ten em long unless the layout says otherwise."""
        return QSize(px(self, 10), max(4, px(self, HAIR)))

    def minimumSizeHint(self) -> QSize:
        """May become short, not thin."""
        return QSize(px(self, 3), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Ground and filled part; in high contrast the ground is an outline, so that what fills it is seen."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high = max(4, px(self, HAIR))
        ground = QRectF(0, (self.height() - high) / 2, self.width(), high)
        painter.setPen(QPen(colours.line, 1) if high_contrast() else Qt.PenStyle.NoPen)
        painter.setBrush(colours.window if high_contrast() else colours.line)
        half = 0.5 if high_contrast() else 0.0
        painter.drawRoundedRect(ground.adjusted(half, half, -half, -half), high / 2, high / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.maximum() > 0:
            ground.setWidth(ground.width() * self.value() / self.maximum())
        painter.setBrush(colours.accent)
        painter.drawRoundedRect(ground, high / 2, high / 2)
        painter.end()


class FlatSlider(QSlider):
    """A horizontal slider: a line and a round handle."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Groove, filled part, handle, focus ring."""
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, centre = self.height() / 2, QRectF(handle).center()
        painter.setBrush(colours.groove)
        painter.drawRoundedRect(QRectF(2, middle - 1.5, self.width() - 4, 3), 1.5, 1.5)
        radius = px(self, 0.45)
        painter.setPen(QPen(colours.text, 1.5))
        painter.setBrush(mix(colours.base, colours.text, 0.1 if self.underMouse() else 0.0))
        painter.drawEllipse(QRectF(centre.x() - radius, middle - radius, 2 * radius, 2 * radius))
        draw_focus(painter, self, QRectF(self.rect()).adjusted(1, 1, -1, -1), px(self, SMALL))
        painter.end()


class SlimScrollBar(QScrollBar):
    """A scroll bar that is only its handle, on the ground of what it scrolls."""

    def sizeHint(self) -> QSize:
        """Wide enough to be hit."""
        return QSize(px(self, 0.875), px(self, 2))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The handle, stronger under the mouse."""
        colours, painter = tones(self), QPainter(self)
        area = self.parentWidget()
        while area is not None and not isinstance(area, QAbstractScrollArea):
            area = area.parentWidget()
        shown = area.viewport() if area is not None else self
        on_base = shown.autoFillBackground() and shown.backgroundRole() == QPalette.ColorRole.Base
        ground = colours.base if on_base else colours.window
        painter.fillRect(self.rect(), ground)
        if self.maximum() <= self.minimum():
            return
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_ScrollBar, option, QStyle.SubControl.SC_ScrollBarSlider, self
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(handle_of(ground, colours.text, held=self.underMouse() or self.isSliderDown()))
        inset = em(self) * 0.2
        shape = QRectF(handle).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(shape, shape.width() / 2, shape.width() / 2)
        painter.end()


def handle_of(ground: QColor, ink: QColor, *, held: bool) -> QColor:
    """The colour of the handle of a bar that scrolls, stronger under the mouse."""
    return ink if high_contrast() else mix(ground, ink, 0.5 if held else 0.3)


def press_by_enter(button: QAbstractButton, event: QKeyEvent) -> bool:
    """Press a button with the keyboard's Enter; False if another key was pressed."""
    if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        return False
    button.click()
    return True


def draw_focus(painter: QPainter, widget: QWidget, shape: QRectF, radius: float) -> None:
    """The ring that says where the keyboard is."""
    if not shows_focus(widget):
        return
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(tones(widget).text, max(1.5, 0.12 * em(widget))))
    painter.drawRoundedRect(shape, radius, radius)
