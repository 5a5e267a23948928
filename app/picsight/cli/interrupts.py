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


def terminate_as_interrupt() -> None:
    """Makes SIGTERM end a command as Ctrl-C does, so that files are closed; `was_interrupted` reports both."""
    _received.clear()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def was_interrupted() -> bool:
    """Whether Ctrl-C or SIGTERM interrupted the work, even if a library turned that into another exception."""
    return _received.is_set()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _received.set()
    signal.default_int_handler(number, frame)


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second one interrupts the work.

    A signal that the caller made this program ignore (as `nohup` does) stays ignored.
    """
    requested = threading.Event()

    def request(number: int, frame: FrameType | None) -> None:
        if requested.is_set():
            signal.default_int_handler(number, frame)
        requested.set()

    previous = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in previous.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, request)
    try:
        yield requested
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
