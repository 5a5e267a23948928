"""Ctrl-C and SIGTERM ask for an end in good order; a second one breaks off."""

from __future__ import annotations

import os
import signal

import pytest

from picsight.cli.interrupts import stop_requests, terminate_as_interrupt, was_interrupted


@pytest.fixture(autouse=True)
def _handlers():
    """The handlers of the test runner, given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_breaks_off(number) -> None:
    terminate_as_interrupt()
    with stop_requests() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(60)
        assert not was_interrupted()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_once_the_work_has_ended_the_next_signal_breaks_off() -> None:
    terminate_as_interrupt()
    with stop_requests() as stop:
        pass
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert was_interrupted()
    assert not stop.is_set()


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    terminate_as_interrupt()
    with stop_requests() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert not stop.is_set()
