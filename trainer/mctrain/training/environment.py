"""The environment of a run: its folders, signals, progress reporter, and the lock on its folder. Does not import torch."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from filelock import FileLock, Timeout

from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType, TracebackType

    from mctrain.data.reading.reader import StreamOpener
    from mctrain.evaluation.tasks import Task
    from mctrain.paths import AnyPath


_LOCK = "run.lock"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Reporter(Protocol):
    """Where a run reports its progress."""

    def advance(self, step: int, steps: int, sentence: str) -> None:
        """Reports that `step` of `steps` are done; an empty sentence keeps the previous one."""

    def note(self, sentence: str) -> None:
        """Reports a sentence that stays on the screen."""


@dataclass(frozen=True, slots=True)
class RunFolders:
    """The folders of `photos` (also in a store), evaluation sets (`data`) and indexes (`cache`); the `tasks` on these sets.

    `stream` opens photos that cannot be indexed.
    """

    photos: AnyPath
    data: Path | None
    tasks: tuple[Task, ...]
    cache: Path
    stream: StreamOpener


@dataclass(frozen=True, slots=True)
class RunEnvironment:
    """`folder` holds the run; `workers` processes read its photos."""

    folder: Path
    interrupts: Signals
    reporter: Reporter
    workers: int


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder; a killed process releases its lock.

    Raises:
        TrainerError: another process trains in this folder.
    """
    try:
        lock = FileLock(folder / _LOCK).acquire(timeout=0)
    except Timeout:
        raise TrainerError(
            f"Another process trains in {folder} right now; wait for it, or choose another folder with -o."
        ) from None
    with lock:
        yield


class SignalReceived(Exception):  # noqa: N818 (nothing has failed)
    """A signal arrived during work that can be repeated."""


class Signals:
    """SIGTERM and SIGINT end the program at once; inside `deferred` the first is recorded, and a second ends it.

    Signals that were ignored at the start stay ignored, as in a shell's background jobs.
    """

    def __init__(self) -> None:
        self.received = 0
        self._defers = False
        self._before = {
            number: before
            for number in _SIGNALS
            if (before := signal.getsignal(number)) is not signal.SIG_IGN
        }

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Records a signal's number in `received`, 0 for none; the caller polls it."""
        self._defers = True
        try:
            yield
        finally:
            self._defers = False

    def check(self) -> None:
        """Cancels work that can be repeated; raises SignalReceived if a signal has arrived."""
        if self.received:
            raise SignalReceived

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signature of a handler)
        if not self._defers:
            raise SystemExit(128 + number)
        self.received = number
        for known in self._before:  # the default handler, which does not wait for a backward pass
            signal.signal(known, signal.SIG_DFL)
