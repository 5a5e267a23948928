"""The sidebar: all photos, problems, saved searches, tags, and the library's folders with their subfolders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis
from picsight.window.parts.layouts import filled
from picsight.window.search.place import Place
from picsight.window.sidebar.model import ENTRY, SidebarAction, SidebarModel
from picsight.window.sidebar.tree import EntryTree
from picsight.window.tokens import PAD, SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import SignalInstance

    from picsight.window.sidebar.model import Key, SidebarEntry

FEW = 12  # a folder with at most so many directories is open at first


class Sidebar(QWidget):
    """Lists the places to go to, and signals the chosen one."""

    place_requested = Signal(object)  # Place
    problems_requested = Signal()
    people_requested = Signal()
    add_requested = Signal()
    models_requested = Signal()
    new_tag_requested = Signal(object)  # list[int | Path]: the dropped photos
    all_tags_requested = Signal()
    photos_dropped = Signal(object, object)  # Tag, list[int | Path]
    # With the position on the screen.
    folder_menu_requested = Signal(object, QPoint)  # Path
    search_menu_requested = Signal(object, QPoint)  # SavedSearch
    tag_menu_requested = Signal(object, QPoint)  # Tag

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = SidebarModel(self)
        self._tree = EntryTree(self)
        self._touched: dict[Key, bool] = {}  # the lines that the user has opened or closed
        self._prepare()
        links = (
            self._link(tr("Add folders…"), self.add_requested),
            self._link(tr("Models…"), self.models_requested),
        )
        filled(QVBoxLayout(self), self, (self._tree, 1), *links, gap=0, around=(0, SMALL, 0, PAD))

    def _link(self, words: str, signal: SignalInstance) -> QHBoxLayout:
        link = Button(words, Emphasis.QUIET, self)
        link.clicked.connect(signal)
        return filled(QHBoxLayout(), self, link, 1, around=(SMALL, 0, SMALL, 0))

    def _prepare(self) -> None:
        self._tree.setAccessibleName(tr("Library"))
        self._tree.setModel(self._model)
        self._tree.clicked.connect(self._choose)
        self._tree.activated.connect(self._choose)
        self._tree.customContextMenuRequested.connect(self._menu)
        self._tree.expanded.connect(lambda index: self._note(index, opened=True))
        self._tree.collapsed.connect(lambda index: self._note(index, opened=False))
        self._tree.photos_dropped.connect(self._take_photos)

    def set_entries(self, entries: Sequence[SidebarEntry]) -> None:
        """Show these entries; the current line, the scroll position and the open lines stay."""
        if list(entries) == self._model.entries:
            return
        scrolled, current = self._tree.verticalScrollBar().value(), self._tree.currentIndex()
        marked: Key | None = None if self._model.entries else ""
        if current.isValid():
            marked = current.data(ENTRY).key
        self._model.set_entries(entries)
        self._open_again()
        self.mark(marked)
        self._tree.verticalScrollBar().setValue(scrolled)

    def _open_again(self) -> None:
        """Open the lines that the user has opened, and at first folders with few subfolders."""
        for index in self._model.tops():
            entry: SidebarEntry = index.data(ENTRY)
            if entry.key is not None and entry.children:
                self._tree.setExpanded(index, self._touched.get(entry.key, len(entry.children) <= FEW))
        for key, opened in list(self._touched.items()):
            index = self._model.find(key)
            if opened and index.isValid():
                self._tree.setExpanded(index, True)

    def mark(self, key: Key | None) -> None:
        """Mark the line of the shown place; none if it has no line."""
        self._tree.setCurrentIndex(QModelIndex() if key is None else self._model.find(key))

    def _note(self, index: QModelIndex, *, opened: bool) -> None:
        key = index.data(ENTRY).key
        if key is not None:
            self._touched[key] = opened

    def _choose(self, index: QModelIndex) -> None:
        match index.data(ENTRY).key:
            case SidebarAction.PROBLEMS:
                self.problems_requested.emit()
            case SidebarAction.PEOPLE:
                self.people_requested.emit()
            case SidebarAction.NEW_TAG:
                self.new_tag_requested.emit([])
            case SidebarAction.ALL_TAGS:
                self.all_tags_requested.emit()
            case Path() as folder:
                self.place_requested.emit(Place(folder=folder))
            case str() as query:
                self.place_requested.emit(Place(query))

    def _take_photos(self, entry: SidebarEntry, photos: Sequence[int | Path]) -> None:
        if entry.tag:
            self.photos_dropped.emit(entry.tag, photos)
        else:
            self.new_tag_requested.emit(photos)

    def _menu(self, point: QPoint) -> None:
        index = self._tree.indexAt(point)
        entry: SidebarEntry | None = index.data(ENTRY) if index.isValid() else None
        place = self._tree.viewport().mapToGlobal(point)
        if entry and isinstance(entry.key, Path):
            self.folder_menu_requested.emit(entry.key, place)
        elif entry and entry.search:
            self.search_menu_requested.emit(entry.search, place)
        elif entry and entry.tag:
            self.tag_menu_requested.emit(entry.tag, place)
