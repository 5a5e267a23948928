"""All background work: threads, replacement of stale requests, errors as sentences, clean shutdown."""

from __future__ import annotations

import gc
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from picsight.texts import worded
from picsight_engine.foundation.errors import Message, PicsightError, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

LOG = logging.getLogger(__name__)
FAULT = Message("Something went wrong inside Picsight. Your library is safe; the details are in the log.")
STREAM_SECONDS = 20.0  # how long an ending program waits for a cancelled stream
YOUNG = 10_000  # objects since the last collection of garbage; Python's 700 would collect at each call
COLLECTIONS = 1000  # of new objects to one of all, which takes 0.3 s with 150,000 photos


@dataclass(slots=True)
class _Lane:
    """Requests that replace one another: one runs, only the latest waits, and only the answer to the latest counts."""

    latest: int = 0
    is_busy: bool = False
    waiting: Callable[[], None] | None = None


class Jobs(QObject):
    """Runs work in threads and calls back on the thread that owns it.

    Ordinary Python threads, not QRunnables: they are joined before the application dies and their errors are plain
    exceptions. Work never touches a widget; callbacks run on the GUI thread and may.

    Until `close`, garbage is collected on the GUI thread alone: a thread that collects a widget, or the receiver of a
    signal, while Qt uses it ends the program or stops it for good.
    """

    failed = Signal(str)  # a sentence, if the job has no error handler
    _arrived = Signal(object)  # a callback for the GUI thread

    def __init__(self, parent: QObject | None = None, *, threads: int = 4) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="picsight-job")
        self._changes = ThreadPoolExecutor(max_workers=1, thread_name_prefix="picsight-change")
        self._pending = 0  # changes that run or wait
        self._lanes: dict[str, _Lane] = {}
        self._streams: dict[threading.Event, threading.Thread] = {}
        self._closed = False
        self._collections = 0
        gc.disable()
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def read(
        self,
        work: Callable[[], T],
        done: Callable[[T], object],
        failed: Callable[[str], object] | None = None,
        *,
        replaces: str | None = None,
    ) -> None:
        """Run `work` in a thread, then `done` with its value or `failed` with a sentence, on the GUI thread.

        Requests that share `replaces` coalesce: one runs, only the latest waits, and the result of a superseded
        request is dropped without a call.
        """
        if self._closed:
            return
        lane = _Lane() if replaces is None else self._lanes.setdefault(replaces, _Lane())
        lane.latest += 1
        number = lane.latest

        def start() -> None:
            lane.is_busy = True
            self._pool.submit(
                lambda: self._arrived.emit(partial(arrive, self._answer_of(work, done, failed)))
            )

        def arrive(answer: Callable[[], object]) -> None:
            lane.is_busy, following, lane.waiting = False, lane.waiting, None
            if following is not None:
                following()
            if number == lane.latest:
                answer()

        if lane.is_busy:
            lane.waiting = start
        else:
            start()

    @property
    def is_changing(self) -> bool:
        """Whether a change runs or waits."""
        return self._pending > 0

    def change(
        self, work: Callable[[], T], done: Callable[[T], object], failed: Callable[[str], None] | None = None
    ) -> None:
        """Run `work` after all earlier changes, then call back as `read` does; `close` makes the changes that still wait."""
        if self._closed:
            return

        def arrive(answer: Callable[[], object]) -> None:
            self._pending -= 1
            answer()

        self._pending += 1
        self._changes.submit(lambda: self._arrived.emit(partial(arrive, self._answer_of(work, done, failed))))

    def after_changes(self, then: Callable[[], object]) -> None:
        """Call `then` once all earlier changes are done."""
        if not self._pending:
            then()
        elif not self._closed:  # not a change itself, or two callers that ask again would wait for each other
            self._changes.submit(lambda: self._arrived.emit(then))

    def forget(self, lane_name: str) -> None:
        """Drop the waiting request of a lane, and the result of the running one."""
        if lane := self._lanes.get(lane_name):
            lane.latest += 1
            lane.waiting = None

    def stream(
        self,
        events: Callable[[threading.Event], Iterable[T]],
        on_event: Callable[[T], None],
        done: Callable[[], None],
        failed: Callable[[str], None] | None = None,
    ) -> threading.Event:
        """Iterate over `events(cancel)` in a separate thread, pass on each event, then call `done`.

        To cancel the stream, set the returned event: the stream ends soon, what it did stays done, and `done` is called.
        """
        cancel = threading.Event()
        if self._closed:
            cancel.set()
            return cancel

        def consume() -> None:
            for event in events(cancel):
                self._arrived.emit(partial(on_event, event))

        def end(answer: Callable[[], object]) -> None:
            self._streams.pop(cancel, None)
            answer()

        def run() -> None:
            self._arrived.emit(partial(end, self._answer_of(consume, lambda _none: done(), failed)))

        self._streams[cancel] = thread = threading.Thread(target=run, name="picsight-stream", daemon=True)
        thread.start()
        return cancel

    def close(self) -> None:
        """Cancel streams, finish all jobs and changes, deliver nothing more; call before the application object dies."""
        self._closed = True
        for cancel in self._streams:
            cancel.set()
        self._pool.shutdown()  # a job may store what the user said
        self._changes.shutdown()
        for thread in self._streams.values():
            thread.join(STREAM_SECONDS)
            if thread.is_alive():
                LOG.warning("a stream did not end within %.0f seconds", STREAM_SECONDS)
        self._streams.clear()
        gc.enable()

    def _deliver(self, call: Callable[[], None]) -> None:
        if self._closed:
            return
        call()
        if gc.get_count()[0] > YOUNG:
            self._collections += 1
            gc.collect(1 if self._collections % COLLECTIONS else 2)

    def _answer_of(
        self, work: Callable[[], T], done: Callable[[T], object], failed: Callable[[str], object] | None
    ) -> Callable[[], object]:
        """Call `work` in a thread; return the call for the GUI thread, of `done` with its value or `failed` with a sentence.

        The one wide catch of the window: nothing may kill a thread.
        """
        try:
            return partial(done, work())
        except PicsightError as error:
            message = error.message
        except Exception as error:
            LOG.exception("a background job failed")
            message = refusal(error) or FAULT
        return partial(failed or self.failed.emit, worded(message))
