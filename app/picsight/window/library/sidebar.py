"""The sidebar: all photos, problems, and the folders of the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from picsight.window.parts.controls import Button, Weight
from picsight.window.parts.focus import shows_focus
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.words import cut_middle, number, plain, tooltip
from picsight.window.tokens import HAIR, HALF, PAD, SMALL, em, mix, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import QPaintEvent

    from picsight.window.grid.model import Index

ENTRY = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what it leads to, and how it looks. A heading leads nowhere."""

    words: str
    icon: str = ""
    folder: Path | None = None
    problems: bool = False
    count: int = 0
    note: str = ""

    @property
    def is_heading(self) -> bool:
        """True for a line that only names what follows."""
        return not self.icon


class Sidebar(QWidget):
    """Where one can go; says what was chosen."""

    all_requested = Signal()
    problems_requested = Signal()
    folder_requested = Signal(object)  # Path
    add_requested = Signal()
    models_requested = Signal()
    folder_menu_requested = Signal(object, QPoint)  # Path, on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(self)
        self._list = QListView(self)
        self._prepare()
        column = QVBoxLayout(self)
        column.setContentsMargins(px(self, SMALL), px(self, SMALL), px(self, SMALL), px(self, PAD))
        column.setSpacing(0)
        column.addWidget(self._list, 1)
        for words, wish in (
            (self.tr("Add a folder…"), self.add_requested),
            (self.tr("Models…"), self.models_requested),
        ):
            link, row = Button(words, Weight.QUIET, self), QHBoxLayout()
            link.clicked.connect(wish)
            row.addWidget(link)
            row.addStretch(1)
            column.addLayout(row)
        self.setMinimumWidth(px(self, 10))
        self.setMaximumWidth(px(self, 22))

    def _prepare(self) -> None:
        self._list.setAccessibleName(self.tr("Library"))
        self._list.setModel(self._model)
        self._list.setItemDelegate(_EntryDelegate(self._list))
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.viewport().setAutoFillBackground(False)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._list.setMouseTracking(True)
        self._list.clicked.connect(self._choose)
        self._list.activated.connect(self._choose)
        self._list.customContextMenuRequested.connect(self._menu)

    def set_entries(self, folders: Sequence[tuple[Path, str]], problems: int) -> None:
        """Show these folders (path, state) and, if there are any, the problems."""
        entries = [Entry(self.tr("All photos"), "photos")]
        if problems:
            entries.append(Entry(self.tr("Problems"), "problems", problems=True, count=problems))
        entries.append(Entry(self.tr("Folders")))
        for path, state in folders:
            offline = state in ("offline", "denied")
            notes = {
                "offline": self.tr("not connected"),
                "denied": self.tr("may not be read"),
                "emptier": self.tr("photos are missing"),
            }
            note = notes.get(state, "")
            entries.append(
                Entry(
                    plain(path.name or str(path)), "folder-offline" if offline else "folder", path, note=note
                )
            )
        current = self._current()
        was_unmarked = current is None and self._model.rowCount() > 0
        self._model.clear()
        for entry in entries:
            self._model.appendRow(_item(entry))
        if not was_unmarked:
            self.mark(current.folder if current else None, problems=bool(current and current.problems))

    def unmark(self) -> None:
        """Where one is has no line here: the answer to a search."""
        self._list.setCurrentIndex(QModelIndex())

    def mark(self, folder: Path | None, *, problems: bool = False) -> None:
        """Show where one is."""
        for row in range(self._model.rowCount()):
            entry: Entry = self._model.index(row, 0).data(ENTRY)
            if not entry.is_heading and entry.folder == folder and entry.problems == problems:
                self._list.setCurrentIndex(self._model.index(row, 0))
                return

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The line to the photos."""
        painter = QPainter(self)
        edge = 0 if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else self.width() - 1
        painter.fillRect(edge, 0, 1, self.height(), tones(self).line)
        painter.end()

    def _current(self) -> Entry | None:
        index = self._list.currentIndex()
        return index.data(ENTRY) if index.isValid() else None

    def _choose(self, index: QModelIndex) -> None:
        entry: Entry = index.data(ENTRY)
        if entry.is_heading:
            return
        if entry.problems:
            self.problems_requested.emit()
        elif entry.folder:
            self.folder_requested.emit(entry.folder)
        else:
            self.all_requested.emit()

    def _menu(self, point: QPoint) -> None:
        index = self._list.indexAt(point)
        entry: Entry | None = index.data(ENTRY) if index.isValid() else None
        if entry and entry.folder:
            self.folder_menu_requested.emit(entry.folder, self._list.viewport().mapToGlobal(point))


def _item(entry: Entry) -> QStandardItem:
    item = QStandardItem(entry.words)
    item.setData(entry, ENTRY)
    item.setToolTip(tooltip(str(entry.folder)) if entry.folder else "")
    spoken = ", ".join(filter(None, (entry.words, number(entry.count) if entry.count else "", entry.note)))
    item.setData(spoken, Qt.ItemDataRole.AccessibleTextRole)
    if entry.is_heading:
        item.setFlags(Qt.ItemFlag.NoItemFlags)
    return item


class _EntryDelegate(QStyledItemDelegate):
    """Icon, words, a number or a note at the end."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """2.25 em a line, more for a heading with air above it and for a note below the name."""
        view: QWidget = option.widget
        entry: Entry = index.data(ENTRY)
        return QSize(px(view, 8), px(view, 2.75 if entry.is_heading else 3.25 if entry.note else 2.25))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one line."""
        view: QWidget = option.widget
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        entry: Entry = index.data(ENTRY)
        colours = tones(view)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = rect.adjusted(px(view, HALF), 0, -px(view, HALF), 0)
        if entry.is_heading:
            painter.setPen(colours.dim_on_window)
            text.setTop(text.top() + px(view, HALF))
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, entry.words)
        else:
            self._paint_ground(painter, view, rect, state)
            self._paint_entry(painter, view, text, entry)
        painter.restore()

    def _paint_ground(self, painter: QPainter, view: QWidget, rect: QRect, state: QStyle.StateFlag) -> None:
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

    def _paint_entry(self, painter: QPainter, view: QWidget, text: QRect, entry: Entry) -> None:
        colours, side, metrics = tones(view), px(view, 1.25), painter.fontMetrics()
        icon = QRect(text.left(), text.center().y() - side // 2, side, side)
        end = number(entry.count) if entry.count else ""
        width = metrics.horizontalAdvance(end) + px(view, HALF) if end else 0
        words = text.adjusted(side + px(view, HALF), 0, -width, 0)
        icon, words = (QStyle.visualRect(view.layoutDirection(), text, part) for part in (icon, words))
        paint_icon(painter, icon, entry.icon, mix(colours.text, colours.window, 0.2))
        leading = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
        if entry.note:
            note = words.adjusted(0, words.height() // 2 - px(view, HAIR), 0, 0)
            words.setBottom(words.center().y() + px(view, SMALL))
            painter.setPen(colours.dim_on_window)
            painter.drawText(note, leading, entry.note)
        painter.setPen(colours.text)
        painter.drawText(words, leading, cut_middle(entry.words, metrics, words.width()))
        painter.setPen(colours.dim_on_window)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignTrailing, end)
