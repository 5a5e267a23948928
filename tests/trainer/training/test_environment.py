"""SIGTERM and Ctrl-C end a run in good order, in any of its processes; a second one ends it at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest
from tests.trainer.conftest import ALONE

from mctrain.weights.checkpoint import states

LONG = ("run.steps=100000", "run.log_every=2", "run.save_every=100000")

ANSWERING = """
import os, signal, sys, time
from mctrain.training.environment import SignalReceived, Signals

number, moment = int(sys.argv[1]), sys.argv[2]
if moment == "ignored":
    signal.signal(number, signal.SIG_IGN)
with Signals() as interrupts:
    if moment == "before":
        os.kill(os.getpid(), number)
    with interrupts.deferred():
        os.kill(os.getpid(), number)
        print(interrupts.received, flush=True)
        try:
            interrupts.check()
        except SignalReceived:
            print("broken off", flush=True)
        if moment == "twice":
            os.kill(os.getpid(), number)
            time.sleep(10)
print(signal.getsignal(number) is not None)
"""


@pytest.mark.parametrize(
    ("number", "moment", "printed", "code"),
    [
        (signal.SIGTERM, "before", "", 128 + signal.SIGTERM),
        (signal.SIGTERM, "during", "15\nbroken off\nTrue\n", 0),
        (signal.SIGINT, "twice", "2\nbroken off\n", -signal.SIGINT),
        (signal.SIGINT, "ignored", "0\nTrue\n", 0),
    ],
)
def test_a_signal_is_deferred_where_the_run_checks_for_it_and_else_ends_the_program(
    number, moment, printed, code
):
    words = [sys.executable, "-c", ANSWERING, str(int(number)), moment]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == (printed, code)


def start_run(words):
    """A run in a process group of its own, after its first steps."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mctrain", *words],
        env=ALONE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    for line in process.stderr:
        if line.startswith("step "):
            return process
    raise AssertionError(f"it ended with {process.wait()}")


def stopped(words, folder, number):
    """Sends a signal to all processes, as terminals and service managers do; returns the number of steps."""
    process = start_run(words)
    os.killpg(process.pid, number)
    messages = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 128 + number
    assert not any("Traceback" in line for line in messages)
    found = re.fullmatch(
        rf"The run in {folder} was stopped by a signal after (\d+) of 100000 steps; the same command resumes it.", messages[-1]
    )  # fmt: skip
    assert found, messages
    assert states(folder)[-1].name == f"step-{int(found[1]):08}.pt"
    assert not (folder / "checkpoint.pt").exists()
    return int(found[1])


@pytest.mark.soak
def test_the_same_command_resumes_a_stopped_run(command, tmp_path):
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGINT)
    reached = [stopped(command(tmp_path, *LONG, workers=1), tmp_path, number) for number in numbers]
    assert reached == sorted(set(reached))
