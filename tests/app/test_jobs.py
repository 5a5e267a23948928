"""Background work: which handler is called, on which thread, and which is not."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from functools import partial

import pytest
from PySide6.QtCore import QObject, Signal

from picsight.jobs import FAULT, YOUNG, Jobs
from picsight_engine.foundation.errors import StorageError


class Handler(QObject):
    """Collects the values that it is called with, and the threads; `called` lets a test wait for one."""

    called = Signal()

    def __init__(self):
        super().__init__()
        self.values = []
        self.threads = []

    def __call__(self, value):
        self.values.append(value)
        self.threads.append(threading.current_thread())
        self.called.emit()


@contextmanager
def log_disabled():
    """Keeps an expected error out of the test's output."""
    logger = logging.getLogger("picsight.jobs")
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


@pytest.fixture
def jobs(qapp):
    running = Jobs(threads=2)
    yield running
    running.close()


@pytest.fixture
def handler(qapp):
    return Handler()


class Knot:
    """Refers to itself, so that only the collector deletes it; adds the thread that does to a set."""

    def __init__(self, collectors):
        self.knot, self.collectors = self, collectors

    def __del__(self):
        self.collectors.add(threading.current_thread())


def test_garbage_of_work_is_collected_on_the_thread_of_the_window(qtbot, jobs, handler):
    collectors = set()

    def work():
        for _ in range(2 * YOUNG):
            Knot(collectors)

    jobs.read(work, handler)
    qtbot.waitUntil(lambda: bool(collectors))
    assert collectors == {threading.main_thread()}


def test_work_runs_in_another_thread_and_its_value_arrives_on_the_thread_of_the_window(qtbot, jobs, handler):
    with qtbot.waitSignal(handler.called):
        jobs.read(threading.current_thread, handler)
    assert handler.values[0] is not threading.main_thread()
    assert handler.threads == [threading.main_thread()]


def test_only_the_latest_of_the_requests_that_replace_one_another_is_answered(qtbot, jobs, handler):
    gate, begun = threading.Event(), threading.Event()
    ran = []

    def slow():
        begun.set()
        gate.wait(60)
        return "first"

    def quick(word):
        ran.append(word)
        return word

    jobs.read(slow, handler, replaces="search")
    assert begun.wait(60)
    jobs.read(lambda: quick("second"), handler, replaces="search")
    with qtbot.waitSignal(handler.called):
        jobs.read(lambda: quick("third"), handler, replaces="search")
        gate.set()
    assert handler.values == ["third"]
    assert ran == ["third"]


def test_requests_of_different_lanes_do_not_wait_for_one_another(qtbot, jobs, handler):
    gate = threading.Event()
    jobs.read(lambda: gate.wait(60), handler, replaces="slow lane")
    with qtbot.waitSignal(handler.called):
        jobs.read(lambda: "quick", handler, replaces="quick lane")
    assert handler.values == ["quick"]
    with qtbot.waitSignal(handler.called):
        gate.set()


def test_changes_are_made_one_after_the_other_and_closing_makes_those_that_wait(qtbot, handler):
    jobs, gate, made = Jobs(), threading.Event(), []
    jobs.after_changes(lambda: handler("at once"))
    assert handler.values == ["at once"]
    jobs.change(lambda: "first", handler)
    jobs.after_changes(lambda: handler("after"))
    qtbot.waitUntil(lambda: len(handler.values) == 3)
    assert handler.values == ["at once", "first", "after"]
    jobs.change(lambda: gate.wait(60), pytest.fail)
    for number in range(8):
        jobs.change(partial(made.append, number), pytest.fail)
    assert jobs.is_changing
    gate.set()
    jobs.close()
    assert made == list(range(8))


def test_a_forgotten_request_is_never_answered_and_its_lane_goes_on(qtbot, jobs, handler):
    gate = threading.Event()
    jobs.read(lambda: gate.wait(60), handler, replaces="lane")
    jobs.forget("lane")
    with qtbot.waitSignal(handler.called):
        jobs.read(lambda: "after", handler, replaces="lane")
        gate.set()
    assert handler.values == ["after"]


def test_an_error_of_the_engine_arrives_as_its_sentence(qtbot, jobs, handler):
    def fail():
        raise StorageError("The disk is full, so indexing stopped. Nothing was lost.")

    with qtbot.waitSignal(handler.called):
        jobs.read(fail, pytest.fail, handler)
    assert handler.values == ["The disk is full, so indexing stopped. Nothing was lost."]


def test_an_unexpected_error_is_logged_whole_and_arrives_as_one_sentence(qtbot, jobs, handler, caplog):
    with caplog.at_level(logging.ERROR), qtbot.waitSignal(handler.called):
        jobs.read(lambda: 1 / 0, pytest.fail, handler)
    assert handler.values == [str(FAULT)]
    assert "ZeroDivisionError" in caplog.text


def test_a_path_that_the_system_refuses_is_named(qtbot, jobs, handler, tmp_path):
    with qtbot.waitSignal(handler.called), log_disabled():
        jobs.read(partial(os.listdir, os.fsencode(tmp_path) + b"/gone\xff"), pytest.fail, handler)
    assert f"{tmp_path}/gone\ufffd" in handler.values[0]


def test_a_failure_without_a_handler_is_emitted_as_failed(qtbot, jobs):
    with qtbot.waitSignal(jobs.failed) as failure, log_disabled():
        jobs.read(lambda: 1 / 0, pytest.fail)
    assert failure.args == [str(FAULT)]


def test_a_stream_hands_over_its_events_in_order_and_then_ends(qtbot, jobs, handler):
    ended = Handler()
    with qtbot.waitSignal(ended.called):
        jobs.stream(lambda _cancel: iter(range(50)), handler, lambda: ended("end"))
    assert handler.values == list(range(50))


def test_a_cancelled_stream_ends_at_its_next_event(qtbot, jobs, handler):
    ended = Handler()

    def events(cancel):
        yield "one"
        cancel.wait(60)
        if not cancel.is_set():
            yield "never"

    with qtbot.waitSignal(handler.called):
        cancel = jobs.stream(events, handler, lambda: ended("end"))
    with qtbot.waitSignal(ended.called):
        cancel.set()
    assert handler.values == ["one"]


def test_a_stream_that_fails_delivers_its_events_and_then_the_reason(qtbot, jobs, handler):
    def events(_cancel):
        yield "one"
        raise StorageError("The disk is gone.")

    reason = Handler()
    with qtbot.waitSignal(reason.called):
        jobs.stream(events, handler, pytest.fail, reason)
    assert handler.values == ["one"]
    assert reason.values == ["The disk is gone."]


def test_closing_waits_for_running_work_and_delivers_nothing_more(qtbot, handler):
    jobs = Jobs()
    ended = threading.Event()

    def events(cancel):
        cancel.wait(60)
        ended.set()
        yield "late"

    jobs.stream(events, handler, lambda: handler("end"))
    jobs.read(lambda: "late too", handler)
    jobs.close()
    assert ended.is_set()
    qtbot.wait(1)
    assert handler.values == []
    jobs.read(lambda: "never", handler)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("picsight")]
