"""The actions on photos, on any page, for bar, menu and keys; and showing a photo in its folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtGui import QGuiApplication

from picsight.texts import plural, tr
from picsight.window.actions.open_with import OpenWith, reveal
from picsight.window.controls.action import Action, bind_actions
from picsight.window.controls.keys import photo_menu
from picsight.window.grid.model import files_of
from picsight.window.parts.badges import can_play
from picsight.window.parts.words import counted
from picsight.window.shell.tagging import Culling
from picsight_engine.foundation.suffixes import companion_kind
from picsight_engine.search.answer import files_of_all

if TYPE_CHECKING:
    from pathlib import Path

    from picsight.jobs import Jobs
    from picsight.window.actions.exporting import Exporting
    from picsight.window.actions.trashing import Trashing
    from picsight.window.controls.keys import MenuEntry, Submenu
    from picsight.window.parts.picture import Pictures, ScreenPicture
    from picsight.window.shell.chosen import ChosenPhotos
    from picsight.window.shell.frame import Frame
    from picsight.window.shell.tagging import Tagging
    from picsight.window.tags.review import Review
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result

LANE = "copy picture"


class PhotoActions(QObject):
    """Acts on the photo in the viewer, else on those selected on the wall, else on the current one."""

    open_requested = Signal(int)  # the row
    similar_requested = Signal(object)  # Result
    unlike_requested = Signal(object)  # Result

    def __init__(
        self,
        frame: Frame,
        chosen: ChosenPhotos,
        trashing: Trashing,
        exporting: Exporting,
        jobs: Jobs,
        *,
        tagging: Tagging,
        review: Review,
        pictures: Pictures,
    ) -> None:
        super().__init__(frame)
        self._frame, self._chosen, self._jobs = frame, chosen, jobs
        self._trashing, self._exporting, self._tagging = trashing, exporting, tagging
        self._pictures, self._review = pictures, review
        self.library: Library | None = None  # set when it is opened
        self._culling = Culling(frame.wall_page, tagging)
        self._others = OpenWith(frame, frame.status, jobs)
        open_with, paths = plural("Open with…", "Open %n photos with…"), plural("Copy path", "Copy %n paths")
        image = plural("Copy the picture", "Copy the picture")
        export = plural("Export a copy…", "Export %n copies…")
        trash = plural("Move to trash", "Move %n photos to trash")
        self._open_with = Action("open-with", *open_with, "Ctrl+Shift+O", self._open)
        self._paths = Action("copy-path", *paths, "Ctrl+Shift+C", lambda _point: self.copy_paths())
        self._image = Action("photos", *image, "Ctrl+Alt+C", self._copy_image)
        self._export = Action("export", *export, "Ctrl+Shift+E", self._export_copies)
        self._trash = Action("trash", *trash, "Del", self._move_to_trash)
        self._connect_bar()

    def _connect_bar(self) -> None:
        """Set up the bar and the keys; letters act in the viewer only, since on the wall they begin a search."""
        frame, grid = self._frame, self._frame.grid
        bar, others = frame.wall_page.header.selection, (self._open_with, self._paths, self._export)
        groups = (self._review.actions, self._tagging.actions, others, (self._trash,))
        bar.offer(groups)
        bar.cleared.connect(grid.clearSelection)
        actions = [*(action for group in groups[1:] for action in group), *self._tagging.stars, self._image]
        bind_actions(grid, actions, self._chosen.point)
        bind_actions(frame.viewer_page.stage, actions, self._chosen.point, letters=True)

    def reveal(self) -> None:
        """Show the current photo in its folder."""
        photo = self._chosen.current()
        if photo is not None:
            self.reveal_file(photo.path)

    def reveal_file(self, path: Path) -> None:
        """Show a file in its folder."""
        reveal(path, self._jobs, self._frame.status.show_sentence)

    def copy(self) -> None:
        """Put the chosen photos' files on the clipboard."""
        if photos := self._chosen.all():
            QGuiApplication.clipboard().setMimeData(files_of(photos))

    def show_menu(self, point: QPoint) -> None:
        """Open the menu of the wall's current photo and those selected with it, or of the photo in the viewer."""
        photo, in_viewer = self._chosen.current(), self._chosen.in_viewer
        if photo is None:
            return
        row = self._frame.model.wall.rows.get(photo.id, -1)  # the viewer's photo may be missing from the wall
        chosen = 1 if in_viewer else self._frame.grid.selected_count()
        opening = counted(chosen, "Open", "Open this photo")
        playing = counted(chosen, "Play", "Play this photo")
        showing = counted(chosen, "Show in folder", "Show this photo in its folder")
        alike = counted(chosen, "More like this", "More like this photo")
        unlike = counted(chosen, "Less like this", "Less like this photo")
        stack, reviewing = "" if in_viewer else self._stack_words(photo), self._review.is_on and not in_viewer
        copies: list[MenuEntry | None] = [
            (counted(chosen, "Copy the photo", "Copy %n photos"), "Ctrl+C", self.copy),
            self._image.entry(chosen, point),
            self._paths.entry(chosen, point),
        ]
        entries: list[MenuEntry | Submenu | None] = [
            *([] if in_viewer else [(opening, "Return", lambda: self.open_requested.emit(row))]),
            *([(playing, "Return" if in_viewer else "", self.play)] if can_play(photo) else []),
            self._open_with.entry(chosen, point),
            (showing, "Ctrl+R", lambda: self.reveal_file(photo.path)),
            None,
            (alike, "L" if in_viewer else "Ctrl+L", lambda: self.similar_requested.emit(photo)),
            *([(stack, "", lambda: self._frame.grid.stack_toggled.emit(row))] if stack else []),
            *([] if in_viewer else [(unlike, "Ctrl+Shift+L", lambda: self.unlike_requested.emit(photo))]),
            None,
            *(each.entry(chosen, point) for each in (self._review.actions if reviewing else ())),
            *self._tagging.entries(chosen, point),
            *([] if in_viewer else [(tr("Culling"), "Ctrl+Shift+K", self._culling.toggle)]),
            None,
            (tr("Copy"), copies),
            self._export.entry(chosen, point),
            None,
            self._trash.entry(chosen, point),
        ]
        photo_menu(self._frame, entries).popup(point)

    def _stack_words(self, photo: Result) -> str:
        """The text for spreading or collapsing a stack; empty for a photo without copies."""
        wall = self._frame.model.wall
        copies = wall.copies(photo.id)
        if copies == 1:
            return ""
        if wall.is_spread(photo.id):
            return counted(copies, "Collapse %n copies", "Collapse %n copies")
        return counted(copies, "Show all %n copies", "Show all %n copies")

    def _copy_image(self, _point: QPoint) -> None:
        """Put the current photo's image on the clipboard, for programs that do not accept files."""
        photo, load = self._chosen.current(), self._pictures.load
        if photo is not None:
            self._jobs.read(
                lambda: load(photo.path, None, lambda: True, photo.moment),
                self._take_image,
                self._frame.status.show_sentence,
                replaces=LANE,
            )

    def _take_image(self, picture: ScreenPicture) -> None:
        QGuiApplication.clipboard().setImage(picture.image)
        self._frame.status.show_sentence(tr("Copied the picture."))

    def copy_paths(self) -> None:
        """Put the chosen photos' paths on the clipboard, one per line."""
        if files := files_of_all(self._chosen.all()):
            # The clipboard takes no undecodable bytes.
            paths = (os.fsencode(path).decode("utf-8", "replace") for path in files)
            QGuiApplication.clipboard().setText("\n".join(paths))
            words = counted(len(files), "Copied its path.", "Copied %n paths.")
            self._frame.status.show_sentence(words)

    def play(self) -> None:
        """Play the current film, or that beside the current Live Photo, else the one in its file."""
        photo, library = self._chosen.current(), self.library
        if library is None or photo is None:
            return

        def film_of() -> Path:
            films = (
                path for path in library.photos.companions([photo.id]) if companion_kind(path.name) == "film"
            )
            return photo.path if photo.duration is not None else next(films, photo.path)

        self._jobs.read(film_of, self._others.play)

    def _open(self, point: QPoint) -> None:
        self._others.choose(files_of_all(self._chosen.all()), point)

    def _export_copies(self, _point: QPoint) -> None:
        self._exporting.export(self._chosen.all())

    def _move_to_trash(self, _point: QPoint) -> None:
        """Move the chosen photos to the trash; a collapsed stack includes its copies, after a question."""
        photos, wall = self._chosen.all(), self._frame.model.wall
        hidden = [
            other
            for photo in photos
            if not wall.is_spread(photo.id)
            for other in wall.behind.get(photo.id, ())
        ]
        self._trashing.trash(files_of_all(photos), [*(photo.id for photo in photos), *hidden])
