"""Starts, watches and replaces the worker processes: if one dies or hangs, only its file is affected."""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.errors import ImageError, PicsightError
from picsight_engine.foundation.processes import START_SECONDS, release, start
from picsight_engine.indexing.encoder import Encoder
from picsight_engine.indexing.messages import (
    Described,
    Failed,
    Identified,
    Job,
    Ready,
    WorkerLost,
    WorkerOrder,
    WorkerReply,
)
from picsight_engine.indexing.worker import work
from picsight_engine.kinds import kinds_of
from picsight_engine.photos.reading import Limits, lost_photo
from picsight_engine.store.derived.vectors import vectors_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.foundation.errors import ProblemCode
    from picsight_engine.kinds import DerivedKind
    from picsight_engine.runtime.backend import Backend

MOST_WORKERS = 6
WORKER_BYTES = 90_000_000  # one worker with its copy of the image tower
LARGE_PIXELS = 50_000_000  # a decoded copy of a 250-megapixel picture is 0.75 GB: one such picture at a time
_FAILED_STARTS = 5  # in a row, before the machine is blamed
_PATIENCE = 1.0  # seconds between checks of a single process


def suitable_workers() -> int:
    """How many workers suit this machine: one per core, at most six, fewer if memory is short."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, MOST_WORKERS, _available_bytes() // WORKER_BYTES))


def _available_bytes() -> int:
    """Memory available without swapping; enough for all workers if the system does not report it."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return MOST_WORKERS * WORKER_BYTES


@dataclass(slots=True, eq=False)
class _Worker:
    """One process; `key` is its current file, `deadline` the time after which it counts as hung (None while it waits)."""

    process: SpawnProcess
    connection: Connection
    deadline: float | None
    ready: bool = False
    key: int | None = None
    seconds: float = 0.0  # that its file may take
    used: float = 0.0  # seconds spent on the file before the current step
    since: float = 0.0
    large: bool = False


