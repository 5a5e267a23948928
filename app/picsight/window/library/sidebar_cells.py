"""Paints a line of the sidebar: a sign for open and closed, icon, words, a note below them, a number at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from picsight.window.library.sidebar_model import ENTRY
from picsight.window.parts.focus import shows_focus
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.words import cut_middle, number
from picsight.window.tokens import HALF, ONE, PAD, SMALL, em, mix, px, tones

if TYPE_CHECKING:
    from picsight.window.grid.model import Index
    from picsight.window.library.sidebar import EntryTree
    from picsight.window.library.sidebar_entries import Entry

LEADING = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
_WRAPPED = LEADING | Qt.TextFlag.TextWordWrap


class EntryDelegate(QStyledItemDelegate):
    """Only paints."""

    def __init__(self, tree: EntryTree) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """2.25 em a line, more for a heading with air above it and for a note below the name."""
        entry: Entry = index.data(ENTRY)
        view, high = self._tree, 2.75 if entry.is_heading else 2.25
        note = 0
        if entry.note:
            room = view.viewport().width() - px(view, depth(index) + ONE + 1.25 + 2 * HALF)
            note = _note_height(view, entry.note, room) - px(view, SMALL)
        return QSize(px(view, 8), px(view, high) + note)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one line."""
        view, rect, entry = self._tree, option.rect, index.data(ENTRY)
        colours = tones(view)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if entry.is_heading:
            text = rect.adjusted(px(view, ONE), px(view, HALF), 0, 0)
            painter.setPen(colours.dim_on_window)
            painter.drawText(QStyle.visualRect(view.layoutDirection(), rect, text), LEADING, entry.words)
        else:
            self._paint_ground(painter, rect, option.state)
            if index == view.target:
                radius = SMALL * em(view)
                painter.setPen(QPen(colours.accent, 2))
                painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), radius, radius)
            if entry.children:
                side = px(view, PAD)
                sign = sign_zone(rect, index, view)
                closed = "previous" if view.isRightToLeft() else "next"
                place = QRect(0, 0, side, side)
                place.moveCenter(sign.center())
                opened = bool(option.state & QStyle.StateFlag.State_Open)
                paint_icon(painter, place, "down" if opened else closed, colours.dim_on_window)
            indented = rect.adjusted(px(view, depth(index)), 0, 0, 0)
            self._paint_entry(painter, QStyle.visualRect(view.layoutDirection(), rect, indented), entry)
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRect, state: QStyle.StateFlag) -> None:
        view = self._tree
        colours, shape, radius = tones(view), QRectF(rect).adjusted(1, 1, -1, -1), SMALL * em(view)
        selected = state & QStyle.StateFlag.State_Selected
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.chosen if selected else colours.hover)
            painter.drawRoundedRect(shape, radius, radius)
        if state & QStyle.StateFlag.State_HasFocus and shows_focus(view):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colours.text, max(1.5, 0.12 * em(view))))
            painter.drawRoundedRect(shape, radius, radius)

    def _paint_entry(self, painter: QPainter, rect: QRect, entry: Entry) -> None:
        view, metrics = self._tree, painter.fontMetrics()
        colours, side, direction = tones(view), px(view, 1.25), view.layoutDirection()
        end = number(entry.count) if entry.count else ""
        width = metrics.horizontalAdvance(end) + px(view, HALF) if end else 0
        room = rect.adjusted(px(view, ONE), 0, -px(view, HALF), 0)
        icon = QRect(room.left(), room.center().y() - side // 2, side, side)
        words = room.adjusted(side + px(view, HALF), 0, -width, 0)
        room, icon, words = (QStyle.visualRect(direction, rect, part) for part in (room, icon, words))
        paint_icon(painter, icon, entry.icon, mix(colours.text, colours.window, 0.2))
        if entry.note:
            high = _note_height(view, entry.note, words.width())
            note = words.adjusted(0, words.height() - high - px(view, SMALL), 0, -px(view, SMALL))
            words.setBottom(note.top())
            icon.moveTop(words.center().y() - side // 2)
            painter.setPen(colours.dim_on_window)
            painter.drawText(note, _WRAPPED, entry.note)
        painter.setPen(colours.text)
        painter.drawText(words, LEADING, cut_middle(entry.words, metrics, words.width()))
        painter.setPen(colours.dim_on_window)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignTrailing, end)


def _note_height(view: QWidget, note: str, width: int) -> int:
    return view.fontMetrics().boundingRect(QRect(0, 0, max(width, 1), view.height()), _WRAPPED, note).height()


def depth(index: Index) -> int:
    """How many lines a line lies under; each indents it by an em."""
    above, count = index.parent(), 0
    while above.isValid():
        above, count = above.parent(), count + 1
    return count


def sign_zone(rect: QRect, index: Index, view: QWidget) -> QRect:
    """Where the sign for open and closed is, and a click opens or closes."""
    zone = QRect(rect.left() + px(view, depth(index)), rect.top(), px(view, ONE), rect.height())
    return QStyle.visualRect(view.layoutDirection(), rect, zone)
