"""Follows the chosen photos while the panel is open: what it says stays until what comes next is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from picsight.window.details.facts import details_of_one, details_of_several
from picsight.window.details.marks import PhotoMarks
from picsight.window.details.why import Why

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.jobs import Jobs
    from picsight.window.actions.chosen import ChosenPhotos
    from picsight.window.details.facts import Details
    from picsight.window.frame import Frame
    from picsight.window.search.controller import SearchController
    from picsight.window.tags.deeds import TagDeeds
    from picsight.window.tags.tagging import Tagging
    from picsight.window.viewer.controller import ViewerController
    from picsight_engine.library import Library
    from picsight_engine.photos.outlines import Outline
    from picsight_engine.search.answer import Result
    from picsight_engine.tags.tree import Marks

LANE = "details"
REST_MS = 30  # between two looks at what is chosen, however quickly that changes


class DetailsController(QObject):
    """Asks in the background, only the latest counts."""

    def __init__(
        self,
        frame: Frame,
        chosen: ChosenPhotos,
        viewer: ViewerController,
        search: SearchController,
        *,
        deeds: TagDeeds,
        tagging: Tagging,
        jobs: Jobs,
    ) -> None:
        super().__init__(frame)
        self._frame, self._panel, self._chosen = frame, frame.details, chosen
        self._deeds, self._jobs = deeds, jobs
        self.marks = PhotoMarks(self._panel.marks, frame.viewer_page.stage, chosen, deeds, tagging)
        self.why = Why(self._panel.why, search, jobs)
        self._due = QTimer(self, singleShot=True, interval=REST_MS)
        self._due.timeout.connect(self._ask)
        grid = frame.grid
        for changed in (
            self._panel.opened,
            grid.selectionModel().currentChanged,
            grid.selection_counted,
            frame.pages.currentChanged,
            viewer.moved,
            deeds.changed,
        ):
            changed.connect(self._look)
        page = frame.viewer_page
        page.details_requested.connect(frame.toggle_details)
        page.why_requested.connect(self._show_why)
        self.why.changed.connect(page.why_act.setVisible)
        frame.details_toggled.connect(self.marks.enable)

    def _look(self) -> None:
        if not self._due.isActive():
            self._due.start()

    def _show_why(self) -> None:
        self._frame.show_details(shown=True)
        self._panel.ensureWidgetVisible(self._panel.why)

    def _ask(self) -> None:
        photos, library, is_open = self._chosen.all(), self._deeds.library, self._panel.isVisible()
        one = photos[0] if len(photos) == 1 else None
        self.why.ask(one if is_open or self._chosen.in_viewer else None)
        if library is None or not is_open:
            return
        if not photos:
            self._jobs.forget(LANE)
            self._panel.show_details(None)
            return
        ids = [photo.id for photo in photos]
        self._jobs.read(
            lambda: _read_one(library, one) if one is not None else _read_several(library, ids),
            lambda read: self._take(ids, read),
            replaces=LANE,
        )

    def _take(self, photos: Sequence[int], read: _Read | None) -> None:
        if read is None:
            self._panel.show_details(None)
            return
        self._panel.show_details(read.details, read.outlines)
        self.marks.show_marks(photos, read.marks)
        self._panel.chain(self._frame.grid, self._frame.hint.better)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the panel shows; the outlines are for its map, none without positions."""

    details: Details
    marks: Marks
    outlines: Sequence[Outline] = ()


def _read_one(library: Library, photo: Result) -> _Read | None:
    """What there is to say of a photo; None if it has just gone."""
    known, marks = library.show(photo.path), library.tags.marks([photo.id]).get(photo.id)
    if known is None or marks is None:
        return None
    return _with_outlines(_Read(details_of_one(known, photo.path), marks))


def _read_several(library: Library, photo_ids: Sequence[int]) -> _Read | None:
    shared = library.shared(photo_ids)
    if not shared.photos:
        return None
    return _with_outlines(_Read(details_of_several(shared), library.tags.shared_marks(photo_ids)))


def _with_outlines(read: _Read) -> _Read:
    if not read.details.positions:
        return read
    from picsight_engine.photos.outlines import outlines  # numpy: after the first frame

    return replace(read, outlines=outlines())
