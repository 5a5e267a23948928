"""What a tag learns from decisions, compared with its loss written plainly, and properties that always hold."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.tags.crowds import DIM, photos_like, rows_of

from picsight_engine.tags.fit import (
    BIAS_PENALTY,
    CUT_PENALTY,
    PRIOR_DECISIONS,
    REJECTED_WEIGHT,
    UNDECIDED_WEIGHT,
    Background,
    Linear,
    fit,
    keep_suggestions,
    kept_bias,
    prior,
    rejected_weight,
    train,
)
from picsight_engine.tags.scoring import TagScorer, TrainingSet, scores_of

LIBRARY = photos_like(1, 200)
BACKGROUND = Background.from_vectors(LIBRARY, len(LIBRARY))
WORDS = photos_like(2, 3)
NOBODY = LIBRARY[:0]


def least(losses, low=-60.0, high=60.0):
    """The least of a convex function of one number."""
    for _ in range(120):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if losses(left) < losses(right) else (left, high)
    return losses(low)


def decided_loss(logits_of, for_, against, rejected=REJECTED_WEIGHT):
    return np.logaddexp(0, -logits_of(for_)).sum() + rejected * np.logaddexp(0, logits_of(against)).sum()


def loss(before, weights, for_, against):
    """The loss of the weights [m, dim], as the docstrings define it, on the vectors themselves."""
    rejected = rejected_weight(len(against))
    turn = weights[0] - before.weights[0]
    whitened = np.linalg.solve(BACKGROUND.whitening, turn)

    def with_bias(moved):
        bias = before.bias + moved - turn @ BACKGROUND.mean

        def logits(vectors):
            return (vectors.astype(np.float64) @ weights.T).max(axis=1) + bias

        others = UNDECIDED_WEIGHT * np.logaddexp(0, logits(LIBRARY)).mean()
        return decided_loss(logits, for_, against, rejected) + others + BIAS_PENALTY * moved**2 / 2

    return least(with_bias) + whitened @ whitened / 2


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 12), st.integers(1, 3))
def test_no_turn_of_the_weights_lessens_the_loss(seed, accepted, rejected, prompts):
    before = prior(WORDS[:prompts], BACKGROUND)
    for_, against = photos_like(seed, accepted), photos_like(seed + 1, rejected)
    found = fit(before, for_, against, BACKGROUND)
    if not accepted + rejected:
        assert found is before
        return
    weights = found.weights.astype(np.float64)
    there = loss(before, weights, for_, against)
    for turn in 1e-2 * np.random.default_rng(seed).normal(size=(4, DIM)):
        assert loss(before, weights + turn, for_, against) > there
        assert loss(before, weights - turn, for_, against) > there


def passing(linear):
    """How many of the library's photos score at least one half."""
    return int((linear.logits(LIBRARY) >= 0).sum())


def suggesting(number):
    """A line from words alone, with so many of the library's photos above its cut."""
    line = prior(WORDS[:1], BACKGROUND)
    highest = np.sort(line.logits(LIBRARY))[::-1]
    return Linear(line.weights, line.bias - float(highest[number - 1 : number + 1].mean()))


def place_of(linear):
    """How many deviations above the median of the library's scores a score of one half lies."""
    logits = linear.logits(LIBRARY)
    return -np.median(logits) / np.median(np.abs(logits - np.median(logits)))


