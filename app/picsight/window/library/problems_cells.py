"""Paints the tree of problems: reasons with an expander, files with their folder, and text buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeView

from picsight.window.library.problems_model import Column, ProblemsModel, where
from picsight.window.parts.focus import shows_focus
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, paint_words, sized_font
from picsight.window.parts.words import cut_middle
from picsight.window.tokens import HAIR, HALF, ONE, PAD, em, mix, px, tones

if TYPE_CHECKING:
    from picsight.window.parts.rows import Index

ACTS = (Column.RETRY, Column.IGNORE)
INDENT = PAD + ONE + HAIR  # em: names are aligned with their reason, behind the expander
LEAST = 4  # em: a narrower folder would be only dots


class ProblemDelegate(QStyledItemDelegate):
    """Paints a cell with padding; less important words are dim."""

    def __init__(self, table: QTreeView, model: ProblemsModel) -> None:
        super().__init__(table)
        self._table, self._model = table, model

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """2.25 em high."""
        return QSize(px(self._table, 5), px(self._table, 2.25))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the background, the words, and the focus ring."""
        view, rect = self._table, option.rect
        colours = tones(view)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.fillRect(rect, colours.base)
        if chosen:
            painter.fillRect(rect, mix(colours.base, colours.accent, 0.25))
            painter.fillRect(rect.adjusted(0, rect.height() - 2, 0, 0), colours.rim)
        elif hovered:
            painter.fillRect(rect, colours.placeholder)
        column = Column(index.column())
        if self._model.path(index) is None and column not in ACTS:
            self._paint_reason(painter, rect, index)
        elif column == Column.NAME:
            self._paint_name(painter, rect, index)
        else:
            acts = column in ACTS and (hovered or chosen)
            painter.setPen(colours.link if acts else colours.text if chosen else colours.dim)
            words = rect.adjusted(px(view, HALF), 0, -px(view, HALF), 0)
            paint_words(painter, words, LEADING, str(index.data()))
        current = view.currentIndex()
        in_row = (index.row(), index.parent()) == (current.row(), current.parent())
        if current.isValid() and in_row and shows_focus(view):
            self._paint_focus(painter, rect, column)

    def _paint_reason(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """Paint the reason and its number of files, across the columns of single files if needed."""
        view, colours = self._table, tones(self._table)
        first, *others = (self._model.index(index.row(), column) for column in Column if column not in ACTS)
        whole = view.visualRect(first)
        for other in others:
            whole = whole.united(view.visualRect(other)) if not view.isColumnHidden(other.column()) else whole
        painter.save()
        painter.setClipRect(rect)
        room = whole.adjusted(px(view, INDENT), 0, -px(view, HALF), 0)
        room = QStyle.visualRect(view.layoutDirection(), whole, room)
        count = str(others[0].data())
        font = sized_font(view, 1.0, semibold=True)
        metrics, gap = QFontMetrics(font), px(view, ONE)
        left = room.width() - painter.fontMetrics().horizontalAdvance(count) - gap
        reason = metrics.elidedText(str(first.data()), Qt.TextElideMode.ElideRight, left)
        after = room.adjusted(metrics.horizontalAdvance(reason) + gap, 0, 0, 0)
        painter.setPen(colours.dim)
        paint_words(painter, QStyle.visualRect(view.layoutDirection(), room, after), LEADING, count)
        painter.setFont(font)
        painter.setPen(colours.text)
        paint_words(painter, room, LEADING, reason)
        self._paint_sign(painter, whole, opened=view.isExpanded(first))
        painter.restore()

    def _paint_name(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """Paint the file name, and its folder in the remaining room."""
        view, metrics = self._table, painter.fontMetrics()
        room = rect.adjusted(px(view, INDENT), 0, -px(view, HALF), 0)
        room = QStyle.visualRect(view.layoutDirection(), rect, room)
        name = cut_middle(str(index.data()), metrics, room.width())
        painter.setPen(tones(view).text)
        paint_words(painter, room, LEADING, name)
        place = room.adjusted(metrics.horizontalAdvance(name) + px(view, ONE), 0, 0, 0)
        place = QStyle.visualRect(view.layoutDirection(), room, place)
        if place.width() > px(view, LEAST):
            folder = where(self._model.problems_at(index)[0])
            painter.setPen(tones(view).dim)
            paint_words(painter, place, LEADING, cut_middle(folder, metrics, place.width()))

    def _paint_sign(self, painter: QPainter, rect: QRect, *, opened: bool) -> None:
        view, side = self._table, px(self._table, ONE)
        sign = QRect(rect.left() + px(view, PAD), rect.center().y() - side // 2, side, side)
        sign = QStyle.visualRect(view.layoutDirection(), rect, sign)
        closed = "previous" if view.isRightToLeft() else "next"
        paint_icon(painter, sign, "down" if opened else closed, tones(view).dim)

    def _paint_focus(self, painter: QPainter, rect: QRect, column: Column) -> None:
        """Paint the cell's part of a ring around the whole row."""
        width, ink = max(2, round(0.12 * em(self._table))), tones(self._table).text
        painter.fillRect(rect.left(), rect.top(), rect.width(), width, ink)
        painter.fillRect(rect.left(), rect.bottom() - width + 1, rect.width(), width, ink)
        first, last = Column.NAME, Column.IGNORE
        if self._table.isRightToLeft():
            first, last = last, first
        if column == first:
            painter.fillRect(rect.left(), rect.top(), width, rect.height(), ink)
        if column == last:
            painter.fillRect(rect.right() - width + 1, rect.top(), width, rect.height(), ink)
