"""SIGTERM and Ctrl-C during a run: the step is finished, the state saved, and the program ends as the signal would have it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupts:
    """While it is entered, the first signal is remembered; a second one ends the program at once."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before = {}  # type: ignore[var-annotated]

    @property
    def asked(self) -> bool:
        """Whether the run shall stop."""
        return self.received is not None

    @property
    def exit_code(self) -> int:
        """Of a program that ended by this signal; 0 without one."""
        return 128 + self.received if self.received else 0

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signature of a handler)
        self.received = signal.Signals(number)
        for own, before in self._before.items():
            signal.signal(own, before)
