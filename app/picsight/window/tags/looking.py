"""Tags of the photo in the viewer: shown beside it, decided on there, by button or by key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from picsight.window.actions.acts import Act, bind_acts
from picsight.window.tags.wording import out_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtCore import QPoint

    from picsight.jobs import Jobs
    from picsight.window.tags.deeds import TagDeeds
    from picsight.window.tags.tagging import Tagging
    from picsight.window.viewer.controller import ViewerController
    from picsight.window.viewer.view import ViewerPage
    from picsight_engine.store.decisions import Verdict
    from picsight_engine.tags.tree import Marks, Tag

LANE = "photo tags"


class PhotoTags(QObject):
    """Asks while the panel is open."""

    tag_requested = Signal(object)  # Tag

    def __init__(
        self, page: ViewerPage, viewer: ViewerController, deeds: TagDeeds, tagging: Tagging, jobs: Jobs
    ) -> None:
        super().__init__(page)
        self._page, self._viewer, self._deeds, self._jobs = page, viewer, deeds, jobs
        self._tagging = tagging
        self._is_open = False
        self._told = -1  # the photo that the panel tells of: the one before, until the answer comes
        panel = page.tags
        panel.favour_requested.connect(self._favour)
        panel.rated.connect(self._rate)
        panel.add_requested.connect(tagging.choose)
        panel.opened.connect(self._open)
        panel.removed.connect(self._remove)
        panel.accepted.connect(lambda path: self._decide(path, "accepted"))
        panel.rejected.connect(lambda path: self._decide(path, "rejected"))
        page.tags_requested.connect(self.toggle)
        viewer.moved.connect(lambda _row: self._ask())
        deeds.changed.connect(lambda _tags: self._ask())
        accept, reject = self.tr("Accept what is suggested first"), self.tr("Reject what is suggested first")
        acts = (
            Act("tick", accept, "", "A", partial(self._decide_first, "accepted")),
            Act("clear", reject, "", "R", partial(self._decide_first, "rejected")),
        )
        self._keys = bind_acts(page.stage, acts, page.pos)
        self._enable()

    def toggle(self) -> None:
        """Show the panel, or put it away."""
        self._is_open = not self._is_open
        self._page.tags.setVisible(self._is_open)
        self._ask()
        self._enable()

    def _ask(self) -> None:
        library, photo = self._deeds.library, self._viewer.photo
        if library is not None and photo is not None and self._is_open:
            self._jobs.read(lambda: library.tags.marks([photo.id]), self._take, replaces=LANE)

    def _take(self, marks: Mapping[int, Marks]) -> None:
        photo = self._viewer.photo
        if photo is not None and photo.id in marks:
            self._told = photo.id
            self._page.tags.show_marks(marks[photo.id])
            self._enable()

    def _is_told(self) -> bool:
        """Whether what the panel tells is of the photo that is looked at; only then can it be decided on."""
        return self._viewer.photo is not None and self._viewer.photo.id == self._told

    def _favour(self) -> None:
        if self._is_told():
            self._tagging.favour()

    def _rate(self, stars: int) -> None:
        if self._is_told():
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
        if suggested := self._page.tags.suggested():
            self._decide(suggested[0], verdict)

    def _decide(self, path: str, verdict: Verdict) -> None:
        tag = self._tag(path)
        if tag is not None and self._is_told():
            self._deeds.decide(tag, [self._told], verdict)

    def _enable(self) -> None:
        for key in self._keys:
            key.setEnabled(self._is_open and bool(self._page.tags.suggested()))
