"""Tags of the chosen photos: shown in the panel, decided on there, by button or by key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from picsight.window.actions.acts import Act, bind_acts
from picsight.window.tags.wording import out_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QWidget

    from picsight.window.actions.acts import ChosenPhotos
    from picsight.window.details.marks_view import MarksView
    from picsight.window.tags.deeds import TagDeeds
    from picsight.window.tags.tagging import Tagging
    from picsight_engine.store.decisions import Verdict
    from picsight_engine.tags.tree import Marks, Tag


class PhotoMarks(QObject):
    """Decides on the photos that the panel tells of, as long as they are the chosen ones."""

    tag_requested = Signal(object)  # Tag

    def __init__(
        self, view: MarksView, stage: QWidget, chosen: ChosenPhotos, deeds: TagDeeds, tagging: Tagging
    ) -> None:
        super().__init__(view)
        self._view, self._chosen, self._deeds, self._tagging = view, chosen, deeds, tagging
        # The photos that the panel tells of: those before, until the answer comes.
        self._shown: list[int] = []
        view.favour_requested.connect(self._favour)
        view.rated.connect(self._rate)
        view.add_requested.connect(tagging.choose)
        view.opened.connect(self._open)
        view.removed.connect(self._remove)
        view.accepted.connect(lambda path: self._decide(path, "accepted"))
        view.rejected.connect(lambda path: self._decide(path, "rejected"))
        accept, reject = self.tr("Accept what is suggested first"), self.tr("Reject what is suggested first")
        acts = (
            Act("tick", accept, "", "A", partial(self._decide_first, "accepted")),
            Act("clear", reject, "", "R", partial(self._decide_first, "rejected")),
        )
        bind_acts(stage, acts, view.pos)

    def show_marks(self, photos: Sequence[int], marks: Marks) -> None:
        """What is said now of these photos, or of all of them alike."""
        self._shown = list(photos)
        self._view.show_marks(marks, several=len(photos) > 1, keys=self._chosen.in_viewer)

    def _is_current(self) -> bool:
        """Whether the panel tells of the chosen photos; only then can they be decided on."""
        return bool(self._shown) and self._shown == [photo.id for photo in self._chosen.all()]

    def _favour(self) -> None:
        if self._is_current():
            self._tagging.favour()

    def _rate(self, stars: int) -> None:
        if self._is_current():
            self._tagging.rate(stars)

    def _open(self, path: str) -> None:
        if tag := self._tag(path):
            self.tag_requested.emit(tag)

    def _tag(self, path: str) -> Tag | None:
        return next((tag for tag in self._deeds.tags if tag.path == path), None)

    def _remove(self, path: str) -> None:
        if tag := self._tag(path):
            self._decide(path, out_of(tag))

    def _decide_first(self, verdict: Verdict, _point: QPoint) -> None:
        suggested = self._view.suggested()
        if suggested and self._view.isVisible():
            self._decide(suggested[0], verdict)

    def _decide(self, path: str, verdict: Verdict) -> None:
        tag = self._tag(path)
        if tag is not None and self._is_current():
            self._deeds.decide(tag, self._shown, verdict)
