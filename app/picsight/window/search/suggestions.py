"""What is offered while one types: a list under the box that never has the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from picsight.window.parts.icons import paint_icon
from picsight.window.parts.words import counted, cut_middle, plain, say
from picsight.window.tokens import HAIR, HALF, PAD, em, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.search.suggestions import Suggestion, SuggestionKind

    Index = QModelIndex | QPersistentModelIndex

ROW = 2.0  # em
ITEM = Qt.ItemDataRole.UserRole + 1
_LOOKS: dict[SuggestionKind, tuple[str, str]] = {
    "spelling": ("search", "Did you mean"),
    "word": ("search", ""),
    "saved": ("saved", "Saved search"),
    "year": ("date", "Year"),
    "season": ("date", "Season"),
    "month": ("date", "Month"),
    "folder": ("folder", "Folder"),
    "tag": ("tag", "Tag"),
    "keyword": ("tag", "Keyword"),
    "camera": ("camera", "Camera"),
    "format": ("photos", "Format"),
    "file": ("photos", "Name"),
    "history": ("history", "Searched before"),
}


class SuggestionsModel(QAbstractListModel):
    """The rows, as values."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: Sequence[Suggestion] = ()

    def put(self, items: Sequence[Suggestion]) -> None:
        """Other rows."""
        self.beginResetModel()
        self._items = tuple(items)
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """How many there are."""
        return 0 if parent is not None and parent.isValid() else len(self._items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The words, the value itself, what a screen reader says."""
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return plain(item.words)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (plain(item.words), *notes_of(item))))
        return item if role == ITEM else None


class SuggestionList(QListView):
    """At most eight rows over the page; no row is chosen before a person goes there."""

    taken = Signal(object)  # Suggestion

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = SuggestionsModel(self)
        self.setModel(self._model)
        self.setItemDelegate(SuggestionDelegate(self))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameStyle(QFrame.Shape.Box | QFrame.Shadow.Plain)
        self.setViewportMargins(0, px(self, HAIR), 0, px(self, HAIR))
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setForegroundRole(QPalette.ColorRole.WindowText)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Suggestions"))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(lambda index: self.taken.emit(index.data(ITEM)))
        self.hide()

    def items(self) -> list[Suggestion]:
        """What is offered."""
        return [self._model.index(row, 0).data(ITEM) for row in range(self._model.rowCount())]

    def offer(self, items: Sequence[Suggestion], below: QRect) -> None:
        """Offer these under a place of the window; none hide the list."""
        self._model.put(items)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.WindowText, tones(self).outline)
        self.setPalette(palette)
        self.setCurrentIndex(QModelIndex())
        high = len(items) * px(self, ROW) + 2 * px(self, HAIR) + 2
        self.setGeometry(QRect(below.left(), below.bottom() + 2, below.width(), high))
        self.setVisible(bool(items))
        self.raise_()

    @property
    def chosen(self) -> Suggestion | None:
        """The row that one has gone to."""
        index = self.currentIndex()
        return index.data(ITEM) if self.isVisible() and index.isValid() else None

    def step(self, by: int) -> None:
        """Another row; above the first one there is none."""
        row = self.currentIndex().row() + by
        if row >= self._model.rowCount():
            return
        index = self._model.index(row, 0) if row >= 0 else QModelIndex()
        self.setCurrentIndex(index)
        if index.isValid():
            words = index.data(Qt.ItemDataRole.AccessibleTextRole)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))


class SuggestionDelegate(QStyledItemDelegate):
    """Only paints: icon, words, kind and count at the end."""

    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """Two em high."""
        return QSize(px(self._view, 10), px(self._view, ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        view, rect, item = self._view, option.rect, index.data(ITEM)
        colours, direction, metrics = tones(view), view.layoutDirection(), view.fontMetrics()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = option.state & QStyle.StateFlag.State_Selected
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(colours.accent, 1) if chosen else Qt.PenStyle.NoPen)
            painter.setBrush(colours.chosen if chosen else colours.hover)
            painter.drawRoundedRect(rect.adjusted(px(view, HAIR), 1, -px(view, HAIR), -1), 4, 4)
        side, room = px(view, 1.125), rect.adjusted(px(view, PAD), 0, -px(view, PAD), 0)
        notes = "  ".join(notes_of(item))
        icon = QRect(room.left(), room.center().y() - side // 2, side, side)
        left = side + px(view, HALF)
        words = room.adjusted(left, 0, -metrics.horizontalAdvance(notes) - 2 * em(view), 0)
        paint_icon(painter, QStyle.visualRect(direction, rect, icon), _LOOKS[item.kind][0], colours.dim)
        painter.setPen(colours.text)
        vertical = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(
            QStyle.visualRect(direction, rect, words),
            vertical | Qt.AlignmentFlag.AlignLeading,
            cut_middle(plain(item.words), metrics, words.width()),
        )
        painter.setPen(colours.dim)
        painter.drawText(
            QStyle.visualRect(direction, rect, room), vertical | Qt.AlignmentFlag.AlignTrailing, notes
        )
        painter.restore()


def notes_of(item: Suggestion) -> list[str]:
    """The kind, and how many photos there are."""
    kind = say(_LOOKS[item.kind][1]) if _LOOKS[item.kind][1] else ""
    count = "" if item.photos is None else counted(item.photos, "%n photo", "%n photos")
    return list(filter(None, (kind, count)))
