"""The tags of the library: changes them one after the other, in the background, each reverted by Undo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from picsight.texts import tr
from picsight.window.tags.paths import shown_tag
from picsight.window.tags.wording import decision_words, removal_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from picsight.jobs import Jobs
    from picsight.window.grid.model import WallModel
    from picsight.window.grid.sections.view import PhotoView
    from picsight.window.status.history import Ended, History, Step
    from picsight.window.status.line import StatusLine
    from picsight_engine.library import Library
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.tags.tree import Marks, Tag

    TagWork = Callable[[Library], Any]

LANE, MARKS_LANE = "tags", "marks"
SLOW_MS = 500  # a change that takes longer is announced


@dataclass(frozen=True, slots=True)
class _ChangeOutcome:
    """The result of a change: its value, its runs, the latest first, and the tags after it."""

    value: Any
    runs: tuple[int, ...]
    tags: tuple[Tag, ...]


class TagsController(QObject):
    """Holds the tags of the library, runs changes of them, and signals each one."""

    changed = Signal(object)  # tuple[Tag, ...], after every change, also by another program
    reverted = Signal(object)  # tuple[Tag, ...] before an undo or redo

    def __init__(
        self, status: StatusLine, history: History, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._status, self._history, self._jobs = status, history, jobs
        self.library: Library | None = None
        self.all: tuple[Tag, ...] = ()  # as last read: favourites first, then by path
        self._slow = QTimer(self, singleShot=True, interval=SLOW_MS)
        self._slow.timeout.connect(self._say_slow)

    def is_album(self, query: str) -> bool:
        """Whether a query shows an album."""
        tag = shown_tag(query, self.all)
        return tag is not None and tag.kind == "album"

    def tag_at(self, path: str) -> Tag | None:
        """The tag at this path, if there still is one."""
        return next((tag for tag in self.all if tag.path == path), None)

    def use(self, library: Library) -> None:
        """Use this library."""
        self.library = library
        self.refresh()

    def refresh(self) -> None:
        """Read the tags; they change outside the window too: indexing suggests photos, a command makes a tag."""
        library = self.library
        if self._jobs.is_changing:  # what is read during a change may be older than it
            self._jobs.after_changes(self.refresh)
        elif library is not None:
            self._jobs.read(lambda: tuple(library.tags.all()), self._take, replaces=LANE)

    def decide(self, tag: Tag, photos: Sequence[int | Path], verdict: Verdict) -> None:
        """Accept or reject photos, or make them undecided again."""
        words = decision_words(tag, len(photos), verdict)
        self.do(lambda library: library.tags.decide(tag.path, photos, verdict), lambda _run: words)

    def toggle(self, tag: Tag, photo: int) -> None:
        """Add a photo to a tag, or remove it if it is accepted."""

        def change(library: Library) -> Verdict:
            held = (tag.path, "accepted") in library.tags.marks([photo])[photo].tags
            verdict = removal_verdict(tag) if held else "accepted"
            library.tags.decide(tag.path, [photo], verdict)
            return verdict

        self.do(change, lambda verdict: decision_words(tag, 1, verdict))

    def do(
        self,
        change: TagWork,
        words: Callable[[Any], str],
        done: Callable[[Any], object] = lambda _value: None,
    ) -> None:
        """Run a change and report it with `words`, called with its result; Undo reverts any change."""

        def end(outcome: _ChangeOutcome) -> None:
            done(outcome.value)  # first: the change belongs to the view to which this leads
            sentence = words(outcome.value)
            if outcome.runs:
                undo, redo = (self._step(outcome.runs, back=back) for back in (True, False))
                self._history.add(sentence, undo, redo)
            else:
                self._status.show_sentence(sentence)

        self._change(change, end, self._status.show_sentence)

    def _step(self, runs: Sequence[int], *, back: bool) -> Step:
        def change(library: Library) -> None:
            for run in runs if back else reversed(runs):
                library.tags.undo(run) if back else library.tags.redo(run)

        def run(ended: Ended) -> None:
            before = self.all

            def end(_outcome: _ChangeOutcome) -> None:
                ended(True)
                self.reverted.emit(before)

            self._change(change, end, partial(ended, False))

        return run

    def _change(
        self, change: TagWork, done: Callable[[_ChangeOutcome], object], refused: Callable[[str], object]
    ) -> None:
        library = self.library
        if library is None:
            return

        def end(outcome: _ChangeOutcome) -> None:
            self._take(outcome.tags)
            done(outcome)

        def fail(sentence: str) -> None:
            self.changed.emit(self.all)  # the view may show the change already
            refused(sentence)

        self._jobs.forget(LANE)  # a pending read is out of date
        self._slow.start()
        self._jobs.change(partial(_done, library, change), end, fail)

    def _say_slow(self) -> None:
        if self._jobs.is_changing:
            self._status.show_sentence(tr("This takes a moment; you can go on meanwhile."))

    def _take(self, tags: tuple[Tag, ...]) -> None:
        self.all = tags
        self.changed.emit(tags)


def _done(library: Library, change: TagWork) -> _ChangeOutcome:
    """Run a change in a thread. A change that fails midway is undone, since it would leave changes that Undo does not know."""
    with library.tags.collect_runs() as runs:
        try:
            value = change(library)
        except Exception:
            for run in reversed(runs):
                library.tags.undo(run.id)
            raise
    return _ChangeOutcome(value, tuple(run.id for run in reversed(runs)), tuple(library.tags.all()))


class MarksLoader(QObject):
    """Loads the marks of the photos on the wall that are in sight or nearby."""

    def __init__(self, grid: PhotoView, model: WallModel, tags: TagsController, jobs: Jobs) -> None:
        super().__init__(grid)
        self._model, self._tags, self._jobs = model, tags, jobs
        self._in_sight: list[int] = []
        grid.visible_changed.connect(self._note)
        tags.changed.connect(lambda _tags: self._read())

    def _note(self, ids: list[int]) -> None:
        if ids != self._in_sight:
            self._in_sight = ids
            self._read()

    def _read(self) -> None:
        library, in_sight = self._tags.library, self._in_sight
        if library is not None and in_sight:
            self._jobs.read(lambda: library.tags.marks(in_sight), self._take, replaces=MARKS_LANE)

    def _take(self, marks: Mapping[int, Marks]) -> None:
        self._model.put_marks(marks)
