"""The one door to background work: threads, replacement of stale requests, errors as sentences, a clean end."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from picsight_engine.errors import PicsightError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

LOG = logging.getLogger(__name__)
FAULT = "Something went wrong inside Picsight. Your library is safe; the details are in the log."
STREAM_SECONDS = 20.0  # how long an ending program waits for a cancelled stream


@dataclass(slots=True, eq=False)
class _Job:
    """One piece of work; `generation` counts within its lane, so that a late answer is recognised."""

    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[str], None] | None
    lane: str | None = None
    generation: int = 0


@dataclass(slots=True)
class _Lane:
    """Requests that replace one another: one runs, only the latest waits."""

    generation: int = 0
    running: _Job | None = None
    waiting: _Job | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a job: a value, or a sentence for a person."""

    value: Any = None
    sentence: str | None = None


@dataclass(slots=True, eq=False)
class Stream:
    """A running stream of events; `cancel` asks it to end soon, its `done` is still called."""

    on_event: Callable[[Any], None]
    done: Callable[[], None]
    failed: Callable[[str], None] | None
    _cancel: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Ask the stream to end; what it already did stays done."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """True once someone asked this stream to end."""
        return self._cancel.is_set()


class Jobs(QObject):
    """Runs work in threads and calls back on the thread that owns it.

    Ordinary Python threads, not QRunnables: they are joined before the application dies and their errors are plain
    exceptions. Work never touches a widget; callbacks run on the GUI thread and may.
    """

    failed = Signal(str)  # a sentence, where a job named no handler of its own
    _arrived = Signal(object, object)

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
        done: Callable[[T], None],
        failed: Callable[[str], None] | None = None,
        *,
        replaces: str | None = None,
    ) -> None:
        """Run `work` in a thread, then `done` with its value or `failed` with a sentence, on the GUI thread.

        Requests that share `replaces` coalesce: one runs, only the latest waits, and an answer that a newer request
        has overtaken is dropped without a call.
        """
        if self._closed:
            return
        job = _Job(work, done, failed, replaces)
        if replaces is None:
            self._start(job)
            return
        lane = self._lanes.setdefault(replaces, _Lane())
        lane.generation += 1
        job.generation = lane.generation
        if lane.running is None:
            lane.running = job
            self._start(job)
        else:
            lane.waiting = job

    def forget(self, lane_name: str) -> None:
        """Drop what waits in a lane, and the answer of what runs in it."""
        if lane := self._lanes.get(lane_name):
            lane.generation += 1
            lane.waiting = None

    def stream(
        self,
        events: Callable[[threading.Event], Iterable[T]],
        on_event: Callable[[T], None],
        done: Callable[[], None],
        failed: Callable[[str], None] | None = None,
    ) -> Stream:
        """Iterate over `events(cancel)` in a thread of its own and hand over each event, then call `done`."""
        stream = Stream(on_event, done, failed)
        if self._closed:
            stream.cancel()
            return stream
        thread = threading.Thread(
            target=self._run_stream, args=(stream, events), name="picsight-stream", daemon=True
        )
        self._streams[stream] = thread
        thread.start()
        return stream

    def close(self) -> None:
        """Cancel streams, finish what runs, deliver nothing more; call before the application object dies."""
        self._closed = True
        for stream in self._streams:
            stream.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for thread in self._streams.values():
            thread.join(STREAM_SECONDS)
            if thread.is_alive():
                LOG.warning("a stream did not end within %.0f seconds", STREAM_SECONDS)
        self._streams.clear()

    def _start(self, job: _Job) -> None:
        self._pool.submit(self._run, job)

    def _run(self, job: _Job) -> None:
        self._arrived.emit(job, _outcome_of(job.work))

    def _run_stream(self, stream: Stream, events: Callable[[threading.Event], Iterable[Any]]) -> None:
        def consume() -> None:
            for event in events(stream._cancel):  # noqa: SLF001 - the stream is this module's own
                self._arrived.emit(stream, _Outcome(event))

        outcome = _outcome_of(consume)
        self._arrived.emit(stream, outcome if outcome.sentence else None)

    def _deliver(self, source: _Job | Stream, outcome: _Outcome | None) -> None:
        if self._closed:
            return
        if isinstance(source, Stream):
            self._deliver_event(source, outcome)
        elif self._is_current(source) and outcome is not None:
            self._report(source, outcome)

    def _is_current(self, job: _Job) -> bool:
        """Free the job's lane, start what waited in it, and say whether the answer is still wanted."""
        if job.lane is None:
            return True
        lane = self._lanes[job.lane]
        lane.running, lane.waiting = lane.waiting, None
        if lane.running is not None:
            self._start(lane.running)
        return job.generation == lane.generation

    def _report(self, job: _Job, outcome: _Outcome) -> None:
        if outcome.sentence is None:
            job.done(outcome.value)
        else:
            (job.failed or self.failed.emit)(outcome.sentence)

    def _deliver_event(self, stream: Stream, outcome: _Outcome | None) -> None:
        if outcome is not None and outcome.sentence is None:
            stream.on_event(outcome.value)
            return
        self._streams.pop(stream, None)
        if outcome is None or outcome.sentence is None:
            stream.done()
        else:
            (stream.failed or self.failed.emit)(outcome.sentence)


def _outcome_of(work: Callable[[], Any]) -> _Outcome:
    """Call `work`; a failure becomes a sentence. The one wide catch of the window: nothing may kill a thread."""
    try:
        return _Outcome(work())
    except PicsightError as error:
        return _Outcome(sentence=str(error))
    except Exception:
        LOG.exception("a background job failed")
        return _Outcome(sentence=FAULT)
