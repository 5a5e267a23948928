"""The tree of the sidebar, whose lines are painted whole: a sign for open and closed, icon, words, a note below them, a
number at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from picsight.window.library.sidebar_model import ENTRY, SidebarEntry, Wish
from picsight.window.parts.controls import flatten
from picsight.window.parts.drops import dropped_photos
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, TRAILING, paint_plate, paint_words
from picsight.window.parts.rows import row_ground
from picsight.window.parts.words import cut_middle, number
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

    from picsight.window.grid.model import Index

_WRAPPED = LEADING | Qt.TextFlag.TextWordWrap


class EntryTree(QTreeView):
    """Takes photos that are dropped on a tag, or on the line that makes one."""

    photos_dropped = Signal(object, object)  # SidebarEntry, list[int | Path]

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)  # the delegate indents the words, and a chosen line is filled whole
        self.setExpandsOnDoubleClick(False)
        flatten(self)
        self.viewport().setAutoFillBackground(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setItemDelegate(EntryDelegate(self))
        self.target = QModelIndex()  # the line over which photos hover

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Photos may be dropped on a tag, or to make one."""
        if dropped_photos(event):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """The line under the pointer is the target."""
        index = self.indexAt(event.position().toPoint())
        entry: SidebarEntry | None = index.data(ENTRY) if index.isValid() else None
        takes = entry is not None and (entry.tag is not None or entry.wish is Wish.NEW_TAG)
        self._aim(index if takes else QModelIndex())
        event.setAccepted(self.target.isValid())

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """As before."""
        self._aim(QModelIndex())

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell which photos were dropped on which line."""
        index = self.target
        self._aim(QModelIndex())
        if index.isValid():
            event.acceptProposedAction()
            self.photos_dropped.emit(index.data(ENTRY), dropped_photos(event))

    def _aim(self, index: QModelIndex) -> None:
        self.target = index
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A hint below a line may need more lines, or fewer."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The sign opens and closes, the rest of a line leads there; what opens a menu leads nowhere."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position().toPoint()
        index = self.indexAt(point)
        has_sign = index.isValid() and bool(index.data(ENTRY).children)
        if has_sign and sign_zone(self.visualRect(index), index, self).contains(point):
            self.setExpanded(index, not self.isExpanded(index))
        else:
            super().mousePressEvent(event)


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
                paint_plate(painter, rect, SMALL * em(view), line=QPen(colours.accent, 2), inset=1)
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
