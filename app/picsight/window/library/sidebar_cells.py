"""Paints a line of the sidebar: a sign for open and closed, icon, words, a note below them, a number at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeView

from picsight.window.library.sidebar_model import ENTRY
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, TRAILING, paint_words
from picsight.window.parts.rows import row_ground
from picsight.window.parts.words import cut_middle, number
from picsight.window.tokens import HAIR, HALF, ONE, PAD, SMALL, em, mix, px, tones

if TYPE_CHECKING:
    from picsight.window.grid.model import Index
    from picsight.window.library.sidebar import EntryTree
    from picsight.window.library.sidebar_entries import SidebarEntry

_WRAPPED = LEADING | Qt.TextFlag.TextWordWrap


class EntryDelegate(QStyledItemDelegate):
    """Only paints."""

    def __init__(self, tree: EntryTree) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """2.25 em a line, more for a heading with air above it and for a note below the name."""
        entry: SidebarEntry = index.data(ENTRY)
        view, high = self._tree, 2.75 if entry.is_heading else 2.25
        note = 0
        if entry.note:
            line = QRect(0, 0, view.viewport().width(), px(view, high))
            note = _note_height(view, entry.note, note_zone(line, index, view).width()) - px(view, SMALL)
        return QSize(px(view, 8), px(view, high) + note)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one line."""
        view, entry = self._tree, index.data(ENTRY)
        colours, rect = tones(view), line_zone(option.rect, view)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if entry.is_heading:
            text = rect.adjusted(px(view, ONE), px(view, HALF), 0, 0)
            painter.setPen(colours.dim_on_window)
            paint_words(painter, QStyle.visualRect(view.layoutDirection(), rect, text), LEADING, entry.words)
        else:
            row_ground(painter, view, rect, option.state)
            if index == view.target:
                radius = SMALL * em(view)
                painter.setPen(QPen(colours.accent, 2))
                painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), radius, radius)
            self._paint_entry(painter, option.rect, index)
        painter.restore()

    def _paint_entry(self, painter: QPainter, rect: QRect, index: Index) -> None:
        view, entry = self._tree, index.data(ENTRY)
        colours, side, direction = tones(view), px(view, 1.25), view.layoutDirection()
        words = words_zone(rect, index, view)
        room, icon = _inside(rect, index, view), QRect(0, 0, side, side)
        icon.moveCenter(room.center())
        icon.moveLeft(room.left())
        icon = QStyle.visualRect(direction, room, icon)
        if entry.note:
            note = note_zone(rect, index, view)
            note.setTop(note.bottom() + 1 - px(view, SMALL) - _note_height(view, entry.note, note.width()))
            for part in (words, room):  # name, number and icon on one line, the note below it
                part.setBottom(note.top())
            icon.moveTop(words.center().y() - side // 2)
            painter.setPen(colours.dim_on_window)
            paint_words(painter, note, LEADING, entry.note, Qt.TextFlag.TextWordWrap)
        paint_icon(painter, icon, entry.icon, mix(colours.text, colours.window, 0.2))
        self._paint_sign(painter, rect, index, words.center().y())
        painter.setPen(colours.text)
        paint_words(painter, words, LEADING, cut_middle(entry.words, painter.fontMetrics(), words.width()))
        painter.setPen(colours.dim_on_window)
        paint_words(painter, room, TRAILING, _end(entry))

    def _paint_sign(self, painter: QPainter, rect: QRect, index: Index, middle: int) -> None:
        """Whether what lies under a line is shown, before its name."""
        view = self._tree
        if index.data(ENTRY).children:
            place = QRect(0, 0, px(view, PAD), px(view, PAD))
            place.moveCenter(QPoint(sign_zone(rect, index, view).center().x(), middle))
            closed = "previous" if view.isRightToLeft() else "next"
            sign = "down" if view.isExpanded(index) else closed
            paint_icon(painter, place, sign, tones(view).dim_on_window)


def _note_height(view: QTreeView, note: str, width: int) -> int:
    return view.fontMetrics().boundingRect(QRect(0, 0, max(width, 1), view.height()), _WRAPPED, note).height()


def depth(index: Index) -> int:
    """How many lines a line lies under; each indents it by an em."""
    above, count = index.parent(), 0
    while above.isValid():
        above, count = above.parent(), count + 1
    return count


def line_zone(rect: QRect, view: QTreeView) -> QRect:
    """The line itself, with air before and after it; a bar that scrolls stands where the air behind it was."""
    behind = 0 if _scrolls(view) else px(view, SMALL)
    return QStyle.visualRect(view.layoutDirection(), rect, rect.adjusted(px(view, SMALL), 0, -behind, 0))


def sign_zone(rect: QRect, index: Index, view: QTreeView) -> QRect:
    """Where the sign for open and closed is, and a click opens or closes."""
    line = line_zone(rect, view)
    zone = QRect(line.left() + px(view, depth(index)), line.top(), px(view, ONE), line.height())
    return QStyle.visualRect(view.layoutDirection(), line, zone)


def words_zone(rect: QRect, index: Index, view: QTreeView) -> QRect:
    """What the words have between the icon and the number."""
    room, end = _inside(rect, index, view), _end(index.data(ENTRY))
    number_room = view.fontMetrics().horizontalAdvance(end) + px(view, HALF) if end else 0
    words = room.adjusted(px(view, 1.25) + px(view, HALF), 0, -number_room, 0)
    return QStyle.visualRect(view.layoutDirection(), room, words)


def note_zone(rect: QRect, index: Index, view: QTreeView) -> QRect:
    """What a note below the name has: up to the end of the line, under the number, too."""
    room = _inside(rect, index, view)
    note = room.adjusted(px(view, 1.25) + px(view, HALF), 0, 0, 0)
    return QStyle.visualRect(view.layoutDirection(), room, note)


def _inside(rect: QRect, index: Index, view: QTreeView) -> QRect:
    """From the icon to the end of the number."""
    line = line_zone(rect, view)
    behind = px(view, HAIR if _scrolls(view) else HALF)
    inside = line.adjusted(px(view, depth(index)) + px(view, ONE), 0, -behind, 0)
    return QStyle.visualRect(view.layoutDirection(), line, inside)


def _scrolls(view: QTreeView) -> bool:
    return view.verticalScrollBar().isVisible()


def _end(entry: SidebarEntry) -> str:
    return number(entry.count) if entry.count else ""
