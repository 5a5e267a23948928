"""The main window: makes the views and their controllers, and keeps the user's settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLocale, QSize, Qt, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow

from picsight.languages import search_languages
from picsight.settings import Settings, SettingsStore
from picsight.texts import tr, worded
from picsight.window.actions.exporting import Exporting
from picsight.window.actions.trashing import Trashing
from picsight.window.controls.keys import KeyList, bind_keys, bound_keys, widget_keys
from picsight.window.models.controller import ModelsController
from picsight.window.parts.picture import Pictures
from picsight.window.people.controller import PeopleController
from picsight.window.people.marks import FaceMarks
from picsight.window.search.controller import SearchController
from picsight.window.search.place import Place
from picsight.window.search.suggestions import SearchSuggestions, connect_suggestions
from picsight.window.session.controller import LibraryController
from picsight.window.shell.better_models import BetterModels
from picsight.window.shell.chosen import ChosenPhotos
from picsight.window.shell.details_controller import DetailsController
from picsight.window.shell.frame import NARROW, Frame
from picsight.window.shell.library_pages import LibraryPages
from picsight.window.shell.pages import Pages
from picsight.window.shell.photo_actions import PhotoActions
from picsight.window.shell.saved_searches import SavedSearches
from picsight.window.shell.tag_pages import TagPages
from picsight.window.shell.tagging import Tagging
from picsight.window.sidebar.model import SidebarAction
from picsight.window.status.history import History
from picsight.window.tags.controller import MarksLoader, TagsController
from picsight.window.tags.exchange import TagExchange
from picsight.window.tags.review import Review
from picsight.window.tokens import px
from picsight.window.viewer.controller import ViewerController
from picsight_engine.photos.reading import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PySide6.QtGui import QCloseEvent, QResizeEvent

    from picsight.jobs import Jobs
    from picsight.settings import Value
    from picsight.window.details.view import DetailsPanel
    from picsight.window.session.overview import LibrarySetup
    from picsight.window.shell.studio_controller import StudioController
    from picsight_engine.foundation.errors import Message
    from picsight_engine.library import Library


SETTLED_MS = 500  # after the last change of sizes, before they are stored
TITLE_BAR = 3  # em: the system's title bar, whose size Qt knows only once the window is shown


class MainWindow(QMainWindow):
    """The window with all its views."""

    def __init__(self, setup: LibrarySetup, store: SettingsStore, jobs: Jobs) -> None:
        super().__init__()
        self._store, self._jobs, self._asks = store, jobs, True
        self._faults: dict[int, Message] = {}  # as last shown
        settings = store.settings
        self.pictures = Pictures(Limits())
        self.frame = frame = Frame(settings, self.pictures, jobs, self)
        self.library = LibraryController(setup, frame.status, jobs, self)
        self.library.opened.connect(self._use_settings)  # before it answers a search
        self.search = SearchController(frame.box, frame.wall_page, jobs, self.pictures, self)
        self.suggestions = SearchSuggestions(frame.box, jobs, frame.wall_page.header.title, self)
        self.viewer = ViewerController(
            frame.viewer_page,
            frame.model,
            frame.thumbnails,
            self.pictures,
            jobs,
            folders=lambda: [folder.path for folder in self.library.overview.folders],
            parent=self,
        )
        self.history = History(frame.status, self._view, self)
        self.tags = TagsController(frame.status, self.history, jobs, self)
        self.trashing = Trashing(self, frame.status, self.history, jobs)
        self.exporting = Exporting(self, frame.status, jobs, store)
        chosen = ChosenPhotos(frame, self.viewer)
        self.tagging = Tagging(self, self.tags, chosen)
        self.review = Review(frame.wall_page, frame.model, self.search, self.tags)
        self.photos = PhotoActions(
            frame,
            chosen,
            self.trashing,
            self.exporting,
            jobs,
            tagging=self.tagging,
            review=self.review,
            pictures=self.pictures,
        )
        self.models = ModelsController(setup, self.library, jobs, self)
        self.hint = BetterModels(frame, self.library, self.search, self.models, store)
        self.marks_loader = MarksLoader(frame.grid, frame.model, self.tags, jobs)
        self.pages = Pages(self, frame, self.search, self.viewer, self.photos)
        self.library_pages = LibraryPages(frame, self.library, self.search, self.models, self.history)
        self.tag_pages = TagPages(
            frame, self.pages, self.search, self.tags, chooser=self.tagging.chooser, make=self._make_studio
        )
        self.people = PeopleController(self.tags, self.pictures, jobs, self)
        self._connect_people()
        self.exchange = TagExchange(self, self.tags, frame.status, jobs)
        self.tag_pages.exchange_requested.connect(self.exchange.show_menu)
        self.exchange.imported.connect(lambda _imported: self.library.refresh_overview())
        self.details = DetailsController(
            frame, chosen, self.viewer, self.search, tags=self.tags, tagging=self.tagging, jobs=jobs
        )
        connect_suggestions(self.suggestions, frame.box, frame.wall_page, self.search)
        self.suggestions.language_wanted.connect(self._learn_language)
        self.saved = SavedSearches(frame, self.library, self.search, self.history)
        frame.box.is_album = self.tags.is_album
        self.tags.changed.connect(lambda _tags: frame.box.update_chips())
        self.library.opened.connect(self._take_library)
        self.library.overview_changed.connect(lambda _overview: self.tags.refresh())
        self.tags.changed.connect(self.library_pages.show_tags)
        self._connect_trashing()
        self._connect_details(frame.details)
        self.library.begun.connect(self._warm_up)
        jobs.failed.connect(frame.status.show_sentence)
        self.setCentralWidget(frame)
        self.setWindowTitle("Picsight")
        frame.has_folders = os.path.exists(setup.folder / "library.db")  # noqa: PTH110 - Path raises where it may not look
        frame.show_page(frame.wall_page)
        self._bind()
        self._size_first()
        self._follow_settings()

    def _take_library(self, library: Library) -> None:
        self.suggestions.library = self.viewer.library = self.photos.library = library
        self.trashing.library = self.exporting.library = library
        self.tags.use(library)

    def _connect_people(self) -> None:
        people, pages, frame = self.people, self.pages, self.frame
        self.faces = FaceMarks(
            frame.viewer_page,
            self.viewer,
            self.tags,
            people,
            status=frame.status,
            jobs=self._jobs,
            parent=self,
        )
        pages.add_page(people.view, people.view.tiles, people.go_back_or(pages.show_photos))
        people.view.left.connect(pages.back)
        people.photos_requested.connect(lambda query: pages.go(Place(query)))
        people.index_requested.connect(self.library.index)
        self.library.indexing_ended.connect(people.refresh)
        self.frame.sidebar.people_requested.connect(self._show_people)

    def _show_people(self) -> None:
        self.people.show_everyone()
        self.pages.show_page(self.people.view)
        self.frame.sidebar.mark(SidebarAction.PEOPLE)

    def _connect_trashing(self) -> None:
        self.trashing.files_gone.connect(self.viewer.go_on)
        for changed in (self.trashing.files_gone, self.trashing.files_back):
            changed.connect(self.search.ask_again)
            changed.connect(self.library.refresh_overview)
        self.trashing.files_back.connect(self.library.index)

    def _connect_details(self, panel: DetailsPanel) -> None:
        self.details.tag_requested.connect(self.tag_pages.show_photos)
        panel.query_requested.connect(lambda query: self.pages.go(Place(query)))
        panel.left.connect(self.pages.leave_details)
        panel.reveal_requested.connect(self.photos.reveal)
        panel.copy_requested.connect(self.photos.copy_paths)
        self.frame.viewer_page.play_requested.connect(self.photos.play)

    def start(self, folders_to_add: Sequence[Path]) -> None:
        """Open the library; called once the first frame is on the screen."""
        if folders_to_add:
            self.library_pages.expect_photos()
        self.library.open(folders_to_add)
        self.read_settings()

    def _follow_settings(self) -> None:
        self._arranged = self._arrangement()
        self._settled = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settled.timeout.connect(self.store_arrangement)
        self.frame.arranged.connect(self._settled.start)
        self.frame.grid.row_height_changed.connect(lambda _height: self._settled.start())
        self._store.changed.append(self._apply)

    def read_settings(self) -> None:
        """Apply what was changed elsewhere in the file of settings, and name the lines of it that do not count."""
        self._store.read()
        if self._store.faults != self._faults:
            self._faults = self._store.faults
            self.frame.status.show_sentence("\n".join(map(worded, self._faults.values())))

    def _use_settings(self, library: Library) -> None:
        self.library.reads_words = self._store.settings.read_words
        library.languages = search_languages(self._store.settings.languages, QLocale.system().uiLanguages())

    def _learn_language(self, code: str) -> None:
        if (library := self.trashing.library) is not None:
            self._store.change(languages=", ".join((*library.languages, code)))

    def _apply(self, _settings: Settings) -> None:
        if (library := self.trashing.library) is not None:
            before = library.languages
            self._use_settings(library)
            if library.languages != before:
                self.search.ask_again()

    def _view(self) -> tuple[object, ...]:
        """The current view: Undo asks before it reverts a change of another view."""
        page = self.frame.page
        return (page, self.search.wanted) if page is self.frame.wall_page else (page,)

    def _warm_up(self) -> None:
        """Load the viewer's modules, so that the first photo opens quickly."""
        if self.library.overview.folders:
            self._jobs.read(self.pictures.warm_up, lambda _done: None, lambda _sentence: None)

    def _make_studio(self) -> StudioController:
        from picsight.window.shell.studio_controller import StudioController  # numpy: after the first frame

        return StudioController(
            self.frame, self.pictures, self.tags, self.history, self._jobs, recent=lambda: self.tagging.recent
        )

    def _bind(self) -> None:
        """Bind the keys of the whole window. A standard key that some platform lacks has a plain one beside it."""
        pages, grid, key = self.pages, self.frame.grid, QKeySequence.StandardKey
        resize = grid.set_row_height
        for words, keys, act in (
            (tr("To the box"), (key.Find, "/"), pages.find),
            (tr("Back"), (key.Back,), pages.back),
            (tr("All photos"), ("Ctrl+1",), lambda: pages.go(Place())),
            (tr("Problems"), ("Ctrl+5",), pages.show_problems),
            (tr("Tags"), ("Ctrl+6",), self.tag_pages.show),
            (tr("Show or hide the sidebar"), ("F9",), self.frame.toggle_sidebar),
            (tr("Show or hide the details"), ("Ctrl+I",), self.frame.toggle_details),
            (tr("Add folders"), (key.Open,), self.library_pages.choose_folders),
            (tr("Look for new photos"), ("F5", "Refresh"), self.library.index),
            (tr("Save this search"), (key.Save, "Ctrl+S"), self.saved.save),
            (tr("Show in folder"), ("Ctrl+R",), self.photos.reveal),
            (tr("Undo"), (key.Undo, "Ctrl+Z"), lambda: self._once_done(self.history.undo)),
            (tr("Redo"), (key.Redo, "Ctrl+Shift+Z"), lambda: self._once_done(self.history.redo)),
            (tr("Larger photos"), (key.ZoomIn, "Ctrl+="), lambda: resize(grid.row_height() * 1.2)),
            (tr("Smaller photos"), (key.ZoomOut,), lambda: resize(grid.row_height() / 1.2)),
            (tr("Usual size of photos"), ("Ctrl+0",), lambda: resize(Settings().row_height)),
            (tr("Full screen"), (key.FullScreen, "F11"), pages.toggle_full_screen),
            (tr("This list"), (key.HelpContents, "F1"), self._show_keys),
            (tr("Quit"), (key.Quit, "Ctrl+Q"), self.close),
        ):
            bind_keys(self, words, keys, act)

    def _once_done(self, step: Callable[[], object]) -> None:
        """Undo or redo after the running changes."""
        self.trashing.after(lambda: self._jobs.after_changes(step))

    def _show_keys(self) -> None:
        """Show the list of all keys, collected from their widgets."""
        from picsight.window.tags.studio.borderline import BorderlineCases
        from picsight.window.tags.studio.threshold import ThresholdSlider

        frame, viewer, studio = self.frame, self.frame.viewer_page, self.tag_pages.studio
        of_photos = widget_keys(frame.grid.KEYS) + bound_keys(frame.grid)
        of_tags = widget_keys(ThresholdSlider.KEYS) + (bound_keys(studio.wall) if studio is not None else [])
        first = (
            (tr("Everywhere"), bound_keys(self)),
            (tr("Box"), widget_keys(frame.box.KEYS)),
            (tr("Problems"), widget_keys(frame.problems.KEYS)),
            (tr("People"), widget_keys(self.people.view.KEYS)),
        )
        second = (
            (tr("Photos: the selected ones, else the current one"), of_photos),
            (tr("One photo"), widget_keys(viewer.KEYS) + bound_keys(viewer.stage)),
            (tr("Borderline cases of a tag"), widget_keys(BorderlineCases.KEYS)),
            (tr("Studio of a tag"), of_tags),
        )
        KeyList((first, second), self).open()

    def close_at_once(self) -> None:
        """Close without a question, since the sender of a signal may not see the window."""
        self._asks = False
        self.close()

    def end(self) -> None:
        """Finish what the user asked for and close the library; call after the window was closed."""
        self._jobs.close()
        self.search.pictures.close()
        self.library.close()

    def _size_first(self) -> None:
        """Restore the last size, else use 96 by 60 em, at most 80 % of the screen, but wide enough for the sidebar."""
        screen = self.screen().availableSize() - QSize(0, px(self, TITLE_BAR))
        self.setMinimumSize(QSize(px(self, 44), px(self, 32)).boundedTo(screen))
        settings = self._store.settings
        size = QSize(settings.window_width, settings.window_height)
        if size.isEmpty():
            most = screen * 0.8
            size = QSize(px(self, 96), px(self, 60)).boundedTo(most).expandedTo(QSize(px(self, NARROW), 0))
        self.resize(size.boundedTo(screen))
        if settings.maximised:
            self.setWindowState(Qt.WindowState.WindowMaximized)

    def changeEvent(self, event: QEvent) -> None:
        """Show the tags and stars that a command has changed, once the user returns to the window."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.tags.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop reading; ask first about unsaved changes."""
        if self._asks and self.tag_pages.asks_about_draft(self.close):
            event.ignore()
            return
        self.store_arrangement()
        self.models.hide()
        self.pictures.close()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Store the new size once it stays."""
        super().resizeEvent(event)
        if self.isVisible():
            self._settled.start()

    def store_arrangement(self) -> None:
        """Store what has changed of the sizes and panels of this window; another window may have stored the rest."""
        before, self._arranged = self._arranged, self._arrangement()
        if changed := dict(self._arranged.items() - before.items()):
            self._store.change(**changed)

    def _arrangement(self) -> dict[str, Value]:
        size = self.normalGeometry().size() if self.isMaximized() or self.isFullScreen() else self.size()
        return {
            "sidebar": self.frame.sidebar_wanted,
            "sidebar_width": self.frame.sidebar_width,
            "details": self.frame.details_wanted,
            "details_width": self.frame.details_width,
            "row_height": round(self.frame.grid.row_height(), 2),
            "window_width": size.width(),
            "window_height": size.height(),
            "maximised": self.isMaximized(),
        }
