"""Ctrl-C and SIGTERM: the first one stops the work cleanly, a second one stops it at once."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_received = threading.Event()
_stops: list[threading.Event] = []  # of the running work that the first signal only asks to stop


def terminate_as_interrupt() -> None:
    """Makes SIGTERM end a command as Ctrl-C does, so that files are closed; `was_interrupted` reports both.

    A signal that the caller made this program ignore (as `nohup` does) stays ignored.
    """
    _received.clear()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def was_interrupted() -> bool:
    """Whether Ctrl-C or SIGTERM interrupted the work, even if a library turned that into another exception."""
    return _received.is_set()


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second one interrupts the work."""
    stop = threading.Event()
    _stops.append(stop)
    try:
        yield stop
    finally:
        _stops.remove(stop)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _stops and not _stops[-1].is_set():
        _stops[-1].set()
        return
    _received.set()
    signal.default_int_handler(number, frame)
