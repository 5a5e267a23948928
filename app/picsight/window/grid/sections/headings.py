"""The text between photos: section titles, the days of a row, the sticky heading, and the fold between strong and
weaker matches.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, QLocale, QRect, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleStateChangeEvent, QPainter, QPen
from PySide6.QtWidgets import QAccessibleWidget, QPushButton, QStyle, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import NO_LINE, ButtonBase
from picsight.window.grid.wall import Kind
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, TRAILING, Drawn, Label, paint_words, sized_font
from picsight.window.parts.words import counted, short_path
from picsight.window.tokens import HALF, ONE, PAD, high_contrast, mix, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QColor, QKeyEvent

    from picsight.window.grid.wall import Fold, Section
    from picsight.window.tokens import Tones

TITLE_SIZE, DAY_SIZE = 1.15, 0.9  # relative to body text
STRIP = 2.25  # em: the sticky heading


def title_of(section: Section) -> str:
    """The title of a section; empty if it needs none."""
    newest, _, oldest = section.key.partition("/")
    if section.kind is Kind.FOLDER:
        return short_path(Path(section.key))
    if section.kind is Kind.YEAR:
        return tr("{begin} \u2013 {end}", begin=oldest, end=newest) if oldest else newest
    if section.kind is Kind.MONTH:
        end = QLocale().toString(_date(f"{newest}-01"), "MMMM yyyy")
        begin = QLocale().standaloneMonthName(int(oldest[5:])) if oldest else ""
        return tr("{begin} \u2013 {end}", begin=begin, end=end) if begin else end
    return {Kind.UNDATED: tr("No date"), Kind.FRESH: tr("New photos")}.get(section.kind, "")


def day_words(taken: str, section: Section) -> str:
    """The day over a photo: 18 Sat below the heading of a month, 18 Jul below that of several, 18 Jul 2020 below that of years."""
    if "/" not in section.key:
        form = "d ddd" if section.kind is Kind.MONTH else "d MMM"
    else:
        form = "d MMM" if section.kind is Kind.MONTH else "d MMM yyyy"
    return QLocale().toString(_date(taken[:10]), form)


def _date(iso: str) -> QDate:
    return QDate.fromString(iso, Qt.DateFormat.ISODate)


def paint_heading(
    painter: QPainter, widget: QWidget, area: QRect, words: str, *, is_day: bool = False
) -> None:
    """Paint the title of a section, or the smaller, dim one of a day."""
    colours = tones(widget)
    painter.setFont(sized_font(widget, DAY_SIZE if is_day else TITLE_SIZE, semibold=not is_day))
    painter.setPen(colours.dim if is_day else colours.text)
    painter.setLayoutDirection(widget.layoutDirection())
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, area.width())
    paint_words(painter, area, LEADING, shown)


class Overlay(Label):
    """Words over photos that ignore clicks."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent=parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()


class HeadingStrip(Drawn, Overlay):
    """The sticky heading of the topmost section; photos scroll below it."""

    smooth = False

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint the words on the wall's background, with a line below them."""
        painter.fillRect(self.rect(), colours.base)
        painter.fillRect(0, self.height() - 1, self.width(), 1, colours.line)
        area = self.rect().adjusted(px(self, PAD), 0, -px(self, PAD), 0)
        paint_heading(painter, self, area, self.text())


class FoldButton(ButtonBase, QPushButton):
    """88 weaker matches … Show: the number of photos below it; a click shows or hides them."""

    edge = 1.0

    left = Signal(int)  # by an arrow key: -1 up, 1 down

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.is_open = False
        _register_folds()
        self.hide()

    def say(self, fold: Fold) -> None:
        """Show the number of photos below it, and whether they are visible."""
        changed, self.is_open = fold.is_open != self.is_open, fold.is_open
        words = counted(fold.weaker, "%n weaker match", "%n weaker matches")
        self.setText(words)
        self.setAccessibleName(words)
        self.setAccessibleDescription(tr("Hide") if fold.is_open else tr("Show"))
        if changed:
            state = QAccessible.State()
            _set_fold(state, is_open=True)  # the flag marks a changed state
            QAccessible.updateAccessibility(QAccessibleStateChangeEvent(self, state))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move on to the photos with Up and Down; Enter acts as a click."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.left.emit(1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def _plate(self, colours: Tones) -> tuple[QColor, QPen]:
        fill = mix(colours.base, colours.text, 0.05 + 0.04 * self._pressure())
        return fill, QPen(colours.outline) if high_contrast() else NO_LINE

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        """Paint a chevron, the words, their meaning, and the effect of a click."""
        inner, direction = self.rect().adjusted(px(self, PAD), 0, -px(self, PAD), 0), self.layoutDirection()
        side = px(self, ONE)
        chevron = QStyle.visualRect(direction, inner, QRect(inner.left(), 0, side, inner.height()))
        closed = "previous" if self.isRightToLeft() else "next"
        paint_icon(painter, chevron, "down" if self.is_open else closed, colours.text)
        metrics, before = self.fontMetrics(), side + px(self, HALF)
        painter.setLayoutDirection(direction)
        words = QStyle.visualRect(direction, inner, inner.adjusted(before, 0, 0, 0))
        paint_words(painter, words, LEADING, self.text())
        does, means = self.accessibleDescription(), tr("less certain")
        painter.setPen(colours.link)
        paint_words(painter, words, TRAILING, does)
        wide = metrics.horizontalAdvance(self.text())
        if words.width() - wide - metrics.horizontalAdvance(does) > metrics.horizontalAdvance(means) + px(
            self, 4
        ):
            past = inner.adjusted(before + wide + px(self, ONE), 0, 0, 0)
            painter.setPen(colours.dim)
            paint_words(painter, QStyle.visualRect(direction, inner, past), LEADING, means)


class _SpokenFold(QAccessibleWidget):
    """A button that is accessible as expanded or collapsed."""

    def __init__(self, button: FoldButton) -> None:
        super().__init__(button, QAccessible.Role.Button)
        self._button = button

    def state(self) -> QAccessible.State:
        """The button's own state and the fold's."""
        state = super().state()
        _set_fold(state, is_open=self._button.is_open)
        return state


def _set_fold(state: QAccessible.State, *, is_open: bool) -> None:
    state.expandable, state.expanded, state.collapsed = True, is_open, not is_open


@cache
def _register_folds() -> None:
    """Register the accessible interface of folds; Qt asks once for every object and keeps the result."""
    QAccessible.installFactory(
        lambda _kind, which: _SpokenFold(which) if isinstance(which, FoldButton) else None
    )
