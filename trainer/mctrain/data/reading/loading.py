"""Runs what reads batches, in this process or in others, and ends these with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from mctrain.data.workers import follow_parent
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

    from torch.utils.data import Dataset

    from mctrain.data.reading.batch import Batch

_PRELOADED = "mctrain.data.reading.reader"
_PICKY = hasattr(signal, "sigwaitinfo")  # not on a Mac, nor on Windows


def load(steps: Dataset[Batch | str], sampler: range | None, workers: int) -> Iterator[Batch | str]:
    """What a dataset gives: for the steps of `sampler` in order, or all that it yields of itself.

    Raises:
        DataError: a process was ended from outside.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores
        loader = DataLoader(
            steps,
            batch_size=None,  # an item is a batch
            sampler=sampler,
            num_workers=workers,
            collate_fn=_as_it_is,
            multiprocessing_context=_context() if workers else None,
            worker_init_fn=_follow,
            generator=torch.Generator(),  # it draws a number: not one of the run's
        )
        with _unheard():
            batches = iter(loader)
    try:
        yield from batches
    except RuntimeError as fault:
        if "DataLoader worker" not in str(fault):
            raise
        raise DataError(
            "A process that reads photos was ended from outside, as happens when memory (or /dev/shm) is full; "
            "take fewer workers or a smaller batch."
        ) from fault


def _as_it_is(batch: Any) -> Any:
    return batch


@contextmanager
def _unheard() -> Iterator[None]:
    """Processes that are begun here hear neither Ctrl-C nor SIGTERM, which a terminal and a service manager send to all.

    They end with the one that reads from them, which has its own answer; its own signals wait for the end of the block.
    """
    resource_tracker.ensure_running()  # to begin it would let both through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM}) if _PICKY else set()
    try:
        yield
    finally:
        if _PICKY:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow(worker: int) -> None:  # noqa: ARG001 (torch's own signature)
    """Of itself a loader's process outlives a parent that was killed: it looks for the end of another one, the fork server."""
    follow_parent()
    if _PICKY:
        threading.Thread(target=_hear_parent, daemon=True).start()


def _hear_parent() -> None:
    """Its parent alone may end it by SIGTERM."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent.pid:
        pass
    os._exit(0)


def _context() -> BaseContext:
    """Workers are forked from a process that has loaded torch and runs no threads: quick, and safe beside a GPU."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    return context
