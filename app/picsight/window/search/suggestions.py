"""What is offered while one types: a list under the box that never has the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QListView, QStyle, QWidget

from picsight.window.parts.rows import VALUE, Measures, Row, RowDelegate, RowsModel
from picsight.window.parts.words import counted, plain, say
from picsight.window.tokens import HAIR, PAD, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPainter

    from picsight_engine.search.suggestions import Suggestion, SuggestionKind

MEASURES = Measures(high=2.0, icon=1.125, before=PAD, after=PAD, between=2.0)  # em
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


class SuggestionList(QListView):
    """At most eight rows over the page; no row is chosen before a person goes there."""

    taken = Signal(object)  # Suggestion

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = RowsModel(row_of, self)
        self.setModel(self._model)
        self.setItemDelegate(RowDelegate(self, MEASURES, _paint_ground))
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
        self.clicked.connect(lambda index: self.taken.emit(index.data(VALUE)))
        self.hide()

    def items(self) -> list[Suggestion]:
        """What is offered."""
        return list(self._model.values)

    def offer(self, items: Sequence[Suggestion], below: QRect) -> None:
        """Offer these under a place of the window; none hide the list."""
        self._model.put(items)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.WindowText, tones(self).outline)
        self.setPalette(palette)
        self.setCurrentIndex(QModelIndex())
        high = len(items) * px(self, MEASURES.high) + 2 * px(self, HAIR) + 2
        self.setGeometry(QRect(below.left(), below.bottom() + 2, below.width(), high))
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


def row_of(item: Suggestion) -> Row:
    """What is offered, then its kind and how many photos there are."""
    icon, kind = _LOOKS[item.kind]
    count = "" if item.photos is None else counted(item.photos, "%n photo", "%n photos")
    notes = list(filter(None, (say(kind) if kind else "", count)))
    return Row(
        icon, plain(item.words), "  ".join(notes), ", ".join(filter(None, (plain(item.words), *notes)))
    )


def _paint_ground(painter: QPainter, view: QListView, rect: QRect, state: QStyle.StateFlag) -> None:
    chosen = state & QStyle.StateFlag.State_Selected
    if chosen or state & QStyle.StateFlag.State_MouseOver:
        colours = tones(view)
        painter.setPen(QPen(colours.accent, 1) if chosen else Qt.PenStyle.NoPen)
        painter.setBrush(colours.chosen if chosen else colours.hover)
        edge = px(view, HAIR) + 0.5
        painter.drawRoundedRect(QRectF(rect).adjusted(edge, 1.5, -edge, -1.5), 4, 4)
