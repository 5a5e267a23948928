"""Processes that share work, and that end with the one that asked for it, however that one ends."""

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
    """So many processes, begun when they are needed."""
    context = multiprocessing.get_context("spawn")  # a fork of a process that runs threads may hang
    return ProcessPoolExecutor(count, context, initializer=follow_parent)


def follow_parent() -> None:
    """For a process as it begins. Ctrl-C in a terminal reaches all processes: the parent answers, and its workers end when it ends.

    A killed parent leaves no message: without the thread its workers would wait for one for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def ahead(items: Iterable[_Item], count: int) -> Iterator[_Item]:
    """The items in order, so many of them taken before they are asked for: work that begins as it is taken is then under way."""
    begun = iter(items)
    waiting = deque(islice(begun, count))
    while waiting:
        first = waiting.popleft()
        waiting.extend(islice(begun, 1))
        yield first
