"""Words on a page, and the plates below them: sized labels, and a line that is cut to fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QWidget

from picsight.window.parts.words import plain, reads_backwards
from picsight.window.tokens import HAIR, em, tones

if TYPE_CHECKING:
    from PySide6.QtCore import QRect
    from PySide6.QtGui import QPaintEvent, QPen

    from picsight.window.tokens import Tones

    _Base = QWidget
else:
    _Base = object  # subclasses add the Qt class

_Sized = TypeVar("_Sized", bound=QLabel)
CENTRE = Qt.AlignmentFlag.AlignCenter
LEADING = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
TRAILING = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignTrailing


class Drawn(_Base):
    """The base of widgets that paint everything themselves, with smooth edges; a subclass lists it before the Qt class."""

    smooth = True  # False where all lines are straight: they would blur on a screen scaled to 125 %

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the widget."""
        painter = QPainter(self)
        hints = QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        painter.setRenderHints(hints, self.smooth)
        self._draw(painter, tones(self))
        painter.end()

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        raise NotImplementedError


def paint_words(
    painter: QPainter,
    room: QRect,
    place: Qt.AlignmentFlag,
    words: str,
    how: Qt.TextFlag = Qt.TextFlag.TextSingleLine,
) -> None:
    """Paint words aligned as the page wants; each sentence keeps its reading direction on a mirrored page."""
    mirrored = painter.layoutDirection() == Qt.LayoutDirection.RightToLeft
    backwards = reads_backwards(words, otherwise=mirrored)
    direction = Qt.TextFlag.TextForceRightToLeft if backwards else Qt.TextFlag.TextForceLeftToRight
    painter.drawText(room, _fixed(painter.layoutDirection(), place) | direction | how, words)


def paint_plate(
    painter: QPainter,
    shape: QRect | QRectF,
    radius: float,
    fill: QColor | None = None,
    line: QPen | QColor | None = None,
    *,
    inset: float = 0.0,
) -> None:
    """Paint a rounded rectangle, `inset` by some pixels, with the given fill and outline."""
    painter.setPen(line or Qt.PenStyle.NoPen)
    painter.setBrush(fill or Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(shape).adjusted(inset, inset, -inset, -inset), radius, radius)


def paint_caption(painter: QPainter, widget: QWidget, plate: QRect, words: str = "") -> None:
    """Paint a dark plate, on which marks are visible on every picture, and words in its middle."""
    colours = tones(widget)
    shade = QColor(colours.stage)
    shade.setAlphaF(0.8)
    paint_plate(painter, plate, HAIR * em(widget), shade)
    painter.setFont(widget.font())
    painter.setPen(colours.on_stage)
    paint_words(painter, plate, CENTRE, words)


def _fixed(direction: Qt.LayoutDirection, place: Qt.AlignmentFlag) -> Qt.AlignmentFlag:
    """An alignment that Qt does not mirror again for the direction of the words."""
    return QStyle.visualAlignment(direction, place) | Qt.AlignmentFlag.AlignAbsolute


def sized_font(widget: QWidget, factor: float, *, semibold: bool = False) -> QFont:
    """A widget's font, scaled by a factor."""
    font = QFont(widget.font())
    font.setPointSizeF(font.pointSizeF() * factor)
    if semibold:
        font.setWeight(QFont.Weight.DemiBold)
    return font


def sized(label: _Sized, factor: float, *, semibold: bool = False) -> _Sized:
    """Give a label a size relative to body text."""
    label.setFont(sized_font(label, factor, semibold=semibold))
    return label


class _LabelBase(QLabel):
    """The base of all labels; a `dim` one is for secondary words."""

    def __init__(self, parent: QWidget | None, *, wraps: bool, dim: bool) -> None:
        super().__init__(parent)
        self._dim = dim
        self.setWordWrap(wraps)
        if dim:
            self.setForegroundRole(QPalette.ColorRole.WindowText)  # on a list's background, another is usual
            self._colour()

    def changeEvent(self, event: QEvent) -> None:
        """Update the dim colour with the palette."""
        super().changeEvent(event)
        if self._dim and event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, tones(self).dim_on_window)
        self.setPalette(palette)


class Label(_LabelBase):
    """Plain words: never read as markup, and no name in them changes the direction of the following text."""

    def __init__(
        self, words: str = "", parent: QWidget | None = None, *, wraps: bool = False, dim: bool = False
    ) -> None:
        super().__init__(parent, wraps=wraps, dim=dim)
        self._where = LEADING
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(words)
        self.setAlignment(LEADING)

    def setText(self, words: str) -> None:
        """Show these words."""
        super().setText(plain(words))

    def setAlignment(self, place: Qt.AlignmentFlag) -> None:
        """Align the words as the page wants, whatever their direction."""
        self._where = place
        super().setAlignment(_fixed(self.layoutDirection(), place))

    def changeEvent(self, event: QEvent) -> None:
        """Align again after a change of the page's direction."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self.setAlignment(self._where)


class LinkLabel(_LabelBase):
    """The only label with markup, made by `linked`; a clicked link opens in the browser."""

    def __init__(self, parent: QWidget | None = None, *, dim: bool = False) -> None:
        super().__init__(parent, wraps=True, dim=dim)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.setOpenExternalLinks(True)


class ElidedLabel(Drawn, Label):
    """One line that is cut to leave room for its neighbours: in its middle, or if it is the short form of another, at its
    end, since a number that is cut in two would be another number.
    """

    def __init__(self, parent: QWidget | None = None, *, dim: bool = True) -> None:
        super().__init__(parent=parent, dim=dim)
        self._short = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, words: str, short: str = "") -> None:
        """Show these words, or the short ones if they do not fit; a screen reader always gets the long ones."""
        self._short = short
        self.setText(words)

    def _draw(self, painter: QPainter, _colours: Tones) -> None:
        room = self.contentsRect()
        fits = self.fontMetrics().horizontalAdvance(self.text()) <= room.width()
        is_short = bool(self._short) and not fits
        words = self._short if is_short else self.text()
        where = Qt.TextElideMode.ElideRight if is_short else Qt.TextElideMode.ElideMiddle
        shown = self.fontMetrics().elidedText(words, where, room.width())
        paint_words(painter, room, self._where, shown)
