"""How the processes that read photos are started, settle in, and are put away."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from picsight_engine.signals import signals_held_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

START_SECONDS = 120.0  # loading the model from a cold, slow disk
_BURY_SECONDS = 5.0
_NICENESS = 10
_GRACE_SECONDS = 5  # whoever started a process ends it when it hangs; only an orphan has to end itself


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
    """In a process: Ctrl-C is for whoever started it; one thread; libraries' warnings are not for a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    warnings.simplefilter("ignore")


def step_back() -> None:
    """In a process that nobody waits for: whoever searches or scrolls meanwhile goes first."""
    if hasattr(os, "nice"):  # Unix
        os.nice(_NICENESS)


def silence_decoders() -> None:
    """In a process: some C libraries write their complaints to the terminal; what matters of them comes as an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def bury(process: SpawnProcess, connection: Connection) -> None:
    """Puts a killed process away."""
    connection.close()
    process.join(_BURY_SECONDS)
    if process.exitcode is not None:  # else it hangs inside the system, until its dead disk is gone
        process.close()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Lets the system end this process if a library hangs and whoever started it is not there to do it."""
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
    """Starts a process with Ctrl-C blocked: it would die of it, loudly, before it can look away.

    Nor may Ctrl-C break off its start in this one: half started, it would complain as loudly.
    """
    with signals_held_back():
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            yield
            return
        # the first process of a program starts the tracker too, and that start ends with Ctrl-C unblocked
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
