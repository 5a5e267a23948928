"""Paints the tree of problems: reasons with an expander, files with their folder, and text buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeView

from picsight.window.parts.focus import shows_focus
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, paint_plate, paint_words, sized_font
from picsight.window.parts.words import cut_middle
from picsight.window.problems.model import Column, where
from picsight.window.tokens import HAIR, HALF, ONE, PAD, em, mix, px, tones

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex
    from PySide6.QtWidgets import QWidget

    from picsight.window.controls.rows import Index
    from picsight.window.problems.model import ProblemsModel

ACTS = (Column.RETRY, Column.IGNORE)
INDENT = PAD + ONE + HAIR  # em: names are aligned with their reason, behind the expander
LEAST = 4  # em: a narrower folder would be only dots


class ProblemTree(QTreeView):
    """Paints what spans the columns: reasons, and the ring around the current row."""

    def __init__(self, model: ProblemsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.problems = model
        self.setModel(model)
        self.setItemDelegate(ProblemDelegate(self))

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the cells, then the reason or the ring over them."""
        super().drawRow(painter, option, index)
        painter.save()
        first = index.sibling(index.row(), 0)
        if self.problems.path(first) is None:
            self._paint_reason(painter, option.rect, first)
        if first == self.currentIndex().siblingAtColumn(0) and shows_focus(self):
            edge = QPen(tones(self).text, max(2, round(0.12 * em(self))))
            edge.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            paint_plate(painter, option.rect, 0, line=edge, inset=edge.widthF() / 2)
        painter.restore()

    def _paint_reason(self, painter: QPainter, row: QRect, first: QModelIndex) -> None:
        """Paint the expander, the reason and its number of files, before the text buttons."""
        colours, direction, gap = tones(self), self.layoutDirection(), px(self, ONE)
        whole = row.adjusted(0, 0, -sum(self.columnWidth(column) for column in ACTS), 0)
        room = QStyle.visualRect(direction, row, whole.adjusted(px(self, INDENT), 0, -px(self, HALF), 0))
        sign = QStyle.visualRect(direction, row, QRect(px(self, PAD), row.top(), gap, row.height()))
        closed = "previous" if self.isRightToLeft() else "next"
        paint_icon(painter, sign, "down" if self.isExpanded(first) else closed, colours.dim, gap)
        count, font = str(first.siblingAtColumn(Column.WHEN).data()), sized_font(self, 1.0, semibold=True)
        metrics = QFontMetrics(font)
        left = room.width() - painter.fontMetrics().horizontalAdvance(count) - gap
        reason = metrics.elidedText(str(first.data()), Qt.TextElideMode.ElideRight, left)
        after = room.adjusted(metrics.horizontalAdvance(reason) + gap, 0, 0, 0)
        painter.setPen(colours.dim)
        paint_words(painter, QStyle.visualRect(direction, room, after), LEADING, count)
        painter.setFont(font)
        painter.setPen(colours.text)
        paint_words(painter, room, LEADING, reason)


class ProblemDelegate(QStyledItemDelegate):
    """Paints a cell with padding; less important words are dim."""

    def __init__(self, tree: ProblemTree) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """2.25 em high."""
        return QSize(px(self._tree, 5), px(self._tree, 2.25))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the background and the words; those of a reason span the columns, so the tree paints them."""
        view, rect = self._tree, option.rect
        colours = tones(view)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.fillRect(rect, colours.base)
        if chosen:
            painter.fillRect(rect, mix(colours.base, colours.accent, 0.25))
            painter.fillRect(rect.adjusted(0, rect.height() - 2, 0, 0), colours.rim)
        elif hovered:
            painter.fillRect(rect, colours.placeholder)
        column, is_file = Column(index.column()), view.problems.path(index) is not None
        if is_file and column == Column.NAME:
            self._paint_name(painter, rect, index)
        elif is_file or column in ACTS:
            acts = column in ACTS and (hovered or chosen)
            painter.setPen(colours.link if acts else colours.text if chosen else colours.dim)
            words = rect.adjusted(px(view, HALF), 0, -px(view, HALF), 0)
            paint_words(painter, words, LEADING, str(index.data()))

    def _paint_name(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """Paint the file name, and its folder in the remaining room."""
        view, metrics = self._tree, painter.fontMetrics()
        room = rect.adjusted(px(view, INDENT), 0, -px(view, HALF), 0)
        room = QStyle.visualRect(view.layoutDirection(), rect, room)
        name = cut_middle(str(index.data()), metrics, room.width())
        painter.setPen(tones(view).text)
        paint_words(painter, room, LEADING, name)
        place = room.adjusted(metrics.horizontalAdvance(name) + px(view, ONE), 0, 0, 0)
        place = QStyle.visualRect(view.layoutDirection(), room, place)
        if place.width() > px(view, LEAST):
            folder = where(view.problems.problems_at(index)[0])
            painter.setPen(tones(view).dim)
            paint_words(painter, place, LEADING, cut_middle(folder, metrics, place.width()))
