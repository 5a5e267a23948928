"""What a person does with photos wherever they are shown: copy, show in the folder, the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtGui import QGuiApplication

from picsight.window.actions.keys import photo_menu
from picsight.window.actions.reveal import reveal
from picsight.window.grid.model import files_of
from picsight.window.parts.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from picsight.jobs import Jobs
    from picsight.window.frame import Frame
    from picsight.window.viewer.controller import ViewerController
    from picsight_engine.search.answer import Result


class PhotoActions(QObject):
    """Acts on the photo in the viewer, else on those of the wall."""

    open_requested = Signal(int)  # the row
    similar_requested = Signal(object)  # Result
    unlike_requested = Signal(object)  # Result
    stack_toggled = Signal(int)  # the row

    def __init__(self, frame: Frame, viewer: ViewerController, jobs: Jobs) -> None:
        super().__init__(frame)
        self._frame, self._viewer, self._jobs = frame, viewer, jobs
        self.stack_toggled.connect(frame.grid.stack_toggled)

    def reveal(self) -> None:
        """Show the current photo in its folder."""
        photo = self._current()
        if photo is not None:
            self.reveal_file(photo.path)

    def reveal_file(self, path: Path) -> None:
        """Show a file in its folder."""
        reveal(path, self._jobs, self._frame.status.show_sentence)

    def copy(self) -> None:
        """Put the selected photos' files on the clipboard."""
        photos = self._frame.grid.selected_photos()
        if photos:
            QGuiApplication.clipboard().setMimeData(files_of(photos))

    def show_menu(self, point: QPoint) -> None:
        """The menu of the wall's current photo."""
        row = self._frame.grid.currentIndex().row()
        photo, chosen = self._frame.model.photo(row), self._frame.grid.selected_count()
        one = (
            self.tr("Open"),
            self.tr("Show in folder"),
            self.tr("More like this"),
            self.tr("Less like this"),
            self.tr("Copy"),
        )
        of_several = (
            self.tr("Open this photo"),
            self.tr("Show this photo in its folder"),
            self.tr("More like this photo"),
            self.tr("Less like this photo"),
            counted(chosen, "Copy %n photo", "Copy %n photos"),
        )
        opening, showing, alike, unlike, copying = of_several if chosen > 1 else one
        entries: list[tuple[str, str, Callable[[], None]] | None] = [
            (opening, "Return", lambda: self.open_requested.emit(row)),
            (showing, "Ctrl+R", lambda: self.reveal_file(photo.path)),
            None,
            (alike, "L", lambda: self.similar_requested.emit(photo)),
            (unlike, "Shift+L", lambda: self.unlike_requested.emit(photo)),
            None,
            (copying, "Ctrl+C", self.copy),
        ]
        if turning := self._turning(photo):
            entries.insert(4, (turning, "", lambda: self.stack_toggled.emit(row)))
        photo_menu(self._frame, entries).popup(point)

    def _turning(self, photo: Result) -> str:
        """What can be done with a stack of copies; empty for a photo that is no stack."""
        wall = self._frame.model.wall
        copies = wall.copies(photo.id)
        if copies == 1:
            return ""
        if wall.is_spread(photo.id):
            return counted(copies, "Put %n copies in one place", "Put %n copies in one place")
        return counted(copies, "Show all %n copies", "Show all %n copies")

    def _current(self) -> Result | None:
        in_viewer = self._frame.page is self._frame.viewer_page
        return self._viewer.photo if in_viewer else self._frame.grid.current_photo()
