"""Intervals have the width of the known distribution."""

from __future__ import annotations

import numpy as np
import pytest

from mctrain.evaluation.outcome import Outcome, difference, interval_of, resampled

SIDES = 1.96  # standard deviations that a 95 % interval of a normal distribution reaches to either side


@pytest.fixture
def draw():
    return np.random.default_rng(3)


def width(interval):
    return interval.high - interval.low


def test_an_interval_of_single_answers_is_the_binomial_one(draw):
    right = draw.random(900) < 0.3
    outcome = Outcome.plain("x", right, np.arange(900))
    share = right.mean()
    deviation = 100 * np.sqrt(share * (1 - share) / 900)
    assert resampled(outcome).std() == pytest.approx(deviation, rel=0.07)
    assert resampled(outcome).mean() == pytest.approx(100 * share, abs=0.2)
    interval = interval_of(outcome)
    assert interval.low == pytest.approx(100 * share - SIDES * deviation, abs=0.35)
    assert interval.high == pytest.approx(100 * share + SIDES * deviation, abs=0.35)


def test_photos_are_drawn_with_all_their_texts(draw):
    """Five texts that are all answered alike count as one."""
    photo = np.repeat(np.arange(400), 5)
    alike, alone = (draw.random(400) < 0.5)[photo], draw.random(2000) < 0.5
    widths = [width(interval_of(Outcome.plain("x", answers, photo))) for answers in (alike, alone)]
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(5), rel=0.12)
    order = draw.permutation(2000)
    shuffled = Outcome.plain("x", alike[order], photo[order])
    assert np.allclose(resampled(shuffled), resampled(Outcome.plain("x", alike, photo)))


def test_a_mean_per_class_is_resampled_inside_its_classes(draw):
    sizes, shares = np.array([20, 60, 300]), np.array([0.5, 0.2, 0.8])
    group = draw.permutation(np.repeat(np.arange(3), sizes))
    right = draw.random(380) < shares[group]
    outcome = Outcome("x", right, np.arange(380), group, within=True)
    seen = np.array([right[group == place].mean() for place in range(3)])
    expected = 100 * np.sqrt((seen * (1 - seen) / sizes).sum()) / 3
    assert resampled(outcome).std() == pytest.approx(expected, rel=0.07)
    group = np.repeat([0, 1], [1, 40])
    alone = Outcome("x", group == 0, np.arange(41), group, within=True)
    assert (resampled(alone) == 50).all()  # the only photo of its class is in every draw


def test_two_subjects_are_compared_photo_by_photo(draw):
    right = draw.random(1000) < 0.5
    better = right | (draw.random(1000) < 0.03)
    one, other = (Outcome.plain("x", answers, np.arange(1000)) for answers in (better, right))
    gain = difference(one, other)
    gained = better.astype(float) - right
    assert gain.points == pytest.approx(100 * gained.mean())
    assert width(gain.interval) == pytest.approx(2 * SIDES * 100 * gained.std() / np.sqrt(1000), rel=0.1)
    assert width(gain.interval) < width(interval_of(one)) / 2
    assert gain.better > 0.99
    same = difference(one, one)
    assert (same.points, same.interval.low, same.interval.high, same.better) == (0, 0, 0, 0.5)
    worse = difference(other, one)
    assert worse.better == pytest.approx(1 - gain.better)


def test_the_interval_of_all_right_or_none_is_clopper_and_pearsons():
    """It ends at the share with which so many photos are all alike in one of 40 samples."""
    photo = np.repeat(np.arange(60), 5)
    right, wrong = (interval_of(Outcome.plain("x", np.full(300, answer), photo)) for answer in (True, False))
    assert (right.high, wrong.low) == (100, 0)
    assert (right.low / 100) ** 60 == pytest.approx(1 / 40)
    assert (1 - wrong.high / 100) ** 60 == pytest.approx(1 / 40)
    group = np.repeat([0, 1], [4, 56])  # of 4 and 56 photos no less may be wrong than of 4 and 4
    uneven = interval_of(Outcome("x", np.ones(60), np.arange(60), group, within=True))
    assert (uneven.low / 100) ** 8 == pytest.approx(1 / 40)
    most = np.ones(300)
    most[7] = 0
    assert 98 < interval_of(Outcome.plain("x", most, photo)).low < 100
