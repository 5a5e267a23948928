"""The sidebar's lines as a tree for Qt: a line is made when it is first asked for, so thousands of folders cost nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt

from picsight.window.library.sidebar_entries import SidebarEntry
from picsight.window.parts.words import number, tooltip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from picsight.window.grid.model import Index

ENTRY = Qt.ItemDataRole.UserRole + 1
NOWHERE = QModelIndex()


@dataclass(slots=True, eq=False)
class _Node:
    entry: SidebarEntry
    row: int
    parent: _Node | None = None
    made: list[_Node] = field(default_factory=list)

    def take(self, entry: SidebarEntry) -> None:
        """The same line with other words and numbers."""
        self.entry = entry
        for node, child in zip(self.made, entry.children, strict=False):
            node.take(child)

    def children(self) -> list[_Node]:
        """The nodes below, made once."""
        if not self.made:
            self.made = [_Node(entry, row, self) for row, entry in enumerate(self.entry.children)]
        return self.made


class SidebarModel(QAbstractItemModel):
    """Entries and what lies below them."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._roots: list[_Node] = []

    def set_entries(self, entries: Sequence[SidebarEntry]) -> None:
        """Show these."""
        before = [node.entry for node in self._roots]
        if entries and len(entries) == len(before) and all(map(SidebarEntry.has_shape_of, entries, before)):
            for node, entry in zip(self._roots, entries, strict=True):
                node.take(entry)
            self.dataChanged.emit(self.index(0, 0), self.index(len(entries) - 1, 0))
            return
        self.beginResetModel()
        self._roots = [_Node(entry, row) for row, entry in enumerate(entries)]
        self.endResetModel()

    def tops(self) -> Iterator[QModelIndex]:
        """The lines that lie under no other."""
        return (self.index(row, 0) for row in range(len(self._roots)))

    def find(self, key: Path | str) -> QModelIndex:
        """The line with this key, an invalid index if there is none."""
        nodes = self._roots
        while node := next((each for each in nodes if _holds(each.entry, key)), None):
            if node.entry.key == key:
                return self.createIndex(node.row, 0, node)
            nodes = node.children()
        return QModelIndex()

    # What Qt asks for

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        """Each index points to its node, which the tree keeps."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        nodes = _node(parent).children() if parent.isValid() else self._roots
        return self.createIndex(row, column, nodes[row])

    def parent(self, child: Index | None = None) -> Any:
        """The line above; without an index the owner of the model, as Qt calls both the same."""
        if child is None:
            return super().parent()
        above = _node(child).parent if child.isValid() else None
        return QModelIndex() if above is None else self.createIndex(above.row, 0, above)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """How many lines lie directly below."""
        return len(_node(parent).entry.children) if parent.isValid() else len(self._roots)

    def columnCount(self, _parent: Index = NOWHERE) -> int:
        """One."""
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The entry, its words, the whole path as tooltip, everything for a screen reader."""
        if not index.isValid():
            return None
        entry = _node(index).entry
        if role == ENTRY:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.words
        if role == Qt.ItemDataRole.ToolTipRole:
            named = entry.tag.path if entry.tag else str(entry.key or "")
            return tooltip(named)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            count = number(entry.count) if entry.count else ""
            return ", ".join(filter(None, (entry.words, count, entry.note)))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """A heading leads nowhere."""
        if not index.isValid() or _node(index).entry.is_heading:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


def _node(index: Index) -> _Node:
    node: _Node = index.internalPointer()
    return node


def _holds(entry: SidebarEntry, key: Path | str) -> bool:
    """Whether a line has this key, or one below it."""
    if isinstance(key, str):
        return entry.key == key or any(_holds(child, key) for child in entry.children)
    return entry.folder is not None and key.is_relative_to(entry.folder)
