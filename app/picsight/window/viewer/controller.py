"""Steps through the wall one photo at a time: the thumbnail at once, then the decoded picture; neighbours are preloaded."""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Signal

from picsight.texts import tr
from picsight.window.parts.words import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from PySide6.QtGui import QImage

    from picsight.jobs import Jobs
    from picsight.window.grid.model import WallModel
    from picsight.window.grid.thumbnails import Thumbnails
    from picsight.window.parts.picture import Pictures, ScreenPicture
    from picsight.window.viewer.view import ViewerPage
    from picsight_engine.foundation.written_line import WrittenLine
    from picsight_engine.holdings.photos import Photos
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result

LANE, LANE_AHEAD, LANE_FULL = "viewer", "viewer-ahead", "viewer-full"
LANE_INSIDE = "viewer-inside"
KEPT = 5  # fitted pictures: the one shown and its neighbours on both sides


class ViewerController(QObject):
    """Shows photos of the wall in the viewer."""

    moved = Signal(int)  # to another row of the wall
    emptied = Signal()  # the shown photo is gone, and the wall is empty

    def __init__(
        self,
        page: ViewerPage,
        model: WallModel,
        thumbnails: Thumbnails,
        pictures: Pictures,
        jobs: Jobs,
        *,
        folders: Callable[[], Sequence[Path]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._page, self._model, self._thumbnails = page, model, thumbnails
        self._pictures, self._jobs, self._folders = pictures, jobs, folders
        self._row, self._goes_on = -1, False
        # The shown one; a film with the moment that is shown, None for its poster.
        self.photo: Result | None = None
        self.library: Library | None = None  # set when it is opened
        self._kept: OrderedDict[tuple[Path, float | None, int, int], ScreenPicture] = OrderedDict()
        self._refused: set[Path] = set()
        self._rows_before: Mapping[int, int] = {}
        page.step_requested.connect(lambda step: self.show(self._row + step))
        page.strip.chosen.connect(self.show)
        page.end_requested.connect(lambda last: self.show(self._model.rowCount() - 1 if last else 0))
        page.moments.chosen.connect(self._show_moment)
        page.stage.full_needed.connect(self._load_full)
        page.stage.fit_needed.connect(self._load)
        model.modelAboutToBeReset.connect(self._keep_rows)
        model.modelReset.connect(self._find_again)

    def show(self, row: int) -> None:
        """Show the photo of a row; do nothing beyond the ends."""
        if not 0 <= row < self._model.rowCount():
            return
        self._row, self.photo = row, self._model.photo(row)
        photo = self.photo
        self._jobs.forget(LANE_FULL)
        self._say_where(photo)
        size = QSize(photo.width, photo.height)
        self._page.stage.show_stand_in(
            self._thumbnails.pixmap(photo.id, photo.moment) or self._page.strip.pixmap(photo), size
        )
        self._load()
        self._page.moments.show_moments(photo, (), -1)
        if self.library is not None:
            self._read_inside(self.library.photos, photo)
        self.moved.emit(row)

    def _read_inside(self, photos: Photos, photo: Result) -> None:
        """Read the moments of a film, or what is written in a photo."""
        if photo.duration is not None:
            show = partial(self._show_moments, photo)
            self._jobs.read(lambda: photos.moments(photo.id), show, replaces=LANE_INSIDE)
        else:
            show_lines = partial(self._show_written, photo)
            self._jobs.read(lambda: photos.written(photo.id), show_lines, replaces=LANE_INSIDE)

    def _show_written(self, photo: Result, lines: Sequence[WrittenLine]) -> None:
        if self._is_at(photo):
            self._page.stage.show_written(lines, photo.written)

    def _show_moments(self, photo: Result, moments: Sequence[tuple[int, float]]) -> None:
        """Show the strip of a film; its poster is its first part."""
        if self._is_at(photo):
            seconds = [second for _, second in moments]
            poster = next((place for place, (part, _) in enumerate(moments) if part == 0), -1)
            # A film that was read again may lack the moment that was found.
            place = seconds.index(photo.moment) if photo.moment in seconds else poster
            self._page.moments.show_moments(photo, seconds, place)

    def _show_moment(self, place: int) -> None:
        """Show another frame of the film."""
        photo, strip = self.photo, self._page.moments
        if photo is not None:
            self.photo = replace(photo, moment=strip.moments[place])
            self._jobs.forget(LANE_FULL)
            self._say_where(self.photo)
            if frame := strip.pixmap(self.photo):  # until the sharp one is read
                self._page.stage.show_stand_in(frame, QSize(photo.width, photo.height))
            strip.show_moments(self.photo, strip.moments, place)
            self._load()

    def go_on(self) -> None:
        """If the wall no longer holds the shown photo, show the next one."""
        self._goes_on = True

    def _keep_rows(self) -> None:
        self._rows_before = self._model.wall.rows

    def _find_again(self) -> None:
        """Find the shown photo in a refreshed wall, where its row may have changed."""
        self._kept.clear()  # a neighbour may have been edited, too
        goes_on, self._goes_on = self._goes_on, False
        if self.photo is None:
            return
        wall, before = self._model.wall, self.photo
        now = wall.ids_now([before], self._rows_before)
        row = wall.rows[now[0]] if now else -1
        there = self._model.photo(row) if row >= 0 else None
        if there is not None and there.id == now[0] and (there.id, there.path) != (before.id, before.path):
            self.show(row)  # the file was edited, or is gone while another one has the same photo
        elif row >= 0:
            self._row = row
            self._say_where(self.photo)
            self._load_ahead()
        elif goes_on and self._model.rowCount():
            self.show(min(self._row, self._model.rowCount() - 1))
        elif goes_on:
            self.emptied.emit()

    def _say_where(self, photo: Result) -> None:
        self._page.show_photo(photo, self._row, self._model.rowCount())
        self._page.strip.show_photos(self._model.wall.results, self._row)

    def close(self) -> None:
        """Drop pending reads."""
        self.photo, self._row = None, -1
        for lane in (LANE, LANE_AHEAD, LANE_FULL, LANE_INSIDE):
            self._jobs.forget(lane)
        self._kept.clear()
        self._refused.clear()

    def _is_at(self, photo: Result | None) -> bool:
        """Whether this photo is still shown; called in threads."""
        return self.photo is photo

    def _load(self) -> None:
        photo, fit = self.photo, self._page.stage.fit_size()
        if photo is None:
            return
        kept = self._kept.get(_key(photo, fit))
        if kept is not None:
            self._jobs.forget(LANE)
            self._show_picture(kept)
        else:
            self._read(LANE, photo, fit, partial(self._take, fit), partial(self._look_for_reason, photo))

    def _read(
        self,
        lane: str,
        photo: Result,
        fit: QSize | None,
        take: Callable[[ScreenPicture], None],
        fail: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """Decode a photo while the present one is shown."""
        is_wanted = partial(self._is_at, self.photo)
        work = partial(self._pictures.load, photo.path, fit, is_wanted, photo.moment)
        self._jobs.read(work, take, fail, replaces=lane)

    def _look_for_reason(self, photo: Result, sentence: str) -> None:
        """Show the thumbnail of an unreadable photo, and say whether its disk is only disconnected."""
        folders, stored = list(self._folders()), self._thumbnails.stored

        def show(known: tuple[str, QImage | None]) -> None:
            self._page.stage.show_sentence(known[0] or sentence, known[1], offline=bool(known[0]))

        self._jobs.read(
            lambda: (_not_connected(photo.path, folders), stored(photo.id, photo.moment)),
            show,
            lambda _sentence: self._page.stage.show_sentence(sentence),
            replaces=LANE,
        )

    def _take(self, fit: QSize, picture: ScreenPicture) -> None:
        """Keep a fitted picture, show it if it is wanted, and go on reading ahead."""
        self._kept[_key(picture, fit)] = picture
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        if self._is_of(picture):
            self._show_picture(picture)
        elif self.photo is not None and fit == self._page.stage.fit_size():
            self._load_ahead()

    def _show_picture(self, picture: ScreenPicture) -> None:
        stage = self._page.stage
        if stage.is_fitted or stage.image_size().isEmpty():
            stage.show_picture(picture)
        self._load_ahead()

    def _load_ahead(self) -> None:
        """Decode the next photo, then the previous one, while this one is shown."""
        fit = self._page.stage.fit_size()
        for row in (self._row + 1, self._row - 1):
            if not 0 <= row < self._model.rowCount():
                continue
            photo = self._model.photo(row)
            if photo.path not in self._refused and _key(photo, fit) not in self._kept:
                fail = partial(self._pass_over, photo.path, self.photo)
                self._read(LANE_AHEAD, photo, fit, partial(self._take, fit), fail)
                return

    def _pass_over(self, path: Path, beside: Result | None, _sentence: str) -> None:
        """Do not preload an undecodable neighbour again; it is retried when it is shown."""
        if self._is_at(beside):  # otherwise it was only cancelled
            self._refused.add(path)
            self._load_ahead()

    def _load_full(self) -> None:
        if self.photo is not None:
            self._read(LANE_FULL, self.photo, None, self._take_full)

    def _take_full(self, picture: ScreenPicture) -> None:
        if self._is_of(picture):
            self._page.stage.show_picture(picture)

    def _is_of(self, picture: ScreenPicture) -> bool:
        shown = self.photo
        return shown is not None and (picture.path, picture.moment) == (shown.path, shown.moment)


def _key(shown: Result | ScreenPicture, fit: QSize) -> tuple[Path, float | None, int, int]:
    return shown.path, shown.moment, fit.width(), fit.height()


def _not_connected(photo: Path, folders: Iterable[Path]) -> str:
    """A sentence if the library folder of the photo is missing or empty, as for an unplugged disk; else empty. Reads the
    disk, so it runs in a thread.
    """
    folder = next((each for each in folders if photo.is_relative_to(each)), None)
    if folder is None:
        return ""
    with suppress(OSError), os.scandir(folder) as entries:  # not all of them: there may be thousands
        if any(entries):
            return ""
    words = tr("{folder} is not connected. Its photos stay findable; connect it to see this one whole.")
    return words.format(folder=quoted(folder))
