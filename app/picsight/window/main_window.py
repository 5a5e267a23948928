"""The main window: puts views side by side, joins them to their controllers, and knows nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QMainWindow

from picsight.settings import Settings
from picsight.window.actions.folders import FolderActions
from picsight.window.actions.keys import bind_keys
from picsight.window.actions.photos import PhotoActions
from picsight.window.frame import Frame
from picsight.window.library.controller import LibraryController, LibraryPlace
from picsight.window.models.controller import ModelsController
from picsight.window.parts.picture import Pictures
from picsight.window.parts.words import counted
from picsight.window.search.controller import SearchController
from picsight.window.search.place import Place
from picsight.window.tokens import px
from picsight.window.viewer.controller import ViewerController
from picsight_engine.photos.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import QCloseEvent

    from picsight.jobs import Jobs
    from picsight.window.library.overview import Overview
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result


class MainWindow(QMainWindow):
    """Everything that is seen."""

    closing = Signal(object)  # Settings

    def __init__(self, place: LibraryPlace, settings: Settings, jobs: Jobs) -> None:
        super().__init__()
        self._settings, self._jobs = settings, jobs
        self.pictures = Pictures(Limits())
        self.frame = frame = Frame(settings, self.pictures, jobs, self)
        self.library = LibraryController(place, frame.problems_model, frame.status, jobs, self)
        self.search = SearchController(frame.box, frame.wall_page, jobs, self)
        self.viewer = ViewerController(
            frame.viewer_page, frame.model, frame.thumbnails, self.pictures, jobs, parent=self
        )
        self.folders = FolderActions(self, self.library)
        self.photos = PhotoActions(frame, self.viewer, jobs)
        self.models = ModelsController(place, self.library, jobs, self)
        self.setCentralWidget(frame)
        self.setWindowTitle("Picsight")
        new_here = not os.path.exists(place.folder / "library.db")  # noqa: PTH110 - Path raises where it may not look
        frame.show_page(frame.first_run if new_here else frame.wall_page)
        self._join()
        self._bind()
        self._size_first()

    def start(self, folders_to_add: Sequence[Path]) -> None:
        """Open the library; called once the first frame is on the screen."""
        if folders_to_add:
            self.frame.show_page(self.frame.wall_page)
            self.search.expect_photos()
        self.library.open(folders_to_add)

    def _join(self) -> None:
        frame, library, search, grid = self.frame, self.library, self.search, self.frame.grid
        library.opened.connect(self._use)
        library.failed_to_open.connect(self._fail)
        library.overview_changed.connect(self._show_overview)
        library.photos_committed.connect(self._photos_committed)
        library.indexing_ended.connect(self._indexing_ended)
        library.notice_given.connect(self._tell)
        library.model_chosen.connect(self._tell_of_models)
        library.answers_changed.connect(search.ask_again)
        search.place_changed.connect(self._place_changed)
        search.busy_changed.connect(frame.busy.set_busy)
        search.folders_wanted.connect(self.folders.choose)
        frame.box.edited.connect(lambda _text: self._show_wall())
        frame.box.emptied.connect(self._leave_box)
        grid.open_requested.connect(self._open_photo)
        grid.similar_requested.connect(lambda row: self._more_like(frame.model.photo(row)))
        self.photos.open_requested.connect(self._open_photo)
        self.photos.similar_requested.connect(self._more_like)
        grid.copy_requested.connect(self.photos.copy)
        grid.menu_requested.connect(self.photos.show_menu)
        grid.left.connect(self._leave_grid)
        grid.typed.connect(self._type)
        grid.selection_counted.connect(lambda _count: self._say_photos())
        self._join_pages()

    def _join_pages(self) -> None:
        frame, viewer, sidebar = self.frame, self.frame.viewer_page, self.frame.sidebar
        viewer.closed.connect(self._close_viewer)
        viewer.similar_requested.connect(lambda: self._more_like(self.viewer.photo))
        viewer.reveal_requested.connect(self.photos.reveal)
        viewer.full_screen_requested.connect(self._toggle_full_screen)
        self.viewer.moved.connect(lambda row: frame.grid.setCurrentIndex(frame.model.index(row)))
        frame.problems.retry_requested.connect(lambda: self.library.index(retry_problems=True))
        frame.problems.reveal_requested.connect(self.photos.reveal_file)
        frame.folders_dropped.connect(self.library.add_folders)
        frame.model_dropped.connect(self.models.install_file)
        frame.problems.left.connect(self._show_photos)
        frame.status.problems_requested.connect(self._show_problems)
        frame.status.forget_requested.connect(self.folders.confirm_forgetting)
        frame.status.folders_requested.connect(self.folders.choose)
        frame.first_run.choose_requested.connect(self.folders.choose)
        frame.first_run.folders_chosen.connect(self.library.add_folders)
        frame.first_run.models_requested.connect(self.models.show)
        frame.first_run.hint_dismissed.connect(self._dismiss_hint)
        frame.status.install_again_requested.connect(
            lambda: self.models.install_again(self.library.model_names[1])
        )
        self.search.install_again_requested.connect(
            lambda: self.models.install_again(self.library.model_names[0])
        )
        sidebar.all_requested.connect(lambda: self._go(Place()))
        sidebar.folder_requested.connect(lambda path: self._go(Place(folder=path)))
        sidebar.problems_requested.connect(self._show_problems)
        sidebar.add_requested.connect(self.folders.choose)
        sidebar.models_requested.connect(self.models.show)
        sidebar.folder_menu_requested.connect(self.folders.show_menu)
        self._jobs.failed.connect(frame.status.show_sentence)

    def _bind(self) -> None:
        grid, usual = self.frame.grid, Settings().row_height
        bind_keys(
            self,
            {
                "find": self._find,
                "back": self._back,
                "photos": lambda: self._go(Place()),
                "problems": self._show_problems,
                "sidebar": self.frame.toggle_sidebar,
                "add_folder": self.folders.choose,
                "look_again": self.library.index,
                "reveal": self.photos.reveal,
                "larger": lambda: grid.set_row_height(grid.row_height() * 1.2),
                "smaller": lambda: grid.set_row_height(grid.row_height() / 1.2),
                "usual_size": lambda: grid.set_row_height(usual),
                "full_screen": self._toggle_full_screen,
                "quit": self._quit,
            },
        )

    # Moving between pages

    def _find(self) -> None:
        self._leave_full_screen()
        self.frame.box.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.frame.box.line.selectAll()

    def _type(self, letters: str) -> None:
        """Letters typed elsewhere begin a search."""
        line = self.frame.box.line
        line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        line.selectAll()
        line.insert(letters)

    def _go(self, place: Place) -> None:
        self._show_wall()
        self.search.go(place)
        self.frame.grid.setFocus()

    def _show_wall(self) -> None:
        self.viewer.close()
        self.frame.show_page(self.frame.wall_page)

    def _show_photos(self) -> None:
        self._show_wall()
        self._mark_place()
        self.frame.grid.setFocus()

    def _show_problems(self) -> None:
        self.frame.show_page(self.frame.problems)
        self.frame.sidebar.mark(None, problems=True)
        self.frame.problems.table.setFocus()

    def _back(self) -> None:
        if self.frame.page is self.frame.viewer_page:
            self._close_viewer()
        elif self.frame.page is self.frame.problems:
            self._show_photos()
        else:
            self.search.go_back()

    def _leave_grid(self) -> None:
        if self.search.place.is_search:
            self.search.go_back()

    def _leave_box(self) -> None:
        self.frame.grid.setFocus()
        self._leave_grid()

    def _place_changed(self, _place: Place) -> None:
        self._mark_place()
        self._say_photos()

    def _mark_place(self) -> None:
        if self.frame.page is self.frame.wall_page:
            place, sidebar = self.search.place, self.frame.sidebar
            sidebar.unmark() if place.is_search else sidebar.mark(place.folder)

    # Photos

    def _open_photo(self, row: int) -> None:
        self.frame.show_page(self.frame.viewer_page)
        self.viewer.show(row)
        self.frame.viewer_page.setFocus()

    def _close_viewer(self) -> None:
        if self.isFullScreen():
            self._leave_full_screen()
            return
        self._show_photos()

    def _more_like(self, photo: Result | None) -> None:
        if photo is not None:
            self._leave_full_screen()
            self._show_wall()
            self.search.like(photo)
            self.frame.grid.setFocus()

    def _say_photos(self) -> None:
        selected = self.frame.grid.selected_count()
        words = [counted(self.library.overview.photos, "%n photo", "%n photos")]
        if selected > 1:
            words.append(counted(selected, "%n selected", "%n selected"))
        self.frame.status.say_photos(" · ".join(words) if self.library.overview.photos else "")

    # The library

    def _use(self, library: Library) -> None:
        self.frame.thumbnails.use(library.thumbnail)
        self.search.use(library)
        self._tell_of_models()
        if self.library.overview.folders:
            self._jobs.read(self.pictures.warm_up, lambda _done: None, lambda _sentence: None)
        self.frame.show_page(self.frame.wall_page if self.library.overview.folders else self.frame.first_run)
        if self.frame.page is self.frame.wall_page:
            self.frame.box.line.setFocus()

    def _tell(self, sentence: str) -> None:
        first = self.frame.page is self.frame.first_run
        (self.frame.first_run.say if first else self.frame.status.show_sentence)(sentence)

    def _tell_of_models(self) -> None:
        better = self._settings.better_models and self.library.has_small_model()
        self.frame.first_run.tell_of_models(better=better)

    def _dismiss_hint(self) -> None:
        self._settings = replace(self._settings, better_models=False)
        self._tell_of_models()
        self.frame.first_run.choose.setFocus()

    def _fail(self, sentence: str) -> None:
        broken, title = self.library.broken_model, self.tr("Picsight cannot open the library.")
        ways = [(self.tr("Quit"), self._quit)]
        if broken is not None:
            title = self.tr("The search model is incomplete.")
            if not broken.incomplete:
                title = self.tr("The search model is missing.")
                sentence = self.tr("Install it again, or use another one. Your library is as it was.")
            again = (self.tr("Install again"), partial(self.models.install_again, broken.name))
            ways = [again, (self.tr("Models…"), self.models.show), *ways]
        self.frame.failure.say(title, sentence, ways)
        self.frame.show_page(self.frame.failure)

    def _show_overview(self, overview: Overview) -> None:
        emptier = {place.path for place in self.library.emptier}
        entries = [
            (each.path, "emptier" if each.path in emptier else each.state) for each in overview.folders
        ]
        self.frame.sidebar.set_entries(entries, len(overview.problems))
        if overview.folders and self.frame.page is self.frame.first_run:
            self.frame.show_page(self.frame.wall_page)
        elif not overview.folders and self.frame.page is self.frame.wall_page:
            self.frame.show_page(self.frame.first_run)
        self._say_photos()

    def _photos_committed(self, photos: int) -> None:
        self.search.photos_arrived()
        if self.library.is_changing:  # they were there before
            return
        self.frame.status.say_photos(
            counted(photos, "You can already search %n photo.", "You can already search %n photos.")
        )

    def _indexing_ended(self) -> None:
        self.frame.thumbnails.retry_missing()
        self.search.settle(complete=self.library.has_looked)

    # The window itself

    def _quit(self) -> None:
        self.close()

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            self._leave_full_screen()
        elif self.frame.page is self.frame.viewer_page:
            self.frame.show_chrome(shown=False)
            self.showFullScreen()

    def _leave_full_screen(self) -> None:
        if self.isFullScreen():
            self.frame.show_chrome(shown=True)
            self.showMaximized() if self._settings.maximised else self.showNormal()

    def _size_first(self) -> None:
        """As last time, else 96 by 60 em, at most 80 % of the screen."""
        self.setMinimumSize(px(self, 44), px(self, 32))
        screen = self.screen().availableSize()
        size = QSize(self._settings.window_width, self._settings.window_height)
        if size.isEmpty():
            size = QSize(
                min(px(self, 96), screen.width() * 4 // 5), min(px(self, 60), screen.height() * 4 // 5)
            )
        self.resize(size.boundedTo(screen))
        if self._settings.maximised:
            self.setWindowState(Qt.WindowState.WindowMaximized)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hand over what is worth keeping, and let go of what is being read."""
        size = self.normalGeometry().size() if self.isMaximized() or self.isFullScreen() else self.size()
        self._settings = replace(
            self._settings,
            sidebar=self.frame.sidebar_wanted,
            row_height=round(self.frame.grid.row_height(), 2),
            window_width=size.width(),
            window_height=size.height(),
            maximised=self.isMaximized(),
        )
        self.closing.emit(self._settings)
        self.models.hide()
        self.pictures.close()
        super().closeEvent(event)
