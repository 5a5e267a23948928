"""Runs the image tower in one process for backends that need a single owner; the worker pool passes it the workers' pixels.

Core ML, by its own package or by ONNX Runtime's provider, takes seconds and much memory to start, and one copy keeps its
hardware busy, so a copy per worker gains nothing. All photos that wait when a batch ends form the next batch: one at the start, eight
under load.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import PicsightError
from picsight_engine.foundation.processes import (
    START_SECONDS,
    lower_priority,
    release,
    set_up,
    start,
    time_limit,
)
from picsight_engine.indexing.messages import Described, Ready, WorkerLost
from picsight_engine.runtime.backend import Backend, load_image_encoder
from picsight_engine.store.derived.vectors import vectors_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.foundation.errors import ProblemCode
    from picsight_engine.indexing.messages import WorkerReply

BATCH = 8  # pictures; a photo with more parts is a batch of its own
_MOST_WAITING = 2 * BATCH  # 12 MB of pixels at 256 by 256; more would only wait
_LOG = logging.getLogger(__name__)


def encode(connection: Connection, bundle: Bundle, backend: Backend, seconds: float) -> None:
    """The process's main function: loads the tower, then embeds batches until the indexer closes the pipe or dies."""
    set_up()
    lower_priority()
    with suppress(EOFError, OSError):  # the indexer is gone
        try:
            size = bundle.image_spec().size
            encoder = load_image_encoder(bundle, backend=backend)
            connection.send(Ready())
            while True:
                pixels = _pixels(connection.recv(), size)
                # ONNX Runtime's sums depend on the batch, but a photo's vector must not depend on its neighbours
                parts = [pixels] if backend is Backend.COREML else [row[None] for row in pixels]
                with time_limit(seconds):
                    vectors = [row for part in parts for row in encoder.encode(part)]
                connection.send([row.astype("<f2").tobytes() for row in vectors])
        except PicsightError as fault:
            connection.send(fault)


def _pixels(batch: Sequence[bytes], size: int) -> NDArray[np.float32]:
    import numpy as np  # lazy: after `set_up`, which limits its threads

    return np.stack([np.frombuffer(pixels, dtype="<f4").reshape(3, size, size) for pixels in batch])


class Encoder:
    """The worker pool's side of the process. If it dies, hangs or fails, it is not replaced: its photos come back as lost, and the
    workers run the image tower themselves from then on.
    """

    def __init__(self, bundle: Bundle, backend: Backend, seconds: float) -> None:
        """Starts the process; `seconds` is the time limit of a batch."""
        self._seconds = seconds
        self._kind = vectors_in(bundle.manifest.space_id)
        self._process, self.connection = start(encode, bundle, backend, seconds, name="picsight-encoder")
        self._waiting: deque[tuple[int, Described]] = deque()
        self._under_way: list[tuple[int, Described]] = []
        self._ready = False
        self.deadline: float | None = time.monotonic() + START_SECONDS

    @property
    def full(self) -> bool:
        """Whether enough pictures wait, so that decoding more would only fill memory."""
        return sum(len(described.pixels) for _, described in self._waiting) >= _MOST_WAITING

    def put(self, key: int, described: Described) -> None:
        """Queues a photo with its pixels; `receive` returns it with its vectors."""
        self._waiting.append((key, described))
        self._send_next()

    def receive(self) -> list[tuple[int, WorkerReply]] | None:
        """The photos of a finished batch; None once the process has failed."""
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            _LOG.warning("The process that runs the image tower has ended.")
            return None
        if isinstance(message, PicsightError):
            _LOG.warning("%s", message)
            return None
        done: list[tuple[int, WorkerReply]] = []
        if isinstance(message, Ready):
            self._ready = True
        else:
            vectors = iter(message)
            for key, described in self._under_way:
                things = {
                    **described.things,
                    self._kind: [
                        *zip(islice(vectors, len(described.pixels)), described.moments, strict=True)
                    ],
                }
                done.append((key, replace(described, things=things, pixels=(), moments=())))
        self._under_way, self.deadline = [], None
        self._send_next()
        return done

    def close(self, code: ProblemCode = "crashed") -> list[tuple[int, WorkerReply]]:
        """Kills the process and returns its photos as lost."""
        self._process.kill()
        release(self._process, self.connection)
        held = [*self._under_way, *self._waiting]
        return [(key, WorkerLost(code)) for key, _ in held]

    def _send_next(self) -> None:
        """Sends the next batch if the process is idle."""
        if not self._ready or self._under_way or not self._waiting:
            return
        room = BATCH
        while self._waiting and (not self._under_way or len(self._waiting[0][1].pixels) <= room):
            self._under_way.append(self._waiting.popleft())
            room -= len(self._under_way[-1][1].pixels)
        self.deadline = time.monotonic() + self._seconds
        with suppress(OSError):  # a dead process is noticed by `receive`
            self.connection.send([each for _, described in self._under_way for each in described.pixels])
