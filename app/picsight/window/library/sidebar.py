"""The sidebar: all photos, problems, saved searches, tags, and the library's folders with their subfolders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from picsight.window.library.sidebar_model import ENTRY, SidebarModel, Wish
from picsight.window.library.sidebar_tree import EntryTree
from picsight.window.parts.controls import Button, Weight
from picsight.window.parts.layouts import filled
from picsight.window.tokens import PAD, SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtCore import SignalInstance

    from picsight.window.library.sidebar_model import SidebarEntry

FEW = 12  # a folder with at most so many directories is open at first


class Sidebar(QWidget):
    """Lists the places to go to, and signals the chosen one."""

    all_requested = Signal()
    problems_requested = Signal()
    folder_requested = Signal(object)  # Path
    add_requested = Signal()
    models_requested = Signal()
    search_requested = Signal(object)  # SavedSearch
    search_menu_requested = Signal(object, QPoint)  # SavedSearch, position on the screen
    tag_requested = Signal(object)  # Tag
    tag_menu_requested = Signal(object, QPoint)  # Tag, position on the screen
    photos_dropped = Signal(object, object)  # Tag, list[int | Path]
    new_tag_requested = Signal(object)  # list[int | Path]: the dropped photos
    all_tags_requested = Signal()
    folder_menu_requested = Signal(object, QPoint)  # Path, position on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = SidebarModel(self)
        self._tree = EntryTree(self)
        self._entries: list[SidebarEntry] = []
        self._touched: dict[Path | str, bool] = {}  # the lines that the user has opened or closed
        self._prepare()
        links = (
            self._link(self.tr("Add folders…"), self.add_requested),
            self._link(self.tr("Models…"), self.models_requested),
        )
        filled(QVBoxLayout(self), self, (self._tree, 1), *links, gap=0, around=(0, SMALL, 0, PAD))

    def _link(self, words: str, wish: SignalInstance) -> QHBoxLayout:
        link = Button(words, Weight.QUIET, self)
        link.clicked.connect(wish)
        return filled(QHBoxLayout(), self, link, 1, around=(SMALL, 0, SMALL, 0))

    def _prepare(self) -> None:
        self._tree.setAccessibleName(self.tr("Library"))
        self._tree.setModel(self._model)
        self._tree.clicked.connect(self._choose)
        self._tree.activated.connect(self._choose)
        self._tree.customContextMenuRequested.connect(self._menu)
        self._tree.expanded.connect(lambda index: self._note(index, opened=True))
        self._tree.collapsed.connect(lambda index: self._note(index, opened=False))
        self._tree.photos_dropped.connect(self._take_photos)

    def set_entries(self, entries: Sequence[SidebarEntry]) -> None:
        """Show these entries; the current line, the scroll position and the open lines stay."""
        if list(entries) == self._entries:
            return
        current, scrolled = self._current(), self._tree.verticalScrollBar().value()
        was_unmarked = current is None and bool(self._entries)
        self._entries = list(entries)
        self._model.set_entries(entries)
        self._open_again()
        if current is not None and isinstance(current.key, str):
            self.mark_search(current.key)
        elif not was_unmarked:
            self.mark(current.folder if current else None, problems=bool(current and current.problems))
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

    def mark_search(self, query: str) -> None:
        """Mark the line of a saved search or tag, or none if the query is neither."""
        self._tree.setCurrentIndex(self._model.find(query))

    def mark(self, folder: Path | None, *, problems: bool = False) -> None:
        """Mark the line of the shown place."""
        if folder is not None:
            self._tree.setCurrentIndex(self._model.find(folder))
            return
        for index in self._model.tops():
            entry: SidebarEntry = index.data(ENTRY)
            plain = not entry.is_heading and entry.key is None and entry.wish is None
            if plain and entry.problems == problems:
                self._tree.setCurrentIndex(index)
                return

    def _current(self) -> SidebarEntry | None:
        index = self._tree.currentIndex()
        return index.data(ENTRY) if index.isValid() else None

    def _note(self, index: QModelIndex, *, opened: bool) -> None:
        key = index.data(ENTRY).key
        if key is not None:
            self._touched[key] = opened

    def _choose(self, index: QModelIndex) -> None:
        entry: SidebarEntry = index.data(ENTRY)
        if entry.is_heading:
            return
        if entry.problems:
            self.problems_requested.emit()
        elif entry.folder:
            self.folder_requested.emit(entry.folder)
        elif entry.search:
            self.search_requested.emit(entry.search)
        elif entry.tag:
            self.tag_requested.emit(entry.tag)
        elif entry.wish:
            self._wish(entry.wish)
        else:
            self.all_requested.emit()

    def _wish(self, wish: Wish, photos: Sequence[int | Path] = ()) -> None:
        if wish is Wish.NEW_TAG:
            self.new_tag_requested.emit(list(photos))
        else:
            self.all_tags_requested.emit()

    def _take_photos(self, entry: SidebarEntry, photos: Sequence[int | Path]) -> None:
        if entry.tag:
            self.photos_dropped.emit(entry.tag, photos)
        else:
            self._wish(Wish.NEW_TAG, photos)

    def _menu(self, point: QPoint) -> None:
        index = self._tree.indexAt(point)
        entry: SidebarEntry | None = index.data(ENTRY) if index.isValid() else None
        place = self._tree.viewport().mapToGlobal(point)
        if entry and entry.folder:
            self.folder_menu_requested.emit(entry.folder, place)
        elif entry and entry.search:
            self.search_menu_requested.emit(entry.search, place)
        elif entry and entry.tag:
            self.tag_menu_requested.emit(entry.tag, place)
