"""The rate and the time left, with a clock that the test sets."""

from __future__ import annotations

import pytest

from picsight_engine.indexing.dispatcher import WINDOW_SECONDS, Rate


def test_a_steady_pace_gives_its_rate_and_the_time_left():
    rate = Rate(0.0)
    assert (rate.per_second(0.0), rate.seconds_left(0.0, 1000)) == (0.0, None)
    for tick in range(1, 101):
        rate.done(tick / 10)
    assert rate.per_second(10.0) == pytest.approx(10.0)
    assert rate.seconds_left(10.0, 50) == pytest.approx(5.0)
    assert rate.seconds_left(10.0, 0) == 0.0


def test_the_distant_past_does_not_count():
    rate = Rate(0.0)
    for tick in range(1, 1001):
        rate.done(tick / 100)  # ten seconds at 100 a second
    for tick in range(1, 61):
        rate.done(10.0 + tick)  # a minute at one a second
    assert rate.per_second(70.0) == pytest.approx(1.0, rel=0.1)
    assert rate.per_second(70.0 + WINDOW_SECONDS) < 0.6  # it falls while nothing is done
