"""The words over photos: what a section is called, the days of a row, and the heading that stays in sight."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, QLocale, QRect, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QWidget

from picsight.window.grid.wall import Kind
from picsight.window.parts.labels import LEADING, paint_words
from picsight.window.parts.words import say, short_path
from picsight.window.tokens import PAD, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from picsight.window.grid.wall import Section

TITLE_SIZE, DAY_SIZE = 1.15, 0.9  # of body text
STRIP = 2.25  # em: the heading that stays in sight


def title_of(section: Section) -> str:
    """What a section is called; empty where it needs no name."""
    if section.kind is Kind.MONTH:
        return QLocale().toString(_date(f"{section.key}-01"), "MMMM yyyy")
    if section.kind is Kind.FOLDER:
        return short_path(Path(section.key))
    if section.kind is Kind.YEAR:
        return section.key
    return {Kind.UNDATED: say("No date"), Kind.FRESH: say("New photos")}.get(section.kind, "")


def day_words(taken: str, kind: Kind) -> str:
    """The day over a photo: 18 Sat in a month that is named above, 18 Jul in a year."""
    return QLocale().toString(_date(taken[:10]), "d MMM" if kind is Kind.YEAR else "d ddd")


def _date(iso: str) -> QDate:
    return QDate.fromString(iso, Qt.DateFormat.ISODate)


def paint_title(painter: QPainter, widget: QWidget, area: QRect, words: str) -> None:
    """The name of a section at the lower edge of its area."""
    _paint_words(painter, widget, area, words, title_font(widget), dim=False)


def paint_day(painter: QPainter, widget: QWidget, area: QRect, words: str) -> None:
    """The name of a day."""
    _paint_words(painter, widget, area, words, sized_font(widget, DAY_SIZE), dim=True)


def title_font(widget: QWidget) -> QFont:
    """What sections are called in."""
    font = sized_font(widget, TITLE_SIZE)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def sized_font(widget: QWidget, factor: float) -> QFont:
    """A widget's font so many times as large."""
    font = QFont(widget.font())
    font.setPointSizeF(font.pointSizeF() * factor)
    return font


def _paint_words(
    painter: QPainter, widget: QWidget, area: QRect, words: str, font: QFont, *, dim: bool
) -> None:
    colours = tones(widget)
    painter.setFont(font)
    painter.setPen(colours.dim if dim else colours.text)
    painter.setLayoutDirection(widget.layoutDirection())
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, area.width())
    paint_words(painter, area, LEADING, shown)


class Overlay(QWidget):
    """Words that lie over photos and take no click."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def words(self) -> str:
        """What is said, empty while nothing is."""
        return "" if self.isHidden() else self._words

    def say(self, words: str) -> None:
        """Show these words."""
        if words != self._words:
            self._words = words
            self.update()


class HeadingStrip(Overlay):
    """The heading of what is at the top, over the photos that scroll under it."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The words on the wall's ground, with a line that parts them from the photos."""
        colours, painter = tones(self), QPainter(self)
        painter.fillRect(self.rect(), colours.base)
        painter.fillRect(0, self.height() - 1, self.width(), 1, colours.line)
        area = self.rect().adjusted(px(self, PAD), 0, -px(self, PAD), 0)
        paint_title(painter, self, area, self._words)
        painter.end()
