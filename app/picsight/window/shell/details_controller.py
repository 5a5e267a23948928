"""Updates the open panel with the chosen photos; the old facts stay until the new ones are read."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from picsight.texts import counted, marked, plural, tr
from picsight.window.controls.action import Action, bind_actions
from picsight.window.controls.question import ask
from picsight.window.details.photo_facts import details_of_one, details_of_several, reasons_of
from picsight.window.parts.map import read_land
from picsight.window.tags.wording import removal_verdict
from picsight_engine.language.query import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtCore import QPoint

    from picsight.jobs import Jobs
    from picsight.window.details.marks_view import MarksView
    from picsight.window.details.photo_facts import Details
    from picsight.window.parts.map import Land
    from picsight.window.search.controller import SearchController
    from picsight.window.shell.chosen import ChosenPhotos
    from picsight.window.shell.frame import Frame
    from picsight.window.shell.tagging import Tagging
    from picsight.window.tags.controller import TagsController
    from picsight.window.viewer.controller import ViewerController
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.tags.tree import Marks

LANE, LANE_WHY = "details", "why"
REST_MS = 30  # the least time between two updates


class DetailsController(QObject):
    """Reads facts in the background, of which only the latest request counts, and records decisions on the photos in the
    panel, as long as they are the chosen ones.
    """

    tag_requested = Signal(object)  # Tag

    def __init__(
        self,
        frame: Frame,
        chosen: ChosenPhotos,
        viewer: ViewerController,
        search: SearchController,
        *,
        tags: TagsController,
        tagging: Tagging,
        jobs: Jobs,
    ) -> None:
        super().__init__(frame)
        self._frame, self._panel, self._chosen = frame, frame.details, chosen
        self._search, self._tags, self._tagging, self._jobs = search, tags, tagging, jobs
        self._why_due = False
        # The photos in the panel: the previous ones, until the new facts are read.
        self._shown: list[int] = []
        self._due = QTimer(self, singleShot=True, interval=REST_MS)
        self._due.timeout.connect(self._ask)
        grid = frame.grid
        for changed in (
            self._panel.opened,
            grid.selectionModel().currentChanged,
            grid.selection_counted,
            frame.pages.currentChanged,
            viewer.moved,
            tags.changed,
        ):
            changed.connect(self._look)
        page = frame.viewer_page
        page.details_requested.connect(frame.toggle_details)
        page.why_requested.connect(self._show_why)
        self._connect_marks(self._panel.marks)
        self._panel.forget.clicked.connect(self._ask_to_forget)

    def _connect_marks(self, view: MarksView) -> None:
        view.favour_requested.connect(lambda: self._if_current(self._tagging.favour))
        view.rated.connect(lambda stars: self._if_current(partial(self._tagging.rate, stars)))
        view.add_requested.connect(self._tagging.choose)
        view.opened.connect(self._open)
        view.removed.connect(self._remove)
        view.accepted.connect(lambda path: self._decide(path, "accepted"))
        view.rejected.connect(lambda path: self._decide(path, "rejected"))
        accept, reject = marked("Accept what is suggested first"), marked("Reject what is suggested first")
        actions = (
            Action("tick", accept, "", "A", partial(self._decide_first, "accepted")),
            Action("clear", reject, "", "R", partial(self._decide_first, "rejected")),
        )
        bind_actions(self._frame.viewer_page.stage, actions)

    def _ask_to_forget(self) -> None:
        question = tr("Forget the words that were read in all photos of this library?")
        result = tr(
            "They are deleted to the last byte. The next run reads them again, unless read_words is false in the settings."
        )
        ask(self._frame, question, result, tr("Forget"), self._forget_words)

    def _forget_words(self) -> None:
        library, say = self._tags.library, self._frame.status.show_sentence
        words = plural("Forgot what was read in %n photo.", "Forgot what was read in %n photos.")
        if library is not None:
            self._jobs.change(library.forget_words, lambda photos: say(counted(photos, *words)))
            self._jobs.after_changes(self._look)

    def _look(self) -> None:
        if not self._due.isActive():
            self._due.start()

    def _show_why(self) -> None:
        self._why_due = not self._panel.isVisible()  # the facts above it are not read yet
        self._frame.show_details(shown=True)
        self._panel.ensureWidgetVisible(self._panel.why)

    def _ask(self) -> None:
        photos, library, is_open = self._chosen.all(), self._tags.library, self._panel.isVisible()
        one = photos[0] if len(photos) == 1 else None
        self._ask_why(library, one if is_open or self._chosen.in_viewer else None)
        if library is None or not is_open:
            return
        if not photos:
            self._jobs.forget(LANE)
            self._panel.show_details(None)
            return
        ids = [photo.id for photo in photos]
        self._jobs.read(lambda: _read(library, photos), lambda read: self._take(ids, read), replaces=LANE)

    def _ask_why(self, library: Library | None, photo: Result | None) -> None:
        """Ask why a photo is in the shown answer."""
        shown, query = self._search.shown, self._search.query
        if library is None or photo is None or shown is None or not query:
            self._jobs.forget(LANE_WHY)
            self._say_why([])
            return
        manifest, photos, name_of = library.bundle.manifest, shown.answer.photos, self._search.pictures.name
        asked = replace(parse(query), as_typed=self._search.place.as_typed)
        found = [tr("Its names or keywords have the words.")] if photo.found_by == "name" else []
        if photo.written:
            lines = " · ".join(line.text for line in photo.written)
            found.append(tr("Written in the picture: {lines}", lines=lines))
        self._jobs.read(
            lambda: reasons_of(
                library.explain(asked, photo.id),
                manifest,
                photos,
                name_of,
                by_name=photo.found_by in {"name", "words"},
            ),
            lambda reasons: self._say_why([*found, *reasons]),
            lambda _sentence: self._say_why([]),
            replaces=LANE_WHY,
        )

    def _say_why(self, words: Sequence[str]) -> None:
        self._panel.say_why(words)
        self._frame.viewer_page.why_button.setVisible(bool(words))

    def _take(self, photos: Sequence[int], read: tuple[Details, Marks, Land] | None) -> None:
        if read is None:
            self._panel.show_details(None, chosen=True)
            return
        details, marks, land = read
        self._panel.show_details(details, land)
        self._shown = list(photos)
        self._panel.marks.show_marks(marks, several=len(photos) > 1, keys=self._chosen.in_viewer)
        if self._why_due:
            QTimer.singleShot(0, self._show_why)  # once the facts have their places

    # Decisions

    def _if_current(self, act: Callable[[], object]) -> None:
        """Act only while the panel shows the chosen photos."""
        if self._shown and self._shown == [photo.id for photo in self._chosen.all()]:
            act()

    def _open(self, path: str) -> None:
        if tag := self._tags.tag_at(path):
            self.tag_requested.emit(tag)

    def _remove(self, path: str) -> None:
        if tag := self._tags.tag_at(path):
            self._decide(path, removal_verdict(tag))

    def _decide_first(self, verdict: Verdict, _point: QPoint) -> None:
        suggested = self._panel.marks.suggested()
        if suggested and self._panel.marks.isVisible():
            self._decide(suggested[0], verdict)

    def _decide(self, path: str, verdict: Verdict) -> None:
        if tag := self._tags.tag_at(path):
            self._if_current(partial(self._tags.decide, tag, self._shown, verdict))


def _read(library: Library, photos: Sequence[Result]) -> tuple[Details, Marks, Land] | None:
    """The facts about photos, and the land for their map; None if they are no longer in the library."""
    ids = [photo.id for photo in photos]
    if len(photos) == 1:
        known, marks = library.photos.details(photos[0].path), library.tags.marks(ids).get(ids[0])
        details = None if known is None else details_of_one(known, photos[0].path)
    else:
        shared, marks = library.photos.shared(ids), library.tags.shared_marks(ids)
        details = details_of_several(shared) if shared.photos else None
    if details is None or marks is None:
        return None
    return details, marks, read_land() if details.positions else ()
