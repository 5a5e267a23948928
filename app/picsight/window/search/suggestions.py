"""What is offered while one types: one line under the box, over the header, that never has the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QListView, QStyle, QStyleOptionViewItem, QWidget

from picsight.window.parts.rows import VALUE, Measures, PopupRows, Row, RowDelegate, popup_ground, raise_frame
from picsight.window.parts.words import counted, number, plain, say
from picsight.window.tokens import HALF, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.grid.model import Index
    from picsight_engine.suggesting.suggestions import Suggestion, SuggestionKind

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


class SuggestionList(PopupRows):
    """As many as have room side by side, so that no photo is covered; none is chosen before a person goes there."""

    taken = Signal(object)  # Suggestion

    def __init__(self, parent: QWidget) -> None:
        super().__init__(say("Suggestions"), row_of, MEASURES, parent)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setItemDelegate(_Delegate(self, MEASURES, popup_ground))
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setForegroundRole(QPalette.ColorRole.WindowText)
        raise_frame(self)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(lambda index: self.taken.emit(index.data(VALUE)))
        self.hide()

    def items(self) -> list[Suggestion]:
        """What is offered."""
        return list(self._rows.values)

    def offer(self, items: Sequence[Suggestion], place: QRect) -> None:
        """Offer the first of these at the leading edge of a place; none hide the list."""
        frame, widths = 2 * self.frameWidth(), [width_of(item, self) for item in items]
        fitting = [end for end in range(len(items) + 1) if sum(widths[:end]) + frame <= place.width()]
        items, widths = items[: fitting[-1]], widths[: fitting[-1]]
        self._rows.put(items)
        raise_frame(self)
        self.setCurrentIndex(QModelIndex())
        shown = QRect(place.topLeft(), QSize(sum(widths) + frame, px(self, MEASURES.high) + frame))
        shown.moveTop(place.center().y() - shown.height() // 2)
        self.setGeometry(QStyle.visualRect(self.layoutDirection(), place, shown))
        self.setVisible(bool(items))
        self.raise_()

    @property
    def chosen(self) -> Suggestion | None:
        """The row that one has gone to."""
        return self.value() if self.isVisible() else None

    def step(self, by: int) -> None:
        """Another row; above the first one there is none."""
        row = self.currentIndex().row() + by
        if row < self._rows.rowCount():
            self.go(max(row, -1))


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
