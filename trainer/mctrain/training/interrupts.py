"""SIGTERM and Ctrl-C: during a run the step is finished and the state saved, and the program ends as the signal would have it."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(Exception):  # noqa: N818 (nothing has failed)
    """A signal has come, and what was going on is not worth waiting for."""


class Interrupts:
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
            Interrupted: a signal has come.
        """
        if self.received:
            raise Interrupted

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signature of a handler)
        if not self._keeps:
            raise SystemExit(128 + number)
        self.received = number
        for own in self._before:  # the system's own answer: it waits for no pass backward
            signal.signal(own, signal.SIG_DFL)