class WorkerPool:
    """The worker processes of a run; the caller identifies files by numbers. Used from one thread."""

    def __init__(
        self,
        bundle: Bundle,
        limits: Limits,
        encoder: Backend | None = None,
        kinds: Sequence[DerivedKind] | None = None,
    ) -> None:
        """With `encoder`, one more process runs the image tower on that backend for all workers, until it fails.

        The workers can make these `kinds`, by default all that a photo has.
        """
        self._bundle = bundle
        self._kinds = kinds_of(bundle.manifest.space_id) if kinds is None else kinds
        self._vectors = vectors_in(bundle.manifest.space_id)
        self._limits = limits
        self._encoder = Encoder(bundle, encoder, limits.seconds) if encoder else None
        self._workers: list[_Worker] = []
        self._orders_held: deque[tuple[_Worker, WorkerOrder]] = deque()
        self._failed_starts = 0
        self._news: list[tuple[int, WorkerReply]] = []  # for the next `wait`

    @property
    def idle(self) -> int:
        """How many workers can take a file now; 0 while the encoder's queue is full."""
        if self._encoder is not None and self._encoder.full:
            return 0
        return sum(worker.ready and worker.key is None for worker in self._workers)

    def start_workers(self, number: int) -> None:
        """Starts workers until there are `number`; each reports when it is ready."""
        while len(self._workers) < number:
            self._workers.append(self._start_worker())

    def assign(self, key: int, path: Path, companions: tuple[str, ...] = ()) -> None:
        """Gives a file, with the names of its side-cars, to an idle worker; if the worker is dead, the file comes back as lost."""
        worker = next(each for each in self._workers if each.ready and each.key is None)
        worker.key, worker.used, worker.large = key, 0.0, False
        worker.seconds = self._limits.seconds_for(path)
        self._send_task(worker, Job(path, companions))

    def order(self, key: int, kinds: frozenset[str]) -> None:
        """Tells a worker that has identified its file what to make, by the names of kinds; with none, it is done.

        A large picture waits until no other one is being decoded.
        """
        worker = next((each for each in self._workers if each.key == key), None)
        if worker is None:  # it was killed while the caller decided; `wait` reports it
            return
        if not kinds:
            worker.key = None
            self._send(worker, WorkerOrder())
            return
        order = WorkerOrder(kinds)
        if self._encoder is not None and self._vectors in kinds:
            order = WorkerOrder(kinds - {self._vectors}, pixels=True)
        if worker.large and self._large_under_way():
            self._orders_held.append((worker, order))
        else:
            self._send_task(worker, order)

    def wait(self, seconds: float) -> list[tuple[int, WorkerReply]]:
        """Returns news of the files as soon as there are any, after `seconds` at the latest.

        Raises:
            PicsightError: the workers cannot start; BundleError if the model is the cause.
        """
        connections = [each.connection for each in (*self._workers, self._encoder) if each is not None]
        ready = wait_for(connections, self._wait_seconds(seconds))
        for worker in [each for each in self._workers if each.connection in ready]:
            self._receive(worker)
        if self._encoder is not None and self._encoder.connection in ready:
            self._receive_encoded(self._encoder)
        now = time.monotonic()
        if self._encoder is not None and self._encoder.deadline is not None and self._encoder.deadline < now:
            self._drop_encoder(self._encoder, "timeout")
        for worker in [each for each in self._workers if each.deadline is not None and each.deadline < now]:
            self._drop(worker, WorkerLost("timeout"))
        self._release_large()
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        """Kills every worker at once, which is safe because they only read. Workers started later embed by themselves."""
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            release(worker.process, worker.connection)
        self._workers.clear()
        self._orders_held.clear()
        self._news.clear()

    def _start_worker(self) -> _Worker:
        embeds = self._encoder is None
        process, here = start(work, self._bundle, self._limits, self._kinds, embeds, name="picsight-worker")
        return _Worker(process, here, deadline=time.monotonic() + START_SECONDS)

    def _receive(self, worker: _Worker) -> None:
        """Receives one message from a worker; the pipe reports a dead worker in one of two ways."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._drop(worker, WorkerLost("crashed"))
            return
        if isinstance(message, PicsightError):
            raise message
        worker.deadline = None
        if isinstance(message, Ready):
            worker.ready = True
            self._failed_starts = 0
            return
        if worker.key is None:
            return
        if isinstance(message, Described) and message.pixels:
            if self._encoder is None:  # the encoder has ended: the file is read again
                self._news.append((worker.key, WorkerLost("crashed")))
            else:
                self._encoder.put(worker.key, message)
        else:
            self._news.append((worker.key, message))
        if isinstance(message, Identified):
            worker.used = time.monotonic() - worker.since
            worker.large = message.pixels > LARGE_PIXELS
        else:
            worker.key = None
            worker.large = False

    def _drop(self, worker: _Worker, loss: WorkerLost) -> None:
        """Removes a dead or hung worker: reports its file as lost, and counts a worker that never started."""
        worker.process.kill()
        release(worker.process, worker.connection)
        self._workers.remove(worker)
        if worker.key is not None:
            self._news.append((worker.key, loss))
        elif not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise PicsightError(
                    "The processes that read photos end as soon as they start. Free some memory and index again; "
                    'a script of your own must start indexing below `if __name__ == "__main__":`.'
                )

    def _receive_encoded(self, encoder: Encoder) -> None:
        done = encoder.receive()
        if done is None:
            self._drop_encoder(encoder, "crashed")
        else:
            self._news += done

    def _drop_encoder(self, encoder: Encoder, code: ProblemCode) -> None:
        """From now on the workers embed; each loads the image tower when it first needs it."""
        self._news += encoder.close(code)
        self._encoder = None

    def _send_task(self, worker: _Worker, message: Job | WorkerOrder) -> None:
        """Sends a worker a task that takes time, and sets its deadline."""
        worker.since = time.monotonic()
        worker.deadline = worker.since + max(worker.seconds - worker.used, 0.0)
        self._send(worker, message)

    def _send(self, worker: _Worker, message: Job | WorkerOrder) -> None:
        with suppress(OSError):  # a dead worker is noticed by `wait`
            worker.connection.send(message)

    def _large_under_way(self) -> bool:
        return any(worker.large and worker.deadline is not None for worker in self._workers)

    def _release_large(self) -> None:
        """Lets the next large picture be decoded once the previous one is done."""
        while self._orders_held and not self._large_under_way():
            worker, order = self._orders_held.popleft()
            if worker in self._workers:
                self._send_task(worker, order)

    def _wait_seconds(self, seconds: float) -> float:
        everyone = [each for each in (*self._workers, self._encoder) if each is not None]
        deadlines = [each.deadline for each in everyone if each.deadline is not None]
        return max(0.0, min([seconds, *(deadline - time.monotonic() for deadline in deadlines)]))


def picture_vector(bundle: Bundle, path: Path) -> NDArray[np.float32]:
    """The vector [dim] of a picture file that need not be in a library, of unit length; a worker reads it, like every photo.

    Raises:
        ImageError: it cannot be read.
        BundleError: the image tower is missing or cannot be loaded.
    """
    limits, kind = Limits(), vectors_in(bundle.manifest.space_id)
    with closing(WorkerPool(bundle, limits)) as pool:
        pool.start_workers(1)
        while not pool.idle:
            pool.wait(_PATIENCE)
        pool.assign(0, path)
        while True:
            for _, news in pool.wait(_PATIENCE):
                if isinstance(news, Identified):
                    pool.order(0, frozenset({kind}))
                elif isinstance(news, Described) and news.things:
                    (whole, _), *_ = news.things[kind]
                    return np.frombuffer(whole, "<f2").astype(np.float32)
                elif isinstance(news, Failed):
                    raise ImageError(news.code, news.message, path)
                else:
                    assert isinstance(news, WorkerLost), "a picture is identified, described, or not"
                    raise lost_photo(news.code, path, limits, "cannot be compared")
