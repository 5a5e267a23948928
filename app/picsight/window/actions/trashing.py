"""Moves photos to the trash on request: asks about related files, reports what stays, and undoes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from picsight.texts import plural, tr
from picsight.window.actions.trash import (
    Kept,
    Moved,
    RelatedFiles,
    marks_of,
    move_to_trash,
    related_files,
    restore,
)
from picsight.window.controls.question import choose
from picsight.window.parts.words import counted, first_of, name_lines, number, quoted

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs
    from picsight.window.actions.trash import FileMark
    from picsight.window.status.history import Ended, History
    from picsight.window.status.line import StatusLine
    from picsight_engine.library import Library

MANY = 50  # files: above this number the user is always asked


@dataclass(frozen=True, slots=True)
class _Found:
    """The files in question, the marks that identify them, the `changed` ones among the chosen, and files of the
    photos that are `gone` already.
    """

    files: RelatedFiles
    marks: Mapping[Path, FileMark]
    changed: tuple[Path, ...]
    gone: tuple[Path, ...] = ()


class Trashing(QObject):
    """Connects the trash to the library and the undo history."""

    files_gone = Signal()  # the library no longer shows them
    files_back = Signal()  # the library shows them again

    def __init__(self, window: QWidget, status: StatusLine, history: History, jobs: Jobs) -> None:
        super().__init__(window)
        self._window, self._status, self._history, self._jobs = window, status, history, jobs
        self.library: Library | None = None  # set when it is opened
        self._moving = 0
        self._waiting: list[Callable[[], object]] = []

    def trash(self, chosen: Sequence[Path], photos: Sequence[int] = ()) -> None:
        """Move these files. Asks first if they are many, if more files show their `photos`, did so or belong to them, or if
        one has changed on the disk since it was shown.
        """
        library = self.library
        if library is not None and chosen:
            # In a separate thread, since the user waits for the question.
            self._jobs.stream(
                lambda _cancel: iter([_find_related(library, chosen, photos)]), self._decide, lambda: None
            )

    def after(self, then: Callable[[], object]) -> None:
        """Call `then` once no file is being moved, so that Undo reverts the move and nothing older."""
        self._waiting.append(then) if self._moving else then()

    def _decide(self, found: _Found) -> None:
        files, chosen = len(found.files.all), len(found.files.chosen)

        def moving(paths: Sequence[Path]) -> Callable[[], None]:
            return partial(self._run, paths, found.marks, self._report)

        alone = moving(found.files.chosen)
        options = []
        if found.files.others:
            every = (
                tr("Move both files")
                if files == 2
                else counted(files, "Move all %n files", "Move all %n files")
            )
            options.append((every, moving(found.files.all)))
            options.append((counted(chosen, "Only this file", "Only the %n selected"), alone))
        elif chosen > MANY or found.changed or found.gone:
            options.append((counted(chosen, "Move %n file", "Move %n files"), alone))
        if options:
            question = counted(chosen, "Move {name} to the trash?", "Move %n files to the trash?")
            name = quoted(found.files.chosen[0])
            choose(self._window, question.replace("{name}", name), _consequence(found), options)
        else:
            alone()

    def _report(self, moved: list[Moved], kept: list[Kept]) -> None:
        words = _outcome_words(moved, kept)
        if moved and all(each.back for each in moved):
            self._note(words, moved)
        else:
            self._status.show_sentence(words)

    def _note(self, words: str, moved: list[Moved]) -> None:
        self._history.add(words, partial(self._restore, moved), partial(self._move_again, moved))

    def _restore(self, moved: list[Moved], ended: Ended) -> None:
        def end(kept: list[Kept]) -> None:
            """Record the files that stay in the trash as another change, which Undo reverts once their disk is back."""
            staying = {each.path for each in kept if not each.lost}
            rest = [each for each in moved if each.path in staying]
            ended(not kept)
            if rest:
                self._note(_outcome_words(rest, ()), rest)
                self._status.show_sentence(reasons(kept), tr("Undo"), self._history.undo)
            elif kept:
                self._status.show_sentence(reasons(kept))
            self.files_back.emit()

        def work(library: Library) -> list[Kept]:
            kept = restore(moved)
            library.photos.record_restored([each.path for each in moved])
            return kept

        if library := self.library:
            self._jobs.read(partial(work, library), end)

    def _move_again(self, moved: list[Moved], ended: Ended) -> None:
        def end(now: list[Moved], kept: list[Kept]) -> None:
            moved[:] = now  # perhaps fewer, and under other names in the trash
            ended(bool(now), _outcome_words(now, kept))

        self._run([each.path for each in moved], {each.path: each.mark for each in moved}, end)

    def _run(
        self,
        paths: Sequence[Path],
        marks: Mapping[Path, FileMark],
        ended: Callable[[list[Moved], list[Kept]], None],
    ) -> None:
        library, outcomes = self.library, []
        if library is None:
            return

        def events(cancel: threading.Event) -> Iterator[Moved | Kept]:
            gone: list[Path] = []
            try:
                for outcome in move_to_trash(paths, marks, cancel):
                    if isinstance(outcome, Moved):
                        gone.append(outcome.path)
                    yield outcome
            finally:  # files in the trash must not stay visible, even after an error
                library.photos.record_removed(gone)

        def note(outcome: Moved | Kept) -> None:
            outcomes.append(outcome)
            done, of = number(len(outcomes)), number(len(paths))
            words = tr("Moving to the trash: {done} of {of}", done=done, of=of)
            self._status.show_work(words, len(outcomes), len(paths), stop.set)

        def end() -> None:
            self._status.end_work()
            moved = [each for each in outcomes if isinstance(each, Moved)]
            if moved:
                self.files_gone.emit()
            ended(moved, [each for each in outcomes if isinstance(each, Kept)])
            self._moving -= 1
            waiting, self._waiting = self._waiting, []
            for then in waiting:
                self.after(then)

        def fail(sentence: str) -> None:
            end()
            self._status.show_sentence(sentence)

        self._moving += 1
        stop = self._jobs.stream(events, note, end, fail)


def _outcome_words(moved: Sequence[Moved], kept: Sequence[Kept]) -> str:
    """The number of moved files, if any, and why others were not moved."""
    words = counted(len(moved), "Moved %n file to the trash.", "Moved %n files to the trash.")
    return " ".join(filter(None, (words if moved else "", reasons(kept))))


def reasons(kept: Sequence[Kept]) -> str:
    """Why files were not moved: the first one's reason, and the number of others."""
    whys = [each.why for each in kept]
    return first_of(whys, "One more file stays where it is.", "%n more files stay where they are.")


