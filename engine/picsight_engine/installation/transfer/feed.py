"""Reads a slow source in a thread of its own, so that whoever waits for it can stop waiting at any moment."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_Item = TypeVar("_Item")
_TICK_SECONDS = 0.1
_AHEAD = 2  # items that may wait for whoever asked


@dataclass(frozen=True, slots=True)
class _End:
    """The source has no more, for this reason if it is one."""

    fault: Exception | None


def feed(
    source: Callable[[], Generator[_Item]], heed: Callable[[], None], seconds: float
) -> Generator[_Item]:
    """What `source` brings; while nothing comes, `heed` is called several times a second and may raise.

    Whoever closes this, or meets an exception, leaves the source behind: its thread ends with the next that it brings.

    Raises:
        TimeoutError: nothing came for so many seconds.
        Exception: what the source or `heed` raises.
    """
    items: Queue[_Item | _End] = Queue(_AHEAD)
    left = threading.Event()
    threading.Thread(target=_fill, args=(source, items, left), daemon=True).start()
    try:
        while True:
            item = _next(items, heed, seconds)
            if not isinstance(item, _End):
                yield item
            elif item.fault is None:
                return
            else:
                try:
                    raise item.fault
                finally:
                    del item  # it holds the fault, which holds this frame: a circle that would keep a connection open
    finally:
        left.set()


def _next(items: Queue[_Item | _End], heed: Callable[[], None], seconds: float) -> _Item | _End:
    due = time.monotonic() + seconds
    while True:
        heed()
        try:
            return items.get(timeout=_TICK_SECONDS)
        except Empty:
            if time.monotonic() > due:
                raise TimeoutError from None


def _fill(source: Callable[[], Generator[_Item]], items: Queue[_Item | _End], left: threading.Event) -> None:
    try:
        with closing(source()) as opened:
            for item in opened:
                _put(items, item, left)
                if left.is_set():
                    return
    except Exception as fault:  # noqa: BLE001 - the border of a thread: whoever waits gets it
        _put(items, _End(fault), left)
    else:
        _put(items, _End(None), left)


def _put(items: Queue[_Item | _End], item: _Item | _End, left: threading.Event) -> None:
    while not left.is_set():
        try:
            items.put(item, timeout=_TICK_SECONDS)
        except Full:
            continue
        return
