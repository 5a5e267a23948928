"""What people said of the photos in sight: read as one scrolls, and anew whenever a tag has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsight.jobs import Jobs
    from picsight.window.grid.model import WallModel
    from picsight.window.grid.view import PhotoView
    from picsight.window.tags.deeds import TagDeeds
    from picsight_engine.tags.tree import Marks

LANE = "marks"


class Markings(QObject):
    """Follows the wall; what it knows is of the photos in sight and close by."""

    def __init__(self, grid: PhotoView, model: WallModel, deeds: TagDeeds, jobs: Jobs) -> None:
        super().__init__(grid)
        self._model, self._deeds, self._jobs = model, deeds, jobs
        self._sight: list[int] = []
        grid.rested.connect(self._look)
        deeds.changed.connect(lambda _tags: self._read())

    def _look(self, ids: list[int]) -> None:
        if ids != self._sight:
            self._sight = ids
            self._read()

    def _read(self) -> None:
        library, sight = self._deeds.library, self._sight
        if library is not None and sight:
            self._jobs.read(lambda: library.tags.marks(sight), self._take, replaces=LANE)

    def _take(self, marks: Mapping[int, Marks]) -> None:
        self._model.put_marks(marks)
