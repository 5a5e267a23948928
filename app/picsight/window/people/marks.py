"""Marks the faces of the photo in the viewer on wish, and names one that is clicked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint

from picsight.texts import tr
from picsight.window.parts.words import isolated
from picsight.window.tags.chooser import Question, TagChooser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.jobs import Jobs
    from picsight.window.people.controller import PeopleController
    from picsight.window.status.line import StatusLine
    from picsight.window.tags.chooser import TagChoice
    from picsight.window.tags.controller import TagsController
    from picsight.window.viewer.controller import ViewerController
    from picsight.window.viewer.view import ViewerPage
    from picsight_engine.store.derived.faces import Face

LANE = "viewer-faces"


class FaceMarks(QObject):
    """Marks faces while `is_on`, which its key in the viewer changes."""

    def __init__(
        self,
        page: ViewerPage,
        viewer: ViewerController,
        tags: TagsController,
        people: PeopleController,
        *,
        status: StatusLine,
        jobs: Jobs,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._page, self._viewer, self._tags, self._people = page, viewer, tags, people
        self._status, self._jobs = status, jobs
        self.is_on = False
        self.chooser = TagChooser(page)
        page.faces_requested.connect(self.toggle)
        page.stage.face_clicked.connect(self._choose)
        viewer.moved.connect(lambda _row: self._read())
        tags.changed.connect(lambda _tags: self._read())

    def toggle(self) -> None:
        """Mark faces, or no longer; say why if there are none."""
        self.is_on = not self.is_on
        self._read(asked=True)
        if not self.is_on:
            self._page.stage.show_faces(())

    def _read(self, *, asked: bool = False) -> None:
        photo, library = self._viewer.photo, self._tags.library
        if not self.is_on or photo is None or library is None or photo.duration is not None:
            return

        def show(faces: Sequence[tuple[Face, str | None]]) -> None:
            shown = self._viewer.photo
            if self.is_on and shown is not None and shown.id == photo.id:
                self._page.stage.show_faces(faces)
                if asked and not faces:
                    words = tr(
                        "No face was found in this photo. Faces are looked for once you turn on People."
                    )
                    self._status.show_sentence(words)

        self._jobs.read(lambda: library.people.faces_of(photo.id), show, replaces=LANE)

    def _choose(self, face: Face, point: QPoint) -> None:
        persons = [tag for tag in self._tags.all if tag.kind == "person"]
        question = Question(tr("Who is this?"), persons, partial(self._name, face), makes=("person",))
        self.chooser.open(question, point)

    def _name(self, face: Face, choice: TagChoice) -> None:
        words = tr("The face is {name}.", name=isolated(f"“{choice.path}”"))
        self._people.name_faces(
            self._page,
            choice.path,
            lambda library: library.people.decide(choice.path, [face.id], "accepted", make=True),
            words,
        )
