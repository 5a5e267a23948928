"""The rate and the time left, with a clock in the test's hand."""

from __future__ import annotations

import pytest

from picsight_engine.indexing.shift import WINDOW_SECONDS, Rate


def test_nothing_is_promised_before_the_rate_rests_on_something():
    rate = Rate(100.0)
    assert rate.per_second(100.0) == 0.0
    rate.done(100.5, 5)
    assert rate.seconds_left(100.5, 1000) is None


def test_a_steady_pace_gives_its_rate_and_the_time_left():
    rate = Rate(0.0)
    for tick in range(1, 101):
        rate.done(tick / 10)
    assert rate.per_second(10.0) == pytest.approx(10.0)
    assert rate.seconds_left(10.0, 50) == pytest.approx(5.0)
    assert rate.seconds_left(10.0, 0) == 0.0


def test_what_is_long_past_does_not_count():
    rate = Rate(0.0)
    for tick in range(1, 1001):
        rate.done(tick / 100)  # ten seconds at 100 a second
    for tick in range(1, 61):
        rate.done(10.0 + tick)  # a minute at one a second
    assert rate.per_second(70.0) == pytest.approx(1.0, rel=0.1)


def test_one_slow_file_changes_the_rate_slowly():
    rate = Rate(0.0)
    for tick in range(1, 201):
        rate.done(tick / 10)
    assert rate.per_second(22.0) > 9.0


def test_the_rate_falls_while_nothing_is_done():
    rate = Rate(0.0)
    rate.done(1.0, 10)
    assert rate.per_second(20.0) == pytest.approx(0.5)
    assert rate.per_second(20.0 + WINDOW_SECONDS) < 0.3
