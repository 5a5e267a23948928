"""All background work: threads, replacement of stale requests, errors as sentences, clean shutdown."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from picsight_engine.errors import PicsightError, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

LOG = logging.getLogger(__name__)
FAULT = "Something went wrong inside Picsight. Your library is safe; the details are in the log."
STREAM_SECONDS = 20.0  # how long an ending program waits for a cancelled stream


@dataclass(slots=True)
class _Lane:
    """Requests that replace one another: one runs, only the latest waits, and only the answer to the latest counts."""

    latest: int = 0
    is_busy: bool = False
    waiting: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result of a job: a value, or an error sentence for the user."""

    value: Any = None
    sentence: str | None = None


class Stream:
    """A running stream of events; `cancel` asks it to end soon. Its `done` is still called."""

    def __init__(self) -> None:
        self.cancellation = threading.Event()

    def cancel(self) -> None:
        """Ask the stream to end; what it already did stays done."""
        self.cancellation.set()

    @property
    def cancelled(self) -> bool:
        """True once someone asked this stream to end."""
        return self.cancellation.is_set()


class Jobs(QObject):
    """Runs work in threads and calls back on the thread that owns it.

    Ordinary Python threads, not QRunnables: they are joined before the application dies and their errors are plain
    exceptions. Work never touches a widget; callbacks run on the GUI thread and may.
    """

    failed = Signal(str)  # a sentence, if the job has no error handler
    _arrived = Signal(object)  # a callback for the GUI thread

    def __init__(self, parent: QObject | None = None, *, threads: int = 4) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="picsight-job")
        self._lanes: dict[str, _Lane] = {}
        self._streams: dict[Stream, threading.Thread] = {}
        self._closed = False
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
            self._pool.submit(lambda: self._arrived.emit(partial(arrive, _outcome_of(work))))

        def arrive(outcome: _Outcome) -> None:
            lane.is_busy, following, lane.waiting = False, lane.waiting, None
            if following is not None:
                following()
            if number == lane.latest:
                self._report(outcome, done, failed)

        if lane.is_busy:
            lane.waiting = start
        else:
            start()

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
    ) -> Stream:
        """Iterate over `events(cancel)` in a separate thread, pass on each event, then call `done`."""
        stream = Stream()
        if self._closed:
            stream.cancel()
            return stream

        def consume() -> None:
            for event in events(stream.cancellation):
                self._arrived.emit(partial(on_event, event))

        def end(outcome: _Outcome) -> None:
            self._streams.pop(stream, None)
            self._report(outcome, lambda _none: done(), failed)

        def run() -> None:
            self._arrived.emit(partial(end, _outcome_of(consume)))

        thread = threading.Thread(target=run, name="picsight-stream", daemon=True)
        self._streams[stream] = thread
        thread.start()
        return stream

    def close(self) -> None:
        """Cancel streams, finish all jobs, deliver nothing more; call before the application object dies."""
        self._closed = True
        for stream in self._streams:
            stream.cancel()
        self._pool.shutdown()  # a job may store what the user said
        for thread in self._streams.values():
            thread.join(STREAM_SECONDS)
            if thread.is_alive():
                LOG.warning("a stream did not end within %.0f seconds", STREAM_SECONDS)
        self._streams.clear()

    def _deliver(self, call: Callable[[], None]) -> None:
        if not self._closed:
            call()

    def _report(
        self, outcome: _Outcome, done: Callable[[Any], object], failed: Callable[[str], object] | None
    ) -> None:
        if outcome.sentence is None:
            done(outcome.value)
        else:
            (failed or self.failed.emit)(outcome.sentence)


def _outcome_of(work: Callable[[], Any]) -> _Outcome:
    """Call `work`; a failure becomes a sentence. The one wide catch of the window: nothing may kill a thread."""
    try:
        return _Outcome(work())
    except PicsightError as error:
        return _Outcome(sentence=str(error))
    except Exception as error:
        LOG.exception("a background job failed")
        return _Outcome(sentence=refusal(error) or FAULT)
