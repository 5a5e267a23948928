"""Actions on folders: choose, drop, index again, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QStandardPaths, QStorageInfo, QUrl
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QListView, QTreeView, QWidget

from picsight.window.actions.keys import photo_menu
from picsight.window.actions.open_with import open_folder
from picsight.window.parts.question import ask, open_once
from picsight.window.parts.words import counted, isolated, quoted, short_path
from picsight.window.tokens import px

if TYPE_CHECKING:
    from picsight.window.actions.keys import MenuEntry
    from picsight.window.history import History
    from picsight.window.library.controller import LibraryController


MOUNTED = ("/media", "/run/media", "/mnt", "/Volumes")  # the mount points of disks, cards and cameras


class FolderActions(QObject):
    """Dialogs and menus for folders."""

    def __init__(self, window: QWidget, library: LibraryController, history: History) -> None:
        super().__init__(window)
        self._window, self._library, self._history = window, library, history

    def choose(self) -> None:
        """Ask for folders and add them. Uses Qt's dialog, since those of the systems take only one folder."""
        places = _places()
        dialog = QFileDialog(self._window, self.tr("Choose folders with photos"), str(places[0]))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOptions(QFileDialog.Option.ShowDirsOnly | QFileDialog.Option.DontUseNativeDialog)
        dialog.setSidebarUrls([QUrl.fromLocalFile(str(place)) for place in places])
        dialog.resize(px(self._window, 48), px(self._window, 32))
        for view in (
            *dialog.findChildren(QListView, "listView"),
            *dialog.findChildren(QTreeView, "treeView"),
        ):
            view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, self.tr("Add"))
        dialog.setLabelText(QFileDialog.DialogLabel.FileName, self.tr("Folders:"))
        dialog.filesSelected.connect(lambda names: self._library.add_folders([Path(name) for name in names]))
        open_once(dialog)

    def show_menu(self, folder: Path, point: QPoint) -> None:
        """Open the menu of a folder; only an added folder can be removed."""
        entries: list[MenuEntry | None] = [
            (self.tr("Look for new photos"), "", self._library.index),
            (
                self.tr("Open the folder"),
                "",
                lambda: open_folder(folder, folder, self._library.notice_given.emit),
            ),
        ]
        if any(folder == added.path for added in self._library.overview.folders):
            removal = (self.tr("Remove from Picsight…"), "", lambda: self._confirm_removal(folder))
            entries = [*entries, None, removal]
        photo_menu(self._window, entries).popup(point)

    def confirm_forgetting(self) -> None:
        """Ask before removing missing photos, since they are not restored when their disk returns."""
        lost = self._library.emptier
        names = ", ".join(isolated(f"“{short_path(place.path)}”") for place in lost)
        photos = counted(sum(place.photos for place in lost), "%n photo is missing", "%n photos are missing")
        ask(
            self._window,
            self.tr("{photos} from {folders}. Gone for good?").format(photos=photos, folders=names),
            self.tr("Picsight forgets them with their tags, stars and albums. No file is touched."),
            self.tr("They are gone"),
            self._library.forget_lost,
        )

    def _confirm_removal(self, folder: Path) -> None:
        """Ask before a removal, explaining its effect on the photos, their tags, stars and albums."""
        name = quoted(folder)
        words = self.tr("Removed {folder} from Picsight.").format(folder=name)
        ask(
            self._window,
            self.tr("Remove {folder}?").format(folder=name),
            self.tr("Its photos stay on disk. Their tags, stars and albums are kept for 30 days."),
            self.tr("Remove"),
            lambda: self._history.do(words, *self._library.removal(folder)),
        )


def _places() -> list[Path]:
    """Likely folders of photos: the user's folders, then connected disks, cards and cameras."""
    pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    disks = [Path(disk.rootPath()) for disk in QStorageInfo.mountedVolumes() if disk.isReady()]
    removable = [disk for disk in disks if any(disk.is_relative_to(place) for place in MOUNTED)]
    places = dict.fromkeys((*([Path(pictures)] if pictures else []), Path.home(), *removable))
    return [place for place in places if place.is_dir()] or [Path.home()]
