"""The one door to background work: who is called, on which thread, and who is not."""

from __future__ import annotations

import logging
import os
import threading
from functools import partial

import pytest
from PySide6.QtCore import QObject, Signal

from picsight.jobs import FAULT, Jobs
from picsight_engine.errors import StorageError


class Heard(QObject):
    """Collects what jobs say; `said` lets a test wait for it."""

    said = Signal()

    def __init__(self):
        super().__init__()
        self.words = []
        self.threads = []

    def __call__(self, word):
        self.words.append(word)
        self.threads.append(threading.current_thread())
        self.said.emit()


@pytest.fixture
def jobs(qapp):
    running = Jobs(threads=2)
    yield running
    running.close()


@pytest.fixture
def heard(qapp):
    return Heard()


def test_work_runs_in_another_thread_and_its_value_arrives_on_the_thread_of_the_window(qtbot, jobs, heard):
    with qtbot.waitSignal(heard.said):
        jobs.read(threading.current_thread, heard)
    assert heard.words[0] is not threading.main_thread()
    assert heard.threads == [threading.main_thread()]


def test_only_the_latest_of_the_requests_that_replace_one_another_is_answered(qtbot, jobs, heard):
    gate, begun = threading.Event(), threading.Event()
    ran = []

    def slow():
        begun.set()
        gate.wait(60)
        return "first"

    def quick(word):
        ran.append(word)
        return word

    jobs.read(slow, heard, replaces="search")
    assert begun.wait(60)
    jobs.read(lambda: quick("second"), heard, replaces="search")
    with qtbot.waitSignal(heard.said):
        jobs.read(lambda: quick("third"), heard, replaces="search")
        gate.set()
    assert heard.words == ["third"]
    assert ran == ["third"]


def test_requests_of_different_lanes_do_not_wait_for_one_another(qtbot, jobs, heard):
    gate = threading.Event()
    jobs.read(lambda: gate.wait(60), heard, replaces="slow lane")
    with qtbot.waitSignal(heard.said):
        jobs.read(lambda: "quick", heard, replaces="quick lane")
    assert heard.words == ["quick"]
    with qtbot.waitSignal(heard.said):
        gate.set()


def test_a_forgotten_request_is_never_answered_and_its_lane_goes_on(qtbot, jobs, heard):
    gate = threading.Event()
    jobs.read(lambda: gate.wait(60), heard, replaces="lane")
    jobs.forget("lane")
    with qtbot.waitSignal(heard.said):
        jobs.read(lambda: "after", heard, replaces="lane")
        gate.set()
    assert heard.words == ["after"]


def test_an_error_of_the_engine_arrives_as_its_own_sentence(qtbot, jobs, heard):
    def fail():
        raise StorageError("The disk is full, so indexing stopped. Nothing was lost.")

    with qtbot.waitSignal(heard.said):
        jobs.read(fail, pytest.fail, heard)
    assert heard.words == ["The disk is full, so indexing stopped. Nothing was lost."]


def test_a_fault_of_ours_is_logged_whole_and_told_in_one_sentence(qtbot, jobs, heard, caplog):
    with caplog.at_level(logging.ERROR), qtbot.waitSignal(heard.said):
        jobs.read(lambda: 1 / 0, pytest.fail, heard)
    assert heard.words == [FAULT]
    assert "ZeroDivisionError" in caplog.text


def test_a_path_that_the_system_refuses_is_told_by_name(qtbot, jobs, heard, tmp_path):
    with qtbot.waitSignal(heard.said), caplog_off():
        jobs.read(partial(os.listdir, os.fsencode(tmp_path) + b"/gone\xff"), pytest.fail, heard)
    assert f"{tmp_path}/gone\ufffd" in heard.words[0]


def test_a_failure_without_a_handler_is_told_to_the_window(qtbot, jobs):
    with qtbot.waitSignal(jobs.failed) as told, caplog_off():
        jobs.read(lambda: 1 / 0, pytest.fail)
    assert told.args == [FAULT]


def test_a_stream_hands_over_its_events_in_order_and_then_ends(qtbot, jobs, heard):
    ended = Heard()
    with qtbot.waitSignal(ended.said):
        jobs.stream(lambda _cancel: iter(range(50)), heard, lambda: ended("end"))
    assert heard.words == list(range(50))


def test_a_cancelled_stream_ends_at_its_next_event(qtbot, jobs, heard):
    ended = Heard()

    def events(cancel):
        yield "one"
        cancel.wait(60)
        if not cancel.is_set():
            yield "never"

    with qtbot.waitSignal(heard.said):
        stream = jobs.stream(events, heard, lambda: ended("end"))
    with qtbot.waitSignal(ended.said):
        stream.cancel()
    assert stream.cancelled
    assert heard.words == ["one"]


def test_a_stream_that_fails_keeps_what_it_told_and_says_why(qtbot, jobs, heard):
    def events(_cancel):
        yield "one"
        raise StorageError("The disk is gone.")

    why = Heard()
    with qtbot.waitSignal(why.said):
        jobs.stream(events, heard, pytest.fail, why)
    assert heard.words == ["one"]
    assert why.words == ["The disk is gone."]


def test_closing_waits_for_what_runs_and_delivers_nothing_more(qtbot, heard):
    jobs = Jobs()
    ended = threading.Event()

    def events(cancel):
        cancel.wait(60)
        ended.set()
        yield "late"

    jobs.stream(events, heard, lambda: heard("end"))
    jobs.read(lambda: "late too", heard)
    jobs.close()
    assert ended.is_set()
    qtbot.wait(1)
    assert heard.words == []
    jobs.read(lambda: "never", heard)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("picsight")]


def caplog_off():
    """The log of an expected fault stays out of the test's output."""
    return _Quiet()


class _Quiet:
    def __enter__(self):
        logging.getLogger("picsight.jobs").disabled = True

    def __exit__(self, *_error):
        logging.getLogger("picsight.jobs").disabled = False
