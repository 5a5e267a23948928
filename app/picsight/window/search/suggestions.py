"""What is offered while one types: one line under the box, over the header, that never has the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyleOptionViewItem, QWidget

from picsight.window.parts.rows import VALUE, Measures, Row, RowDelegate, RowsModel
from picsight.window.parts.words import counted, number, plain, say
from picsight.window.tokens import HALF, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPainter

    from picsight.window.grid.model import Index
    from picsight_engine.search.suggestions import Suggestion, SuggestionKind

MEASURES = Measures(high=1.75, icon=1.125, before=HALF, after=HALF, between=HALF)  # em
WIDEST = 16  # em: longer words are cut
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
    "place": ("place", "Place"),
    "camera": ("camera", "Camera"),
    "lens": ("camera", "Lens"),
    "format": ("photos", "Format"),
    "history": ("history", "Searched before"),
}


class SuggestionList(QListView):
    """As many as have room side by side, so that no photo is covered; none is chosen before a person goes there."""

    taken = Signal(object)  # Suggestion

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = RowsModel(row_of, self)
        self.setModel(self._model)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setItemDelegate(_Delegate(self, MEASURES, _paint_ground))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameStyle(QFrame.Shape.Box | QFrame.Shadow.Plain)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setForegroundRole(QPalette.ColorRole.WindowText)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Suggestions"))
        self.setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(lambda index: self.taken.emit(index.data(VALUE)))
        self.hide()

    def items(self) -> list[Suggestion]:
        """What is offered."""
        return list(self._model.values)

    def offer(self, items: Sequence[Suggestion], place: QRect) -> None:
        """Offer the first of these at the leading edge of a place; none hide the list."""
        frame, widths = 2 * self.frameWidth(), [width_of(item, self) for item in items]
        fitting = [end for end in range(len(items) + 1) if sum(widths[:end]) + frame <= place.width()]
        items, widths = items[: fitting[-1]], widths[: fitting[-1]]
        self._model.put(items)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.WindowText, tones(self).outline)
        self.setPalette(palette)
        self.setCurrentIndex(QModelIndex())
        shown = QRect(place.topLeft(), QSize(sum(widths) + frame, px(self, MEASURES.high) + frame))
        shown.moveTop(place.center().y() - shown.height() // 2)
        self.setGeometry(QStyle.visualRect(self.layoutDirection(), place, shown))
        self.setVisible(bool(items))
        self.raise_()

    @property
    def chosen(self) -> Suggestion | None:
        """The row that one has gone to."""
        index = self.currentIndex()
        return index.data(VALUE) if self.isVisible() and index.isValid() else None

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


class _Delegate(RowDelegate):
    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """As wide as its words."""
        return QSize(width_of(index.data(VALUE), self._view), px(self._view, MEASURES.high))


def width_of(item: Suggestion, view: QWidget) -> int:
    """How many pixels an item takes."""
    row, metrics = row_of(item), view.fontMetrics()
    words = min(metrics.horizontalAdvance(row.words), px(view, WIDEST)) + metrics.horizontalAdvance(row.note)
    around = (MEASURES.before, MEASURES.icon, HALF, MEASURES.between, MEASURES.after)
    return words + 2 + sum(px(view, distance) for distance in around)


def row_of(item: Suggestion) -> Row:
    """What is offered; of what the library has its kind and how many photos there are."""
    icon, kind = _LOOKS[item.kind]
    count = "" if item.photos is None else counted(item.photos, "%n photo", "%n photos")
    spoken = (plain(item.words), say(kind) if kind else "", count)
    note = "" if item.photos is None else f"{say(kind)} {number(item.photos)}"
    return Row(icon, plain(item.words), note, ", ".join(filter(None, spoken)))


def _paint_ground(painter: QPainter, view: QListView, rect: QRect, state: QStyle.StateFlag) -> None:
    chosen = state & QStyle.StateFlag.State_Selected
    if chosen or state & QStyle.StateFlag.State_MouseOver:
        colours = tones(view)
        painter.setPen(QPen(colours.accent, 1) if chosen else Qt.PenStyle.NoPen)
        painter.setBrush(colours.chosen if chosen else colours.hover)
        painter.drawRoundedRect(QRectF(rect).adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)
