"""Scores of whole libraries reach a threshold exactly where float64 does, for one tag or many at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.tags.crowds import DIM, photos_like, rows_of

from picsight_engine.tags.fit import Linear
from picsight_engine.tags.scoring import reaching, scores_of
from picsight_engine.tags.tree import USUAL_THRESHOLD

PHOTOS = photos_like(1, 9000)  # more than are read at once
ROWS = rows_of(PHOTOS)


def exact(rows, linear):
    """The scores in float64."""
    logits = (rows.originals.astype(np.float64) @ linear.weights.astype(np.float64).T).max(axis=1)
    return (1 / (1 + np.exp(-(logits + linear.bias)))).astype(np.float32)


def tag(seed, prompts=1, length=20.0):
    return Linear(length * photos_like(seed, prompts), -length * 0.5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(0.01, 0.99), st.floats(1, 60))
def test_a_score_reaches_the_threshold_exactly_where_float64_does(seed, prompts, threshold, length):
    linear = tag(seed, prompts, length)
    scores, expected = scores_of(ROWS, linear, threshold), exact(ROWS, linear)
    assert np.array_equal(scores >= threshold, expected >= threshold)
    assert np.abs(scores - expected).max() < 0.1


def test_a_score_on_the_threshold_itself_is_reached_and_one_just_below_is_not():
    for place in range(50):
        linear = tag(place)
        at = float(exact(ROWS, linear)[place])
        below, above = at * (1 - 1e-6), at * (1 + 1e-6)
        assert scores_of(ROWS, linear, below)[place] >= below
        assert scores_of(ROWS, linear, above)[place] < above
        score = float(scores_of(ROWS, linear, at)[place])
        ((matching, _),) = reaching(ROWS, [linear], [score])
        assert place in matching


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 3), st.floats(0, 1)), max_size=24))
def test_many_tags_at_once_reach_what_each_reaches_alone(tags):
    linears, thresholds = (
        [tag(seed, prompts) for seed, prompts, _ in tags],
        [threshold for _, _, threshold in tags],
    )
    for linear, threshold, (positions, scores) in zip(
        linears, thresholds, reaching(ROWS, linears, thresholds), strict=True
    ):
        expected = exact(ROWS, linear)
        assert np.array_equal(positions, np.flatnonzero(expected >= np.float32(threshold)))
        assert np.abs(scores - expected[positions]).max(initial=0) < (1e-6 if len(scores) < 1000 else 0.1)


def test_more_tags_than_are_scored_at_once_come_in_their_order():
    rows = rows_of(PHOTOS[:300])
    linears = [tag(seed) for seed in range(600)]
    for linear, (positions, _) in zip(linears, reaching(rows, linears, [USUAL_THRESHOLD] * 600), strict=True):
        assert np.array_equal(positions, np.flatnonzero(exact(rows, linear) >= USUAL_THRESHOLD))


def test_an_empty_library_has_no_scores():
    rows = rows_of(np.empty((0, DIM), np.float32))
    assert not len(scores_of(rows, tag(1)))
    for count in (1, 20):
        for positions, scores in reaching(rows, [tag(1)] * count, [USUAL_THRESHOLD] * count):
            assert not len(positions)
            assert not len(scores)
