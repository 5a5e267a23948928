"""Saved searches in the sidebar: save, rename, remove and restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.texts import tr
from picsight.window.controls.keys import photo_menu
from picsight.window.controls.question import ask_name
from picsight.window.parts.words import isolated
from picsight.window.search.place import Place
from picsight.window.search.query_pictures import PASTED
from picsight.window.search.wording import short_name

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint

    from picsight.window.search.controller import SearchController
    from picsight.window.session.controller import LibraryController
    from picsight.window.shell.frame import Frame
    from picsight.window.status.history import History
    from picsight_engine.library import Library
    from picsight_engine.store.tagging.searches import SavedSearch


class SavedSearches(QObject):
    """Connects the sidebar's saved searches to the library."""

    def __init__(
        self, frame: Frame, library: LibraryController, search: SearchController, history: History
    ) -> None:
        super().__init__(frame)
        self._frame, self._library, self._search, self._history = frame, library, search, history
        frame.box.save_requested.connect(self.save)
        frame.sidebar.search_menu_requested.connect(self._show_menu)

    def save(self) -> None:
        """Save the current search; its name is its words until the user renames it."""
        search = self._search
        place = Place(search.query, search.place.folder)
        query, status = place.query, self._frame.status
        if not search.place.is_search:
            status.show_sentence(tr("Search for something first; then it can be saved."))
        elif any(saved.query == query for saved in self._library.overview.saved):
            status.show_sentence(tr("This search is saved already."))
        elif PASTED in query:
            status.show_sentence(tr("A pasted picture cannot be saved; use a photo of the library."))
        else:
            self._library.change(
                lambda library: self._save(library, place), lambda: self._frame.sidebar.mark(query)
            )

    def _save(self, library: Library, place: Place) -> None:
        """Save a search once, even if the key is pressed again before the sidebar shows it; runs in a thread."""
        name = short_name(place.scoped, self._search.pictures.name, self._frame.box.is_album)
        query = place.query
        if all(saved.query != query for saved in library.searches.saved()):
            library.searches.save(name, query)

    def _show_menu(self, saved: SavedSearch, point: QPoint) -> None:
        rename = tr("Rename…"), "", lambda: self._ask_name(saved)
        photo_menu(self._frame, [rename, (tr("Remove"), "", lambda: self.remove(saved))]).popup(point)

    def _ask_name(self, saved: SavedSearch) -> None:
        title, label = tr("Rename search"), tr("Name")
        ask_name(self._frame, title, label, saved.name, lambda name: self.rename(saved, name))

    def rename(self, saved: SavedSearch, name: str) -> None:
        """Rename a search; an empty name changes nothing."""
        if name.strip():
            self._library.change(lambda library: library.searches.rename(saved.id, name), lambda: None)

    def remove(self, saved: SavedSearch) -> None:
        """Remove a search; Undo restores it at its position."""
        words = tr("Removed the search {name}.", name=isolated(f"“{saved.name}”"))
        self._history.do(
            words,
            self._library.step(lambda library: library.searches.delete(saved.id)),
            self._library.step(lambda library: library.searches.restore(saved)),
        )
