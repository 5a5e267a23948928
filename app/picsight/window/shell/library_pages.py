"""The pages about the library: first run, failure, problems, the numbers in the status line; and actions on folders."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QStandardPaths, QStorageInfo, QUrl
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QListView, QTreeView

from picsight.texts import tr
from picsight.window.actions.open_with import open_folder
from picsight.window.controls.keys import photo_menu
from picsight.window.controls.question import ask, open_once
from picsight.window.parts.words import counted, isolated, quoted, short_path
from picsight.window.search.place import Place
from picsight.window.sidebar.model import entries_of
from picsight.window.tokens import px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.controls.keys import MenuEntry
    from picsight.window.controls.notice import Option
    from picsight.window.models.controller import ModelsController
    from picsight.window.search.controller import SearchController
    from picsight.window.session.controller import LibraryController
    from picsight.window.session.overview import Overview
    from picsight.window.shell.frame import Frame
    from picsight.window.status.history import History, Step
    from picsight_engine.library import Library
    from picsight_engine.store.overview.problems import Problem
    from picsight_engine.tags.tree import Tag

MOUNTED = ("/media", "/run/media", "/mnt", "/Volumes")  # the mount points of disks, cards and cameras


class LibraryPages(QObject):
    """Keeps every page about the library up to date, and connects its actions; dialogs and menus for folders."""

    def __init__(
        self,
        frame: Frame,
        library: LibraryController,
        search: SearchController,
        models: ModelsController,
        history: History,
    ) -> None:
        super().__init__(frame)
        self._frame, self._library, self._search, self._models = frame, library, search, models
        self._history = history
        self._tags: Sequence[Tag] = ()
        library.opened.connect(self._use)
        library.failed_to_open.connect(self._fail)
        library.overview_changed.connect(self._show_overview)
        library.photos_committed.connect(search.photos_arrived)
        library.photos_changed.connect(self._photos_changed)
        library.indexing_began.connect(search.reading_began)
        library.indexing_ended.connect(self._indexing_ended)
        library.notice_given.connect(self._show_notice)
        library.answers_changed.connect(search.ask_again)
        search.answered.connect(library.begin)
        search.place_changed.connect(lambda _place: self._say_photos())
        search.folders_wanted.connect(self.choose_folders)
        search.reading_requested.connect(library.index)
        search.install_again_requested.connect(lambda: models.install_again(library.model_names[0]))
        self._connect_folders()
        self._connect_status()
        frame.problems.retry_requested.connect(self._retry)
        frame.problems.ignore_requested.connect(self._ignore)

    def _connect_folders(self) -> None:
        frame, library = self._frame, self._library
        frame.folders_dropped.connect(library.add_folders)
        frame.first_run.choose_requested.connect(self.choose_folders)
        frame.first_run.folders_chosen.connect(library.add_folders)
        frame.sidebar.add_requested.connect(self.choose_folders)
        frame.sidebar.folder_menu_requested.connect(self._show_folder_menu)

    def _connect_status(self) -> None:
        status, models = self._frame.status, self._models
        status.forget_requested.connect(self._confirm_forgetting)
        status.folders_requested.connect(self.choose_folders)
        status.install_again_requested.connect(lambda: models.install_again(self._library.model_names[1]))
        self._frame.sidebar.models_requested.connect(models.show)
        self._frame.model_dropped.connect(models.install_file)

    def expect_photos(self) -> None:
        """Show that photos will come, before the library is open."""
        self._frame.has_folders = True
        self._frame.show_page(self._frame.wall_page)
        self._search.explain_empty_wall()

    def _use(self, library: Library) -> None:
        frame = self._frame
        for thumbnails in (frame.thumbnails, *frame.strip_thumbnails):
            thumbnails.use(library.photos.thumbnail)
        self._search.use(library)
        self._begin()

    def _begin(self) -> None:
        """Show the wall, ready for words, or the first run."""
        self._frame.show_page(self._frame.wall_page)
        if self._frame.has_folders:
            self._frame.box.line.setFocus()

    def _fail(self, sentence: str) -> None:
        broken, title = self._library.broken_model, tr("Picsight cannot open the library.")
        options: list[Option] = [(tr("Quit"), self._frame.window().close)]
        if broken is not None:
            title = tr("The search model is incomplete.")
            if not broken.incomplete:
                title = tr("The search model is missing.")
                sentence = tr("Install it again, or use another one. Your library is unchanged.")
            again = (tr("Install again"), partial(self._models.install_again, broken.name))
            options = [again, (tr("Models…"), self._models.show), *options]
        self._frame.failure.say(title, sentence, options)
        self._frame.show_page(self._frame.failure)

    def _show_notice(self, sentence: str) -> None:
        first = self._frame.page is self._frame.first_run
        (self._frame.first_run.say if first else self._frame.status.show_sentence)(sentence)

    def _show_overview(self, overview: Overview) -> None:
        frame = self._frame
        frame.problems_model.set_problems(overview.problems)
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
        library, emptied = self._library, {place.path for place in self._library.emptied}
        lines = entries_of(library.overview, emptied, self._tags, scanned=library.is_scanned)
        self._frame.sidebar.set_entries(lines)
        self._frame.model.show_offline([*library.overview.offline, *sorted(emptied)])

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
        for thumbnails in (self._frame.thumbnails, *self._frame.strip_thumbnails):
            thumbnails.retry_missing()
        self._search.settle(complete=self._library.is_scanned)

    def _retry(self, problems: Sequence[Problem]) -> None:
        self._library.change(lambda library: library.problems.retry(problems), self._library.index)

    def _ignore(self, problems: Sequence[Problem]) -> None:
        words = counted(len(problems), "Ignored %n file.", "Ignored %n files.")
        self._history.do(words, self._ignoring(problems, True), self._ignoring(problems, False))

    def _ignoring(self, problems: Sequence[Problem], ignored: bool) -> Step:
        return self._library.step(lambda library: library.problems.ignore(problems, ignored=ignored))

    # Folders

    def choose_folders(self) -> None:
        """Ask for folders and add them. Uses Qt's dialog, since those of the systems take only one folder."""
        places = _places()
        dialog = QFileDialog(self._frame, tr("Choose folders with photos"), str(places[0]))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOptions(QFileDialog.Option.ShowDirsOnly | QFileDialog.Option.DontUseNativeDialog)
        dialog.setSidebarUrls([QUrl.fromLocalFile(str(place)) for place in places])
        dialog.resize(px(self._frame, 48), px(self._frame, 32))
        for view in (
            *dialog.findChildren(QListView, "listView"),
            *dialog.findChildren(QTreeView, "treeView"),
        ):
            view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, tr("Add"))
        dialog.setLabelText(QFileDialog.DialogLabel.FileName, tr("Folders:"))
        dialog.filesSelected.connect(lambda names: self._library.add_folders([Path(name) for name in names]))
        open_once(dialog)

    def _show_folder_menu(self, folder: Path, point: QPoint) -> None:
        """Open the menu of a folder; only an added folder can be removed."""
        show = partial(open_folder, folder, folder, self._library.notice_given.emit)
        entries: list[MenuEntry | None] = [
            (tr("Look for new photos"), "", self._library.index),
            (tr("Open the folder"), "", show),
        ]
        if any(folder == added.path for added in self._library.overview.folders):
            removal = (tr("Remove from Picsight…"), "", lambda: self._confirm_removal(folder))
            entries = [*entries, None, removal]
        photo_menu(self._frame, entries).popup(point)

    def _confirm_forgetting(self) -> None:
        """Ask before removing missing photos, since they are not restored when their disk returns."""
        lost = self._library.emptied
        names = ", ".join(isolated(f"“{short_path(place.path)}”") for place in lost)
        photos = counted(sum(place.photos for place in lost), "%n photo is missing", "%n photos are missing")
        ask(
            self._frame,
            tr("{photos} from {folders}. Gone for good?", photos=photos, folders=names),
            tr("Picsight forgets them with their tags, stars and albums. No file is touched."),
            tr("They are gone"),
            self._library.forget_lost,
        )

    def _confirm_removal(self, folder: Path) -> None:
        """Ask before a removal, explaining its effect on the photos, their tags, stars and albums."""
        name = quoted(folder)
        words = tr("Removed {folder} from Picsight.", folder=name)
        ask(
            self._frame,
            tr("Remove {folder}?", folder=name),
            tr("Its photos stay on disk. Their tags, stars and albums are kept for 30 days."),
            tr("Remove"),
            lambda: self._history.do(words, *self._library.removal(folder)),
        )


def _places() -> list[Path]:
    """Likely folders of photos: the user's folders, then connected disks, cards and cameras."""
    pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    disks = [Path(disk.rootPath()) for disk in QStorageInfo.mountedVolumes() if disk.isReady()]
    removable = [disk for disk in disks if any(disk.is_relative_to(place) for place in MOUNTED)]
    places = dict.fromkeys((*([Path(pictures)] if pictures else []), Path.home(), *removable))
    return [place for place in places if place.is_dir()] or [Path.home()]
