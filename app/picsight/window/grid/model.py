"""The wall as a Qt item model: one row per photo, reset for every answer, grown during indexing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, Qt, QUrl

from picsight.texts import tr
from picsight.window.grid.wall import EMPTY, Wall
from picsight.window.parts.badges import spoken_badge
from picsight.window.parts.drops import PHOTOS
from picsight.window.parts.words import (
    counted,
    match_words,
    name_lines,
    plain,
    short_path,
    spoken_date,
    taken_words,
    tooltip,
)
from picsight_engine.search.answer import files_of_all

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from PySide6.QtCore import QObject

    from picsight.window.controls.rows import Index
    from picsight_engine.bundles.calibration import Match
    from picsight_engine.search.answer import Result
    from picsight_engine.store.tagging.decisions import State
    from picsight_engine.tags.tree import Marks

NOWHERE = QModelIndex()


class WallModel(QAbstractListModel):
    """The photos of the wall."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wall: Wall = EMPTY  # as shown
        self._marks: dict[int, Marks] = {}
        self.tag = ""  # the path of the shown tag, "" if none with suggestions is shown
        self._offline: tuple[Path, ...] = ()

    def set_wall(self, wall: Wall) -> None:
        """Show another answer."""
        self.beginResetModel()
        self.wall = wall
        self.endResetModel()

    def grow(self, wall: Wall) -> None:
        """Show a wall that begins with the current one, or that the current one begins with; its new copies appear in their
        stacks.
        """
        before, after = len(self.wall.results), len(wall.results)
        if after > before:
            self.beginInsertRows(NOWHERE, before, after - 1)
            self.wall = wall
            self.endInsertRows()
        elif after < before:
            self.beginRemoveRows(NOWHERE, after, before - 1)
            self.wall = wall
            self.endRemoveRows()
        else:
            self.wall = wall
            self._announce_marks()

    def show_tag(self, path: str) -> None:
        """Show the state of each photo in this tag, or in one below it."""
        if path != self.tag:
            self.tag = path
            self._announce_marks()

    def marks(self, photo: int) -> Marks | None:
        """The marks of a photo, if known."""
        return self._marks.get(photo)

    def put_marks(self, marks: Mapping[int, Marks]) -> None:
        """Replace the known marks; those of all other photos become unknown."""
        self._marks = dict(marks)
        self._announce_marks()

    def rated_marks(self, photo: int) -> Marks | None:
        """The marks of a photo that is a favourite or has stars."""
        marks = self._marks.get(photo)
        return marks if marks and (marks.favourite or marks.rating) else None

    def state(self, photo: int) -> State | None:
        """The state of a photo in the shown tag, else the most relevant one in a tag below it."""
        marks, shown = self._marks.get(photo), self.tag
        if marks is None or not shown:
            return None
        here = [(path, how) for path, how in marks.tags if path == shown or path.startswith(f"{shown}/")]
        best = min(here, key=lambda each: (each[0] != shown, each[1] != "suggested"), default=None)
        return best and best[1]

    def match_of(self, photo: Result) -> Match | None:
        """The strength of a photo's match, if strong and weaker photos are mixed."""
        return photo.match if self.wall.marked else None

    def show_offline(self, folders: Collection[Path]) -> None:
        """Mark the photos in these folders as not connected."""
        if tuple(folders) != self._offline:
            self._offline = tuple(folders)
            self._announce_marks()

    def is_offline(self, photo: Result) -> bool:
        """Whether the photo's folder is not connected."""
        return any(photo.path.is_relative_to(folder) for folder in self._offline)

    def _announce_marks(self) -> None:
        last = len(self.wall.results) - 1
        if last >= 0:
            self.dataChanged.emit(self.index(0), self.index(last))

    def photo(self, row: int) -> Result:
        """The photo in a row."""
        return self.wall.results[row]

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """The number of photos."""
        return 0 if parent.isValid() else len(self.wall.results)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        """A photo's name, tooltip, and text for a screen reader."""
        if not index.isValid() or not 0 <= index.row() < len(self.wall.results):
            return None
        photo = self.wall.results[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return plain(photo.path.name)
        if role == Qt.ItemDataRole.ToolTipRole:
            files = photo.path.name, short_path(photo.path.parent), *name_lines(photo.also)
            return tooltip(*files, taken_words(photo.taken), spoken_badge(photo))
        return self._spoken(photo) if role == Qt.ItemDataRole.AccessibleTextRole else None

    def _spoken(self, photo: Result) -> str:
        """Name, day, place, match, copies and marks, as far as known."""
        copies = self.wall.copies(photo.id)
        parts = (
            photo.path.name,
            spoken_date(photo.taken),
            photo.place,
            match_words(photo.match, photo.found_by),
            *(line.text for line in photo.written),
            counted(copies, "%n copy", "%n copies") if copies > 1 else "",
            spoken_badge(photo),
            *spoken_marks(self._marks.get(photo.id)),
            tr("not connected") if self.is_offline(photo) else "",
        )
        return ", ".join(filter(None, parts))

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Photos can be selected and dragged out."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags


def spoken_marks(marks: Marks | None) -> list[str]:
    """Stars, favourite, tags and suggestions of a photo, for a screen reader."""
    if marks is None:
        return []
    names: dict[str, list[str]] = {"accepted": [], "suggested": []}
    for path, how in marks.tags:
        names.get(how, []).append(path)
    rating = marks.rating or 0
    parts = (
        counted(rating, "%n star", "%n stars") if rating > 0 else tr("rejected") if rating else "",
        tr("favourite") if marks.favourite else "",
        tr("tagged {tags}", tags=", ".join(names["accepted"])) if names["accepted"] else "",
        tr("suggested for {tags}", tags=", ".join(names["suggested"])) if names["suggested"] else "",
    )
    return list(filter(None, parts))


def files_of(photos: Sequence[Result]) -> QMimeData:
    """The files of photos for the clipboard or a drag, with the photos' ids for this window."""
    data = QMimeData()
    data.setData(PHOTOS, " ".join(str(photo.id) for photo in photos).encode())
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in files_of_all(photos)])
    return data
