"""Asks the library in the background what a place contains, and whether photos have arrived there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from picsight.window.search.contents import AllPhotos, PlaceContents, contents_of
from picsight_engine.foundation.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsight.jobs import Jobs
    from picsight.window.grid.arrangement import Arrangement
    from picsight.window.search.contents import WallChange
    from picsight.window.search.place import Place
    from picsight_engine.library import Library

LANE, LANE_NEWS = "search", "news"
SLOW_SECONDS, IDLE_MS = 0.1, 120  # a search that took longer makes the next one wait for a pause in typing
LOADING_MS = 300  # until the user is told why the first search is slow
_SHARE = 10  # a comparison rests nine times as long as it worked


class Asker(QObject):
    """Asks one question at a time; the latest one wins. After a slow answer, a typed one waits for a pause in typing."""

    answered = Signal(object)  # PlaceContents
    failed = Signal(str)
    busy_changed = Signal(bool)
    loading = Signal()  # the first search takes long, since it loads the model
    due = Signal()  # the pause in typing

    def __init__(self, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.library: Library | None = None
        self.listing = AllPhotos()
        self.is_asking = False  # an answer is pending
        self.misread = False  # the failed search could not load its model
        self.took = 0.0  # seconds, for the last answer
        self._pause = QTimer(self, singleShot=True, interval=IDLE_MS)
        self._slow = QTimer(self, singleShot=True, interval=LOADING_MS)
        self._pause.timeout.connect(self.due)
        self._slow.timeout.connect(self.loading)

    def use(self, library: Library) -> None:
        """Use this library."""
        self.library, self.listing = library, AllPhotos()

    @property
    def is_slow(self) -> bool:
        """Whether a typed question should wait."""
        return self.took > SLOW_SECONDS

    def wait(self) -> None:
        """Drop a pending question, and tell after a pause in typing that the next one is due."""
        self._jobs.forget(LANE)  # an older answer would come after newer words
        self._pause.start()

    def ask(self, place: Place, arrangement: Arrangement) -> None:
        """Ask now; without a library, nothing is asked."""
        self._pause.stop()
        library, started = self.library, time.monotonic()
        if library is None:
            return
        self.is_asking = True
        self.busy_changed.emit(True)
        if place.words and not library.is_ready:
            self._slow.start()

        def work() -> PlaceContents:
            self.misread = False
            try:
                return contents_of(library, place, arrangement, self.listing)
            except BundleError:
                self.misread = True
                raise

        def take(contents: PlaceContents) -> None:
            self.took = time.monotonic() - started
            self._end()
            self.answered.emit(contents)

        def fail(sentence: str) -> None:
            self._end()
            self.failed.emit(sentence)

        self._jobs.read(work, take, fail, replaces=LANE)

    def _end(self) -> None:
        self.is_asking = False
        self._slow.stop()
        self.busy_changed.emit(False)


class Arrivals(QObject):
    """Looks for new photos of the shown place while they are indexed, in a tenth of the time. It compares when photos have
    arrived and the place is at rest; in between, it remembers that it is due.
    """

    found = Signal(object)  # WallChange

    def __init__(
        self, jobs: Jobs, comparison: Callable[[], Callable[[], WallChange] | None], parent: QObject
    ) -> None:
        """`comparison` returns what to do in the background, None while it would come too early."""
        super().__init__(parent)
        self._jobs, self._comparison = jobs, comparison
        self._is_due = self._is_comparing = False
        self._rest = QTimer(self, singleShot=True)
        self._rest.timeout.connect(self.look_if_due)

    def look(self) -> None:
        """Look for new photos, now or after the rest."""
        self._is_due = True
        self.look_if_due()

    def look_if_due(self) -> None:
        """Look for photos that have arrived since the last comparison, if there are any, unless it rests."""
        if not self._is_due or self._is_comparing or self._rest.isActive():
            return
        compare, started = self._comparison(), time.monotonic()
        if compare is None:
            return
        self._is_due, self._is_comparing = False, True

        def fail(sentence: str) -> None:
            self._is_comparing = False
            self._jobs.failed.emit(sentence)

        def take(news: WallChange) -> None:
            took, self._is_comparing = time.monotonic() - started, False
            self._rest.start(round(1000 * max(1.0, _SHARE * took)))
            self.found.emit(news)

        self._jobs.read(compare, take, fail, replaces=LANE_NEWS)

    def stop(self) -> None:
        """Drop a pending comparison, since another place is wanted."""
        self._jobs.forget(LANE_NEWS)
        self._is_comparing = False
