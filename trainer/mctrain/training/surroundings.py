"""What stands around a run: where things lie, who hears signals, who is told how it goes, and that it is alone in its folder.
Nothing here needs torch.
"""

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

    from mctrain.places import Place


_LOCK = "run.lock"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Journal(Protocol):
    """Who is told."""

    def advance(self, step: int, steps: int, sentence: str) -> None:
        """So many steps are done of so many; an empty sentence is no news."""

    def tell(self, sentence: str) -> None:
        """Something that is to stay."""


@dataclass(frozen=True, slots=True)
class Places:
    """`photos` has the shards, on a disk or in a store; `data` what is measured on, `tasks` another list of what is asked, `cache` indexes."""

    photos: Place
    data: Path | None
    tasks: Path | None
    cache: Path


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`folder` is the run's own; `workers` are processes that read photos for it."""

    folder: Path
    interrupts: Signals
    journal: Journal
    workers: int


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Held while a run goes; that of a killed process is free.

    Raises:
        TrainerError: another process trains in this folder.
    """
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TrainerError(
            f"Another process trains in {folder} right now; wait for it, or choose another folder with -o."
        ) from None
    try:
        yield
    finally:
        lock.release()


class SignalReceived(Exception):  # noqa: N818 (nothing has failed)
    """A signal has come, and what was going on is not worth waiting for."""


class Signals:
    """While it is entered a signal ends the program at once; inside `kept` the first one is remembered, and a second one ends it.

    Signals that the program was started to ignore, as a shell does for what runs in its background, stay ignored.
    """

    def __init__(self) -> None:
        self.received = 0
        self._keeps = False
        self._before = {
            own: before for own in _SIGNALS if (before := signal.getsignal(own)) is not signal.SIG_IGN
        }

    def __enter__(self) -> Self:
        for own in self._before:
            signal.signal(own, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for own, before in self._before.items():
            signal.signal(own, before)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whoever enters looks at `received` often: the number of the signal, 0 for none."""
        self._keeps = True
        try:
            yield
        finally:
            self._keeps = False

    def look(self) -> None:
        """Breaks off what can be done again.

        Raises:
            SignalReceived: a signal has come.
        """
        if self.received:
            raise SignalReceived

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signature of a handler)
        if not self._keeps:
            raise SystemExit(128 + number)
        self.received = number
        for own in self._before:  # the system's own answer: it waits for no pass backward
            signal.signal(own, signal.SIG_DFL)