def _find_related(library: Library, chosen: Sequence[Path], photos: Sequence[int]) -> _Found:
    """Find the files related to the chosen ones in the library and their folders; runs in a thread."""
    known = library.photos.files(photos)
    files = related_files(chosen, known, library.photos.companions(photos))
    changed = tuple(path for path in files.chosen if path in known and _is_changed(path, known[path]))
    return _Found(files, marks_of(files.all), changed, tuple(library.photos.gone_files(photos)))


def _is_changed(path: Path, known: tuple[int, int]) -> bool:
    """Whether a file, or a link's target, has another size or modification time (ns) than known."""
    try:
        info = path.stat()
    except OSError:  # the move reports a missing file
        return False
    return (info.st_size, info.st_mtime_ns) != known


def _consequence(found: _Found) -> str:
    """The related and changed files, by name."""
    files = found.files
    chosen = files.chosen if files.twins or found.gone else ()
    parts = (
        (chosen, *plural("This file is selected:", "%n files are selected:")),
        (
            found.changed,
            *plural("It was changed since it was shown:", "%n were changed since they were shown:"),
        ),
        (
            files.twins,
            *plural("Another file shows the same picture:", "%n other files show the same pictures:"),
        ),
        (
            found.gone,
            *plural("Another file of it is gone already:", "%n other files of them are gone already:"),
        ),
        (files.companions, *plural("A file belongs to it:", "%n files belong to it:")),
    )
    return "\n\n".join(
        "\n".join([counted(len(paths), one, many), *name_lines(paths)]) for paths, one, many in parts if paths
    )
