"""Cuts fitted to made-up scores say of other scores of that kind what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mctrain.evaluation.things import ABSENT, DOUBTFUL, SHOWN
from mctrain.export.cuts import Material, auc, draw_trials, fit, measure

SIZES = (100, 300, 900)


def material(seed, things=240, photos=1200, spread=0.1, right=0.5):
    """Wrong photos score around 0; right ones, up to eight of every other thing, around `right`; a third of things are sentences."""
    draw = np.random.default_rng(seed)
    sentences = np.arange(things) % 3 == 0
    scores = draw.normal(0, spread, (things, photos)) + 0.05 * sentences[:, None]
    shown = np.full((things, photos), ABSENT, np.int8)
    for thing in range(0, things, 2):
        chosen = draw.choice(photos, 1 + thing % 8, replace=False)
        shown[thing, chosen] = SHOWN
        scores[thing, chosen] += right
        shown[thing, draw.choice(np.flatnonzero(shown[thing] == ABSENT), 3, replace=False)] = DOUBTFUL
    return Material(scores.astype(np.float32), shown, sentences)


@pytest.fixture(scope="module")
def calibration():
    return fit(draw_trials(material(0), SIZES))


@pytest.fixture(scope="module")
def others():
    return draw_trials(material(1), SIZES)


def test_one_absent_thing_in_twenty_is_called_strong_whatever_the_size(calibration, others):
    for own in measure(others, calibration):
        assert own.absent_strong == pytest.approx(0.05, abs=0.04)
        assert own.present_strong > 0.85
        assert own.present_none < 0.06


def test_sentences_are_called_strong_as_often_as_words(calibration, others):
    shares = [
        np.mean([own.absent_strong for own in measure(others.of(others.sentences == kind), calibration)])
        for kind in (True, False)
    ]
    assert shares[0] == pytest.approx(shares[1], abs=0.03)
    assert calibration.sentence == pytest.approx(0.05, abs=0.02)


def test_the_growth_is_that_of_the_best_of_more_wrong_photos(calibration):
    draw = np.random.default_rng(7)
    few, many = (draw.normal(0, 0.1, (2000, size)).max(axis=1).mean() for size in SIZES[::2])
    assert calibration.growth == pytest.approx((many - few) / np.log(9), abs=0.01)


def test_one_right_photo_in_a_library_is_found(calibration, others):
    assert all(own.one_strong > 0.8 for own in measure(others, calibration))


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    draw = np.random.default_rng(0)
    present, absent = draw.integers(3, 9, 40) / 10, draw.integers(0, 7, 60) / 10
    truth = np.r_[np.ones(40), np.zeros(60)]
    assert auc(present, absent) == pytest.approx(roc_auc_score(truth, np.r_[present, absent]))


def test_an_absent_thing_is_one_that_no_photo_may_show():
    trials = draw_trials(material(2), SIZES)
    absent = trials.right == 0
    assert (trials.shown[absent] == ABSENT).all()
    assert (trials.shown[~absent] == DOUBTFUL).any()
    assert set(trials.sizes[absent].tolist()) == set(SIZES)
