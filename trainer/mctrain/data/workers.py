"""Processes that share work, and that end with the one that asked for it, however that one ends."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor


def open_pool(count: int) -> ProcessPoolExecutor:
    """So many processes, begun when they are needed."""
    context = multiprocessing.get_context("spawn")  # a fork of a process that runs threads may hang
    return ProcessPoolExecutor(count, context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """A killed parent leaves no message: without this its workers would wait for one for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