@pytest.mark.parametrize("number", [6, 12, 30])
def test_a_few_decisions_neither_treble_the_suggestions_nor_remove_most_of_them(number):
    word, crowd = photos_like(14, 1, dim=256), photos_like(15, 900, dim=256)
    crowd[:60] += np.linspace(0.1, 0.7, 60, dtype=np.float32)[:, None] * word
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    background = Background.from_vectors(crowd, len(crowd))
    words = prior(word, background)
    likely = crowd[np.argsort(-words.logits(crowd))]
    before = Linear(words.weights, -float((likely[number - 1 : number + 1] @ words.weights[0]).mean()))

    def suggested(for_, against):
        line, left = fit(before, for_, against, background), likely[len(for_) + len(against) : number]
        return int((keep_suggestions(line, left, len(for_)).logits(crowd) >= 0).sum())

    nobody = crowd[:0]
    for answers in (1, 3, 5):
        assert number <= suggested(likely[:answers], nobody) < 3 * number
        assert number / 4 < suggested(likely[:answers:2], likely[1:answers:2]) < 3 * number
    assert number <= suggested(likely[:1], nobody) <= 1.5 * number
    assert number / 2 <= suggested(nobody, likely[:1]) <= number
    assert 0.6 * number <= suggested(nobody, likely[number - 1 : number]) <= number


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3), st.floats(0, 1))
def test_no_answers_take_all_that_words_find_from_a_tag(seed, accepted, share):
    """If any number of the likeliest photos is rejected, others that words alone find stay suggested."""
    word, crowd = photos_like(seed, 1), photos_like(seed + 1, 300)
    crowd[:20] += word
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    scorer = TagScorer(rows_of(crowd), None)

    def suggested(alike, unlike):
        scores = scores_of(scorer.rows, scorer.train(TrainingSet(("word",), word, alike, unlike)))
        return [int(row) + 1 for row in np.argsort(-scores) if scores[row] >= 0.5]

    found = suggested((), ())
    rejected = found[: math.ceil(share * (len(found) - 1))]
    alike = tuple(range(200, 200 + accepted))
    left = set(found) - set(rejected) - set(alike)
    kept = len(left & set(suggested(alike, tuple(rejected))))
    assert kept >= (len(left) // (2 + accepted) if accepted else len(left) / 2)


def test_a_tag_of_very_many_photos_learns_from_some_of_them_and_one_more_hardly_moves_its_scores():
    crowd = photos_like(3, 20_000)
    scorer = TagScorer(rows_of(crowd), None)
    like_one = crowd @ crowd[0] > np.median(crowd @ crowd[0])
    inside = tuple((np.flatnonzero(like_one) + 1).tolist())

    def peak(alike):
        tracemalloc.start()
        line = scorer.train(TrainingSet((), crowd[:0], alike, ()))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return line, most

    (few, memory), (many, more), (_, most) = peak(inside[:-1]), peak(inside), peak(inside[:5_000])
    assert max(memory, more) < 1.5 * most
    scores = scores_of(scorer.rows, many)
    assert np.abs(scores_of(scorer.rows, few) - scores).max() < 0.05
    assert (scores[like_one] > np.median(scores[~like_one])).mean() > 0.9


@pytest.mark.parametrize("number", [20, 50, 100])
def test_a_cut_is_kept_by_number_after_few_decisions_and_by_place_after_many(number):
    before, numbers = suggesting(number), []
    for seed in range(20):
        weights = 4 * photos_like(seed, 1)
        cuts = [
            Linear(weights, kept_bias(before, weights, n, BACKGROUND)) for n in (0, PRIOR_DECISIONS, 10**6)
        ]
        numbers.append(passing(cuts[0]))
        assert place_of(cuts[2]) == pytest.approx(place_of(before), rel=0.1, abs=0.1)
        assert cuts[1].bias == pytest.approx((cuts[0].bias + cuts[2].bias) / 2, abs=1e-3)
    assert np.mean(numbers) == pytest.approx(number, rel=0.1)  # of one line a soft count is kept


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 9), st.integers(0, 9))
def test_no_change_of_the_bias_is_better_for_decisions_and_the_place_of_the_cut(seed, accepted, rejected):
    before = prior(WORDS[:2], BACKGROUND)
    for_, against = photos_like(seed, accepted), photos_like(seed + 1, rejected)
    found = fit(before, for_, against, BACKGROUND)
    deviation = BACKGROUND.spread(found.weights)[1]
    kept = kept_bias(before, found.weights, accepted + rejected, BACKGROUND)

    def total(bias):
        logits = Linear(found.weights, bias).logits
        return decided_loss(logits, for_, against) + CUT_PENALTY * ((bias - kept) / deviation) ** 2 / 2

    assert total(found.bias) <= total(found.bias + 1e-3)
    assert total(found.bias) <= total(found.bias - 1e-3)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_a_photo_gains_on_the_library_by_being_accepted_and_loses_by_being_rejected(seed, prompts, others):
    before = prior(WORDS[:prompts], BACKGROUND)
    photo, decided, rejected = photos_like(seed, 1), photos_like(seed + 1, others), photos_like(seed + 2, 10)
    more, more_rejected = (np.concatenate([some, photo]) for some in (decided, rejected))
    ahead = []
    for for_, against in ((decided, more_rejected), (decided, rejected), (more, rejected)):
        found = fit(before, for_, against, BACKGROUND)
        ahead.append(float(found.logits(photo)[0] - found.logits(LIBRARY).mean()))
    assert ahead == sorted(set(ahead))


def test_words_alone_are_even_at_their_cut_and_the_best_of_them_counts():
    line = prior(WORDS, BACKGROUND, strong=0.3)
    photo = np.linalg.qr(WORDS.T)[0] @ np.linalg.solve(np.linalg.qr(WORDS.T)[1].T, [0.1, 0.3, 0.2])
    assert line.logits(photo[None]) == pytest.approx(0, abs=1e-5)


def test_where_nothing_tells_the_cut_it_parts_the_few_that_stand_out_from_a_thousand():
    crowd = photos_like(13, 990)
    word = np.linalg.svd(crowd)[2][-1].astype(np.float32)  # what no photo of the crowd shows
    few = crowd[:10] + 0.8 * word
    few /= np.linalg.norm(few, axis=1, keepdims=True)
    library = np.concatenate([crowd, few])
    suggested = prior(word[None], Background.from_vectors(library, len(library))).logits(library) >= 0
    assert suggested[990:].all()
    assert suggested.sum() <= 15


def test_photos_stand_for_words_where_there_are_none():
    alike = LIBRARY[np.argsort(-LIBRARY @ LIBRARY[0])[:6]]
    found = train(WORDS[:0], alike[:3], NOBODY, BACKGROUND)
    assert (found.logits(alike[:3]) > 0).all()
    assert (found.logits(LIBRARY) > 0).mean() < 0.2
    assert found.logits(alike[3:]).mean() > np.percentile(found.logits(LIBRARY), 90)


def test_where_there_is_nothing_to_go_by_nothing_is_likely():
    for against in (NOBODY, LIBRARY[:3]):
        found = train(WORDS[:0], NOBODY, against, BACKGROUND)
        assert (found.logits(LIBRARY) < -10).all()
