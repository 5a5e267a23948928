"""Starts, configures and cleans up the processes that read photos."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from picsight_engine.foundation.signals import signals_deferred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

START_SECONDS = 120.0  # loading the model from a cold, slow disk
_RELEASE_SECONDS = 5.0
_NICENESS, _LEAST_URGENT = 10, 7
_GRACE_SECONDS = 5  # the parent ends a process that hangs; only an orphan has to end itself


def start(target: Callable[..., None], *arguments: Any, name: str) -> tuple[SpawnProcess, Connection]:
    """Starts a process that runs `target(pipe_end, *arguments)`; returns it and our end of the pipe."""
    context = multiprocessing.get_context("spawn")  # fork beside Qt or ONNX threads can deadlock
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, *arguments), name=name, daemon=True)
    with _interrupts_deferred():
        process.start()
    there.close()  # otherwise the pipe would stay open when the process dies
    return process, here


def set_up() -> None:
    """In the child: leave Ctrl-C to the parent, use one thread, keep library warnings off the terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    warnings.simplefilter("ignore")


def lower_priority() -> None:
    """In the child: lower its priority for CPU and disk, so that searching and scrolling stay responsive."""
    import psutil  # 10 ms

    process = psutil.Process()
    with suppress(psutil.Error, OSError):  # a sandbox may forbid it
        process.nice(_NICENESS if hasattr(os, "nice") else psutil.BELOW_NORMAL_PRIORITY_CLASS)
        if sys.platform == "linux":
            process.ionice(psutil.IOPRIO_CLASS_BE, _LEAST_URGENT)
        elif sys.platform == "win32":
            process.ionice(psutil.IOPRIO_LOW)


def on_battery() -> bool:
    """Whether the computer is known to run on its battery."""
    import psutil  # 10 ms, and most processes do not ask

    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False


def silence_decoders() -> None:
    """In the child: drops what C libraries print to the terminal; real faults also arrive as errors."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def release(process: SpawnProcess, connection: Connection) -> None:
    """Releases a killed process."""
    connection.close()
    process.join(_RELEASE_SECONDS)
    if process.exitcode is not None:  # otherwise it hangs in a system call until its failed disk is removed
        process.close()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Lets the system end this process if a library hangs and the parent is gone."""
    if not hasattr(signal, "alarm"):  # Windows
        yield
        return
    signal.alarm(int(seconds) + _GRACE_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Blocks Ctrl-C while a process starts: the child would die with a traceback before it can ignore the signal.

    Ctrl-C must not interrupt the start in this process either: a half-started child also prints a traceback.
    """
    with signals_deferred():
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
