"""Worker processes, which end with their parent, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Item = TypeVar("_Item")


def open_pool(count: int) -> ProcessPoolExecutor:
    """A pool of `count` processes, which start when they are needed."""
    context = multiprocessing.get_context("spawn")  # a fork of a process that runs threads may hang
    return ProcessPoolExecutor(count, context, initializer=follow_parent)


def follow_parent() -> None:
    """Makes a worker end with its parent; ignores Ctrl-C, which a terminal sends to all processes and the parent handles.

    A killed parent sends no message: without the thread, its workers would wait for one forever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def prefetch(items: Iterable[_Item], count: int) -> Iterator[_Item]:
    """Yields the items in order, `count` of them fetched in advance, so that work which starts when it is fetched is under way."""
    begun = iter(items)
    waiting = deque(islice(begun, count))
    while waiting:
        first = waiting.popleft()
        waiting.extend(islice(begun, 1))
        yield first
