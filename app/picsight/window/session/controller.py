"""Connects the library to the window: opening it, its folders, indexing with pause and resume, problems."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from picsight.locations import known_libraries
from picsight.window.session.overview import Overview, first_overview, overview_of
from picsight.window.session.run_report import RunReport
from picsight_engine.foundation.errors import BundleError
from picsight_engine.indexing.events import Committed, Finished, Found, Progress, Waiting

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from picsight.jobs import Jobs
    from picsight.window.session.overview import BrokenModel, LibrarySetup
    from picsight.window.status.history import Ended, Step
    from picsight.window.status.line import StatusLine
    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.indexing.events import EmptiedFolder, Event
    from picsight_engine.indexing.watching import Places
    from picsight_engine.installation.model_choice import ModelChoice
    from picsight_engine.library import Library

LANE, LANE_MODEL = "overview", "model"
COUNTING_SHARE = 10  # counting the photos of each directory may take a tenth of a run's time


class LibraryController(QObject):
    """Owns the open library of the window."""

    opened = Signal(object)  # Library
    failed_to_open = Signal(str)
    begun = Signal()  # the search for changes begins, after the known photos are shown
    overview_changed = Signal(object)  # Overview
    photos_committed = Signal()  # a run has added some; the overview counts them
    photos_changed = Signal()  # a folder was removed or restored, with its photos
    indexing_began = Signal()
    indexing_ended = Signal()
    notice_given = Signal(str)  # a sentence for the user
    model_chosen = Signal()
    answers_changed = Signal()  # another model now answers searches
    model_refused = Signal(str)  # why the model could not be chosen

    def __init__(
        self, setup: LibrarySetup, status: StatusLine, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._setup, self._status, self._jobs = setup, status, jobs
        self._library: Library | None = None
        self._answering: Bundle | None = None
        self.overview = Overview()  # as last read
        self.reads_words = False  # in pictures, from the next run on
        self.is_scanned = False  # whether the last run has read all folders completely
        # The folders that the last run found emptier than before, and whose photos it kept.
        self.emptied: tuple[EmptiedFolder, ...] = ()
        # The missing or incomplete model because of which the library could not be opened.
        self.broken_model: BrokenModel | None = None
        self._added: set[Path] = set()  # folders that the user has added, and that no run has begun to read
        self._run: threading.Event | None = None  # cancels the run
        self._report = RunReport(status)
        self._again = False  # whether another run starts after this one
        # The last requested model, until it is chosen; no run may begin meanwhile.
        self._next_model: str | None = None
        self._opening = self._has_begun = False
        self._misread = False  # the last run could not load its model
        self.is_paused = False  # by the user
        self._is_whole = True  # the run looks at all folders
        self._waits = False  # for the run of another program
        status.pause_requested.connect(self.pause)
        status.resume_requested.connect(self.index)
        status.cancel_change_requested.connect(self.cancel_change)

    def open(self, folders_to_add: Sequence[Path]) -> None:
        """Open the library in a thread, add folders to it, then look for new photos."""

        def work() -> tuple[Library, Overview]:
            from picsight_engine.library import Library  # 160 ms (numpy), after the first frame

            choice = self._models()
            library = Library.open(self._setup.folder, choice.answers, wanted=choice.wanted)
            for path in folders_to_add:
                library.folders.add(path)
            return library, first_overview(library)

        self._opening = True
        self._jobs.read(work, self._take_library, self._fail_to_open)

    def _models(self) -> ModelChoice:
        self.broken_model = None
        try:
            return self._setup.models()
        except BundleError:
            self.broken_model = self._setup.broken_model()
            raise

    @property
    def model_names(self) -> tuple[str, str]:
        """The models that answer and that read photos; empty while the library is not open."""
        library = self._library
        return ("", "") if library is None else (library.bundle.manifest.name, library.wanted.manifest.name)

    def close(self) -> None:
        """Close the library; call after all jobs have ended."""
        if self._library is not None:
            self._library.close()
            self._library = None

    @property
    def is_indexing(self) -> bool:
        """True during a run."""
        return self._run is not None

    @property
    def is_reading(self) -> bool:
        """True during a run that does not wait for the one of another program."""
        return self._run is not None and not self._waits

    def add_folders(self, paths: Sequence[Path]) -> None:
        """Add folders and index them."""

        def add(library: Library) -> None:
            for path in paths:
                library.folders.add(path)

        def look() -> None:
            self._added.update(paths)
            self.index()

        if paths:
            self.change(add, look)

    def change(
        self,
        act: Callable[[Library], object],
        done: Callable[[], object],
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """Change the library after all earlier changes, update the overview, then call `done`."""
        library = self._library
        if library is None:
            return

        def work() -> Overview:
            act(library)
            return overview_of(library)

        def take(overview: Overview) -> None:
            self._take_overview(overview)
            done()

        self._jobs.change(work, take, refused or self.notice_given.emit)

    def step(self, act: Callable[[Library], object], done: Callable[[], object] = lambda: None) -> Step:
        """The same as a step that can be undone and redone; a notice says why it failed, also on the page without folders."""

        def run(ended: Ended) -> None:
            def end() -> None:
                done()
                ended(True)

            def refuse(sentence: str) -> None:
                self.notice_given.emit(sentence)
                ended(False)

            self.change(act, end, refuse)

        return run

    def removal(self, path: Path) -> tuple[Step, Step]:
        """The steps that remove a folder from the library, without touching its files, and that restore it."""

        def remove(library: Library) -> None:
            for folder in library.folders.listed():
                if folder.path == path:
                    library.folders.remove(folder.id)
            self.emptied = tuple(place for place in self.emptied if not place.path.is_relative_to(path))

        def end() -> None:
            if not self.is_indexing:
                self._status.show_idle()
            self.photos_changed.emit()

        def look() -> None:
            self.photos_changed.emit()
            self.index()

        return self.step(remove, end), self.step(lambda library: library.folders.restore(path), look)

    def forget_lost(self) -> None:
        """Remove the lost photos of those folders, as the user confirmed; then index again."""
        lost = [place.path for place in self.emptied]

        def work(library: Library) -> None:
            library.folders.forget(lost)
            self.emptied = ()

        def go_on() -> None:
            self.indexing_ended.emit()
            self._status.show_idle()  # until the next status line
            self.index()

        if lost:
            self.change(work, go_on, self._status.show_emptied)

    def index(self, places: Places | None = None) -> None:
        """Index all folders, or what changed in them; during a run, end it and index all of them, which keeps its results and sees
        what has changed.
        """
        library = self._library
        if library is None or not self.overview.folders:
            return
        if self._run is not None or self._next_model is not None:
            self._again = True
            if self._run is not None:
                self._run.set()
            return
        self.is_paused = False
        self._is_whole = places is None
        self.is_scanned = self.is_scanned and not self._is_whole
        if self._is_whole:
            self._report.begin(len(self.overview.folders), self._added, changing=self.is_changing)
            self._added.clear()
        self._run = self._jobs.stream(
            lambda cancel: self._events(library, places, cancel),
            self._take_event,
            self._end_run,
            self._fail_run,
        )
        self.indexing_began.emit()

    def _events(
        self, library: Library, places: Places | None, cancel: threading.Event
    ) -> Iterator[Event | Overview | tuple[Finished, Overview]]:
        """What a run reports, in its thread; an overview stands for a batch that was stored."""
        from picsight_engine.indexing.indexer import IndexSettings  # 60 ms in this thread
        from picsight_engine.installation.model_choice import keep_text_tower

        self._misread = False
        directories, due = self.overview.directories, 0.0
        settings = IndexSettings(slow=library.slow_kinds(words=self.reads_words))
        try:
            for event in library.index(places=places, settings=settings, cancel=cancel, waits=True):
                if isinstance(event, Finished):
                    yield event, overview_of(library)  # the overview must not be older than the event
                elif isinstance(event, Committed):
                    if (started := time.monotonic()) >= due:
                        directories = tuple(library.folders.directories())
                        due = started + COUNTING_SHARE * (time.monotonic() - started)
                    yield replace(first_overview(library), directories=directories)
                else:
                    yield event
            keep_text_tower(known_libraries(self._setup.folder), self._setup.installed())
        except BundleError:
            self._misread = True
            raise

    def pause(self) -> None:
        """Stop the run; its results are kept, and resuming continues from there."""
        if self._run is not None:
            self.is_paused, self._again = True, False
            self._run.set()
            self._status.show_paused()

    def use_model(self, name: str) -> None:
        """Let another model read the photos; the last request wins. A run with the earlier model ends first, and its
        results are kept.
        """
        self._next_model = name
        if self._run is not None:
            self._run.set()
        else:
            self._choose_next()

    def _choose_next(self) -> None:
        name, library, setup = self._next_model, self._library, self._setup
        if name is None or self._opening:
            return

        def work() -> None:
            from picsight_engine.installation.model_choice import use_model

            choice = use_model(setup.folder, name, setup.installed())
            if library is not None:
                library.use(choice.answers, choice.wanted)

        self._jobs.read(work, self._end_choice, self._fail_choice, replaces=LANE_MODEL)

    def _end_choice(self, _nothing: None) -> None:
        self._settle_choice()
        if self._library is None:
            self.open(())
        else:
            self._go_on(look=True)

    def _fail_choice(self, sentence: str) -> None:
        self._settle_choice()  # an earlier one, which this one replaced, may have succeeded
        self.model_refused.emit(sentence)
        self._go_on(look=self.is_changing)

    def _settle_choice(self) -> None:
        self._next_model = None
        self._answering = self._library.bundle if self._library is not None else None
        self.model_chosen.emit()
        self.answers_changed.emit()

    def _go_on(self, *, look: bool) -> None:
        """Start the run requested meanwhile; with `look`, start one in any case."""
        again, self._again = self._again, False
        if look or again:
            self.index()

    def use_new_model(self, name: str) -> None:
        """Use a newly installed model: open the library if it waits for one, or reload the files of its model."""
        if self.broken_model is not None:
            self.open(())
        elif name in self.model_names:
            self.use_model(self._next_model or self.model_names[1])

    @property
    def is_changing(self) -> bool:
        """True while a model other than the answering one reads the photos."""
        return self._library is not None and self._library.wanted is not self._library.bundle

    def cancel_change(self) -> None:
        """Keep the answering model; the results of the other one are kept, too. After an update there is only the new one, so
        its run pauses.
        """
        answers, wanted = self.model_names
        if answers != wanted:
            self.use_model(answers)
        elif self.is_indexing:
            self.pause()
        else:
            self._status.show_idle()

    def has_small_model(self) -> bool:
        """Whether photos are read by the model that comes with Picsight."""
        return self._library is not None and self._library.wanted.folder == self._setup.installed().shipped

    def _fail_to_open(self, sentence: str) -> None:
        self._opening = False
        self.failed_to_open.emit(sentence)
        self._choose_next()

    def _take_library(self, opened: tuple[Library, Overview]) -> None:
        self._opening = False
        self._library, self._answering = opened[0], opened[0].bundle
        self._take_overview(opened[1])
        self.opened.emit(opened[0])
        if self._next_model is not None:
            self._choose_next()
        elif not opened[1].photos:  # no photos to show first
            self.begin()

    def begin(self) -> None:
        """Load the model and let the folders be indexed and watched; called once photos are shown."""
        library = self._library
        if library is None or self._has_begun:
            return
        self._has_begun = True
        self.begun.emit()
        self.refresh_overview()
        if self.overview.photos:
            # Loads the model before the first search. An error is reported by that search.
            self._jobs.read(library.warm_up, lambda _: None, lambda _: None)

    def _take_overview(self, overview: Overview) -> None:
        if overview.number < self.overview.number:
            return  # it was read before a change whose overview is here already
        self.overview = overview
        self.overview_changed.emit(overview)

    def refresh_overview(self) -> None:
        """Read the overview again."""
        library = self._library
        if library is not None:
            self._jobs.read(lambda: overview_of(library), self._take_overview, replaces=LANE)

    def _take_event(self, event: Event | Overview | tuple[Finished, Overview]) -> None:
        self._waits = isinstance(event, Waiting)
        if self.is_paused and not isinstance(event, Overview | tuple):
            return
        match event:
            case Found(files, complete):
                if not complete and self._is_whole:
                    self._report.scan(files, changing=self.is_changing)
            case Progress():
                self._report.go_on(event, self.overview.photos, changing=self.is_changing)
            case Overview():
                self._take_overview(event)
                self.photos_committed.emit()
            case (finished, overview):
                self._take_finished(finished, overview)

    def _take_finished(self, event: Finished, overview: Overview) -> None:
        before, self._answering = self._answering, self._library.bundle if self._library else None
        changed = before is not None and before is not self._answering
        if changed:
            self.answers_changed.emit()
        if self._is_whole:
            self.emptied = event.emptied
        self.is_scanned = not event.cancelled and (self._is_whole or self.is_scanned)
        self._again |= event.in_doubt
        self._take_overview(overview)
        if not event.cancelled or (self._next_model is None and not self._again):
            self._report.end(event, overview, changed=changed, changing=self.is_changing)

    def _end_run(self) -> None:
        self._run = None
        self.refresh_overview()
        self.indexing_ended.emit()
        self._choose_next()
        self._go_on(look=False)  # after the choice, if there is one

    def _fail_run(self, sentence: str) -> None:
        self._run = None
        if self._misread:
            self._status.show_incomplete()
        else:
            self._status.show_stopped(sentence)
        self.refresh_overview()
        self.indexing_ended.emit()
        self._choose_next()
