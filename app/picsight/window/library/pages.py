"""The pages about the library: first run, failure, folders, problems, and the numbers in the status line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.window.library.sidebar_model import entries_of
from picsight.window.parts.words import counted
from picsight.window.search.place import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.actions.folders import FolderActions
    from picsight.window.frame import Frame
    from picsight.window.history import History, Step
    from picsight.window.library.controller import LibraryController
    from picsight.window.library.overview import Overview
    from picsight.window.models.controller import ModelsController
    from picsight.window.parts.notice import Way
    from picsight.window.search.controller import SearchController
    from picsight_engine.library import Library
    from picsight_engine.store.problems import Problem
    from picsight_engine.tags.tree import Tag


class LibraryPages(QObject):
    """Keeps every page about the library up to date, and connects its actions."""

    def __init__(
        self,
        frame: Frame,
        library: LibraryController,
        search: SearchController,
        models: ModelsController,
        folders: FolderActions,
        *,
        history: History,
    ) -> None:
        super().__init__(frame)
        self._history = history
        self._frame, self._library, self._search, self._models = frame, library, search, models
        self._tags: Sequence[Tag] = ()
        library.opened.connect(self._use)
        library.failed_to_open.connect(self._fail)
        library.overview_changed.connect(self._show_overview)
        library.photos_committed.connect(search.photos_arrived)
        library.photos_changed.connect(self._photos_changed)
        library.indexing_ended.connect(self._indexing_ended)
        library.notice_given.connect(self._show_notice)
        library.answers_changed.connect(search.ask_again)
        search.answered.connect(library.begin)
        search.place_changed.connect(lambda _place: self._say_photos())
        search.folders_wanted.connect(folders.choose)
        search.install_again_requested.connect(lambda: models.install_again(library.model_names[0]))
        self._join_folders(folders)
        self._join_status(folders)
        frame.problems.retry_all_requested.connect(lambda: library.index(retry_problems=True))
        frame.problems.retry_requested.connect(self._retry)
        frame.problems.ignore_requested.connect(self._ignore)

    def _join_folders(self, folders: FolderActions) -> None:
        frame, library = self._frame, self._library
        frame.folders_dropped.connect(library.add_folders)
        frame.first_run.choose_requested.connect(folders.choose)
        frame.first_run.folders_chosen.connect(library.add_folders)
        frame.sidebar.add_requested.connect(folders.choose)
        frame.sidebar.folder_menu_requested.connect(folders.show_menu)

    def _join_status(self, folders: FolderActions) -> None:
        status, models = self._frame.status, self._models
        status.forget_requested.connect(folders.confirm_forgetting)
        status.folders_requested.connect(folders.choose)
        status.install_again_requested.connect(lambda: models.install_again(self._library.model_names[1]))
        self._frame.sidebar.models_requested.connect(models.show)
        self._frame.model_dropped.connect(models.install_file)

    def expect_photos(self) -> None:
        """Show that photos will come, before the library is open."""
        self._frame.has_folders = True
        self._frame.show_page(self._frame.wall_page)
        self._search.expect_photos()

    def _use(self, library: Library) -> None:
        frame = self._frame
        for thumbnails in (frame.thumbnails, frame.strip_thumbnails):
            thumbnails.use(library.thumbnail)
        self._search.use(library)
        self._begin()

    def _begin(self) -> None:
        """Show the wall, ready for words, or the first run."""
        self._frame.show_page(self._frame.wall_page)
        if self._frame.has_folders:
            self._frame.box.line.setFocus()

    def _fail(self, sentence: str) -> None:
        broken, title = self._library.broken_model, self.tr("Picsight cannot open the library.")
        ways: list[Way] = [(self.tr("Quit"), self._frame.window().close)]
        if broken is not None:
            title = self.tr("The search model is incomplete.")
            if not broken.incomplete:
                title = self.tr("The search model is missing.")
                sentence = self.tr("Install it again, or use another one. Your library is unchanged.")
            again = (self.tr("Install again"), partial(self._models.install_again, broken.name))
            ways = [again, (self.tr("Models…"), self._models.show), *ways]
        self._frame.failure.say(title, sentence, ways)
        self._frame.show_page(self._frame.failure)

    def _show_notice(self, sentence: str) -> None:
        first = self._frame.page is self._frame.first_run
        (self._frame.first_run.say if first else self._frame.status.show_sentence)(sentence)

    def _show_overview(self, overview: Overview) -> None:
        frame = self._frame
        self._show_lines()
        frame.has_folders = bool(overview.folders)
        if frame.page is (frame.first_run if frame.has_folders else frame.wall_page):
            self._begin()
        self._say_photos()

    def show_tags(self, tags: Sequence[Tag]) -> None:
        """Show the library's tags."""
        self._tags = tags
        self._show_lines()

    def _show_lines(self) -> None:
        library, emptier = self._library, {place.path for place in self._library.emptier}
        lines = entries_of(library.overview, emptier, self._tags, looked=library.has_looked)
        self._frame.sidebar.set_entries(lines)
        self._frame.model.show_away([*library.overview.away, *sorted(emptier)])

    def _say_photos(self) -> None:
        """Show the sidebar's number of photos; the header has it if all photos are shown."""
        overview = self._library.overview
        photos = overview.photos
        self._search.count_photos(photos, [problem.path for problem in overview.problems])
        self._frame.status.say_photos(counted(photos, "%n photo", "%n photos") if photos else "")

    def _photos_changed(self) -> None:
        """Leave the page of a folder that was removed from the library."""
        folder, folders = self._search.wanted.folder, self._library.overview.folders
        if folder is None or any(folder.is_relative_to(each.path) for each in folders):
            self._search.ask_again()
        else:
            self._search.go(Place())

    def _indexing_ended(self) -> None:
        for thumbnails in (self._frame.thumbnails, self._frame.strip_thumbnails):
            thumbnails.retry_missing()
        self._search.settle(complete=self._library.has_looked)

    def _retry(self, problems: Sequence[Problem]) -> None:
        self._library.change(lambda library: library.retry(problems), self._library.index)

    def _ignore(self, problems: Sequence[Problem]) -> None:
        words = counted(len(problems), "Ignored %n file.", "Ignored %n files.")
        self._history.do(words, self._ignoring(problems, True), self._ignoring(problems, False))

    def _ignoring(self, problems: Sequence[Problem], ignored: bool) -> Step:
        return self._library.step(lambda library: library.ignore(problems, ignored=ignored))
