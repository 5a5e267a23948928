"""How the indexer's processes are started, settle in, and are put away."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

START_SECONDS = 120.0  # loading the model from a cold, slow disk
_BURY_SECONDS = 5.0
_NICENESS = 10
_GRACE_SECONDS = 5  # the indexer ends a hung process; only one whose indexer is gone has to end itself


def start(target: Callable[..., None], *arguments: Any, name: str) -> tuple[SpawnProcess, Connection]:
    """A process that runs `target` with its end of a pipe before the arguments, and our end."""
    context = multiprocessing.get_context("spawn")  # fork beside Qt or ONNX threads can deadlock
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, *arguments), name=name, daemon=True)
    with _interrupts_held_back():
        process.start()
    there.close()  # else the pipe would stay open when the process dies
    return process, here


def settle() -> None:
    """In a process: Ctrl-C is the indexer's to handle; one thread; libraries' warnings are not for a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):  # Unix: whoever searches or scrolls meanwhile goes first
        os.nice(_NICENESS)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    warnings.simplefilter("ignore")


def bury(process: SpawnProcess, connection: Connection) -> None:
    """Puts a killed process away."""
    connection.close()
    process.join(_BURY_SECONDS)
    if process.exitcode is not None:  # else it hangs inside the system, until its dead disk is gone
        process.close()


@contextmanager
def own_end(seconds: float) -> Iterator[None]:
    """Lets the system end this process if a library hangs and the indexer is not there to do it."""
    if not hasattr(signal, "alarm"):  # Windows
        yield
        return
    signal.alarm(int(seconds) + _GRACE_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Starts a process with Ctrl-C blocked: it would die of it, loudly, before it can look away."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
