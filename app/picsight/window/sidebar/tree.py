"""The tree of the sidebar; each line is painted as a whole: expander, icon, words, a note below them, a number at the
end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from picsight.window.controls.buttons import flatten
from picsight.window.controls.rows import row_ground
from picsight.window.parts.drops import dropped_photos
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, TRAILING, paint_plate, paint_words
from picsight.window.parts.words import cut_middle, number
from picsight.window.sidebar.model import ENTRY, SidebarAction, SidebarEntry
from picsight.window.tokens import HAIR, HALF, ONE, PAD, SMALL, em, mix, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import (
        QDragEnterEvent,
        QDragLeaveEvent,
        QDragMoveEvent,
        QDropEvent,
        QMouseEvent,
        QResizeEvent,
    )

    from picsight.window.controls.rows import Index

_WRAPPED = LEADING | Qt.TextFlag.TextWordWrap


class EntryTree(QTreeView):
    """Accepts photos dropped on a tag, or on the line that makes one."""

    photos_dropped = Signal(object, object)  # SidebarEntry, list[int | Path]

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)  # the delegate indents the words, so that a chosen line is filled completely
        self.setExpandsOnDoubleClick(False)
        flatten(self)
        self.viewport().setAutoFillBackground(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setItemDelegate(EntryDelegate(self))
        self.target = QModelIndex()  # the line below dragged photos

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept photos for a tag, or for a new one."""
        if dropped_photos(event):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Make the line under the pointer the target."""
        index = self.indexAt(event.position().toPoint())
        entry: SidebarEntry | None = index.data(ENTRY) if index.isValid() else None
        takes = entry is not None and (entry.tag is not None or entry.key is SidebarAction.NEW_TAG)
        self._aim(index if takes else QModelIndex())
        event.setAccepted(self.target.isValid())

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """Remove the target."""
        self._aim(QModelIndex())

    def dropEvent(self, event: QDropEvent) -> None:
        """Signal the dropped photos and their line."""
        index = self.target
        self._aim(QModelIndex())
        if index.isValid():
            event.acceptProposedAction()
            self.photos_dropped.emit(index.data(ENTRY), dropped_photos(event))

    def _aim(self, index: QModelIndex) -> None:
        self.target = index
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out again, since a note below a line may need more or fewer lines."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open or close with the expander, go to a place with the rest of a line; ignore clicks that open a menu."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position().toPoint()
        index = self.indexAt(point)
        has_sign = index.isValid() and bool(index.data(ENTRY).children)
        if has_sign and zones(self.visualRect(index), index, self).sign.contains(point):
            self.setExpanded(index, not self.isExpanded(index))
        else:
            super().mousePressEvent(event)


class EntryDelegate(QStyledItemDelegate):
    """Only paints."""

    def __init__(self, tree: EntryTree) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """2.25 em per line, more for a heading with space above it and for a note below the name."""
        entry: SidebarEntry = index.data(ENTRY)
        view, high = self._tree, 2.75 if entry.key is None else 2.25
        note = 0
        if entry.note:
            line = QRect(0, 0, view.viewport().width(), px(view, high))
            note = _note_height(view, entry.note, zones(line, index, view).note.width()) - px(view, SMALL)
        return QSize(px(view, 8), px(view, high) + note)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one line."""
        view, entry = self._tree, index.data(ENTRY)
        colours, parts = tones(view), zones(option.rect, index, view)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(
            option.rect, colours.window
        )  # the viewport has no ground; an old number may be below
        if entry.key is None:
            text = parts.line.adjusted(px(view, ONE), px(view, HALF), 0, 0)
            painter.setPen(colours.dim_on_window)
            text = QStyle.visualRect(view.layoutDirection(), parts.line, text)
            paint_words(painter, text, LEADING, entry.words)
        else:
            row_ground(painter, view, parts.line, option.state)
            if index == view.target:
                edge = QPen(colours.accent, 2)
                paint_plate(painter, parts.line, SMALL * em(view), line=edge, inset=1)
            self._paint_entry(painter, parts, index)
        painter.restore()

    def _paint_entry(self, painter: QPainter, parts: Zones, index: Index) -> None:
        view, entry = self._tree, index.data(ENTRY)
        colours, words, room, note = tones(view), parts.words, parts.room, parts.note
        if entry.note:  # name, number and icon on one line, the note below it
            note.setTop(note.bottom() + 1 - px(view, SMALL) - _note_height(view, entry.note, note.width()))
            for part in (words, room):
                part.setBottom(note.top())
            painter.setPen(colours.dim_on_window)
            paint_words(painter, note, LEADING, entry.note, Qt.TextFlag.TextWordWrap)
        side = px(view, 1.25)
        icon = QStyle.visualRect(
            view.layoutDirection(), room, QRect(room.left(), words.top(), side, words.height())
        )
        paint_icon(painter, icon, entry.icon, mix(colours.text, colours.window, 0.2), side)
        if entry.children:  # whether its children are shown
            sign = QRect(parts.sign.left(), words.top(), parts.sign.width(), words.height())
            closed = "previous" if view.isRightToLeft() else "next"
            name = "down" if view.isExpanded(index) else closed
            paint_icon(painter, sign, name, colours.dim_on_window, px(view, PAD))
        painter.setPen(colours.text)
        paint_words(painter, words, LEADING, cut_middle(entry.words, painter.fontMetrics(), words.width()))
        painter.setPen(colours.dim_on_window)
        paint_words(painter, room, TRAILING, number(entry.count) if entry.count else "")


def _note_height(view: QTreeView, note: str, width: int) -> int:
    return view.fontMetrics().boundingRect(QRect(0, 0, max(width, 1), view.height()), _WRAPPED, note).height()


@dataclass(frozen=True, slots=True)
class Zones:
    """The rectangles of a line: the line itself, with margins before and after it; the expander `sign`, which takes clicks;
    the `room` from the icon to the end of the number; the `words` between the two; and the `note` below them, which
    extends below the number.
    """

    line: QRect
    sign: QRect
    room: QRect
    words: QRect
    note: QRect


def zones(rect: QRect, index: Index, view: QTreeView) -> Zones:
    """The parts of a line in its rectangle; a scroll bar takes the margin behind the line."""
    scrolls, entry, depth = view.verticalScrollBar().isVisible(), index.data(ENTRY), 0
    above = index.parent()
    while above.isValid():
        above, depth = above.parent(), depth + 1
    line = rect.adjusted(px(view, SMALL), 0, 0 if scrolls else -px(view, SMALL), 0)
    sign = QRect(line.left() + px(view, depth), line.top(), px(view, ONE), line.height())
    behind = px(view, HAIR if scrolls else HALF)
    room = line.adjusted(px(view, depth) + px(view, ONE), 0, -behind, 0)
    note = room.adjusted(px(view, 1.25) + px(view, HALF), 0, 0, 0)
    count = number(entry.count) if entry.count else ""
    after = view.fontMetrics().horizontalAdvance(count) + px(view, HALF) if count else 0
    parts = line, sign, room, note.adjusted(0, 0, -after, 0), note
    return Zones(*(QStyle.visualRect(view.layoutDirection(), rect, part) for part in parts))
