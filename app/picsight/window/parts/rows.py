"""Lists of which a row is an icon, words, and a few more at the end: their model, and what paints them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, TRAILING, paint_words
from picsight.window.parts.words import cut_middle
from picsight.window.tokens import HALF, px, tones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget

    from picsight.window.grid.model import Index

VALUE, ROW = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, slots=True)
class Row:
    """What a row shows, with the `note` at its end, and what a screen reader says."""

    icon: str
    words: str
    note: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Measures:
    """Distances in em: a row's height, its icon, what is free before, after, and between words and note."""

    high: float
    icon: float
    before: float
    after: float
    between: float


class RowsModel(QAbstractListModel):
    """Values, each of which is told as a row."""

    def __init__(self, row_of: Callable[[Any], Row], parent: QWidget) -> None:
        super().__init__(parent)
        self._row_of = row_of
        self.values: Sequence[Any] = ()

    def put(self, values: Sequence[Any]) -> None:
        """Other rows."""
        self.beginResetModel()
        self.values = tuple(values)
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """How many there are."""
        return 0 if parent is not None and parent.isValid() else len(self.values)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The value itself, its row, the words, what a screen reader says."""
        value = self.values[index.row()]
        if role == VALUE:
            return value
        if role not in {ROW, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return None
        row = self._row_of(value)
        if role == ROW:
            return row
        return row.words if role == Qt.ItemDataRole.DisplayRole else row.spoken


class RowDelegate(QStyledItemDelegate):
    """Only paints; the `ground` under a row is the list's own: painter, list, place, state."""

    def __init__(
        self,
        view: QListView,
        measures: Measures,
        ground: Callable[[QPainter, QListView, QRect, QStyle.StateFlag], None],
    ) -> None:
        super().__init__(view)
        self._view, self._measures, self._ground = view, measures, ground

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """As wide as the list will have it."""
        return QSize(px(self._view, 10), px(self._view, self._measures.high))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row: icon and words leading, the note trailing."""
        view, measures, rect, row = self._view, self._measures, option.rect, index.data(ROW)
        colours, direction, metrics = tones(view), view.layoutDirection(), view.fontMetrics()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, view, rect, option.state)
        room = rect.adjusted(px(view, measures.before), 0, -px(view, measures.after), 0)
        side = px(view, measures.icon)
        icon = QRect(room.left(), room.center().y() - side // 2, side, side)
        end = metrics.horizontalAdvance(row.note) + px(view, measures.between)
        words = room.adjusted(side + px(view, HALF), 0, -end, 0)
        paint_icon(painter, QStyle.visualRect(direction, rect, icon), row.icon, colours.dim)
        painter.setPen(colours.text)
        said = cut_middle(row.words, metrics, words.width())
        paint_words(painter, QStyle.visualRect(direction, rect, words), LEADING, said)
        painter.setPen(colours.dim)
        paint_words(painter, QStyle.visualRect(direction, rect, room), TRAILING, row.note)
        painter.restore()
