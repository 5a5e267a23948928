"""The wall as a Qt item model: one row a photo, reset for every answer, grown while photos are indexed."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt, QUrl

from picsight.window.grid.wall import EMPTY, Wall
from picsight.window.parts.drops import PHOTOS
from picsight.window.parts.words import (
    counted,
    match_words,
    plain,
    say,
    spoken_date,
    taken_words,
    tooltip,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QObject

    from picsight_engine.search.answer import Result

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()


class Role(IntEnum):
    """Our own data of a photo."""

    PHOTO = Qt.ItemDataRole.UserRole + 1
    MARK = PHOTO + 1  # how well it matches, where photos of different certainty stand side by side
    COPIES = PHOTO + 2  # for how many photos of the same picture it stands


class WallModel(QAbstractListModel):
    """The photos of the wall."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wall = EMPTY

    @property
    def wall(self) -> Wall:
        """What is shown now."""
        return self._wall

    def set_wall(self, wall: Wall) -> None:
        """Show another answer."""
        self.beginResetModel()
        self._wall = wall
        self.endResetModel()

    def grow(self, wall: Wall) -> None:
        """Show a wall that begins with the one shown: its further photos appear at the end."""
        before, after = len(self._wall.results), len(wall.results)
        if after <= before:
            return
        self.beginInsertRows(NOWHERE, before, after - 1)
        self._wall = wall
        self.endInsertRows()

    def shrink(self, wall: Wall) -> None:
        """Show a wall that is the beginning of the one shown: its further photos go."""
        before, after = len(self._wall.results), len(wall.results)
        self.beginRemoveRows(NOWHERE, after, before - 1)
        self._wall = wall
        self.endRemoveRows()

    def photo(self, row: int) -> Result:
        """The photo in a row."""
        return self._wall.results[row]

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """How many photos there are."""
        return 0 if parent.isValid() else len(self._wall.results)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A photo's name, date, spoken text, how well it matches, for how many it stands, or the photo itself."""
        if not index.isValid() or not 0 <= index.row() < len(self._wall.results):
            return None
        photo = self._wall.results[index.row()]
        match role:
            case Role.PHOTO:
                value: object = photo
            case Role.MARK:
                value = photo.match if self._wall.marked else None
            case Role.COPIES:
                value = self._wall.copies(photo.id)
            case Qt.ItemDataRole.DisplayRole:
                value = plain(photo.path.name)
            case Qt.ItemDataRole.ToolTipRole:
                value = tooltip(photo.path.name, taken_words(photo.taken))
            case Qt.ItemDataRole.AccessibleTextRole:
                value = self._spoken(photo)
            case _:
                value = None
        return value

    def _spoken(self, photo: Result) -> str:
        """Name, day, place, how well it matches, copies; what is not known is left out."""
        copies = self._wall.copies(photo.id)
        parts = (
            photo.path.name,
            spoken_date(photo.taken),
            photo.place,
            say("found by its name") if photo.found_by == "name" else match_words(photo.match),
            counted(copies, "%n copy", "%n copies") if copies > 1 else "",
        )
        return ", ".join(filter(None, parts))

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Photos can be selected and dragged out."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flag = Qt.ItemFlag
        return flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemIsDragEnabled | flag.ItemNeverHasChildren

    def mimeTypes(self) -> list[str]:
        """Photos leave as the addresses of their files."""
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The files of some photos, to copy or to drag out."""
        return files_of([self.photo(index.row()) for index in indexes])


def files_of(photos: Sequence[Result]) -> QMimeData:
    """The files of photos for the clipboard or a drag, which also tells this window which photos they are."""
    data = QMimeData()
    data.setData(PHOTOS, " ".join(str(photo.id) for photo in photos).encode())
    data.setUrls([QUrl.fromLocalFile(str(photo.path)) for photo in photos])
    return data
