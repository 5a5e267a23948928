"""What decisions teach a tag, against its loss written out plainly, and against what must hold whatever was decided."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.tags.crowds import DIM, photos_like

from picsight_engine.tags.fit import (
    FIRMNESS,
    REJECTED,
    WEIGHT_OF_OTHERS,
    Background,
    Linear,
    fit,
    prior,
)

LIBRARY = photos_like(1, 200)
BACKGROUND = Background.of(LIBRARY, len(LIBRARY))
WORDS = photos_like(2, 3)
NOBODY = LIBRARY[:0]


def loss(before, weights, bias, for_, against):
    """What is least at the fit, as its docstring tells it, in the vectors' own terms: `weights` [m, dim]."""

    def logits(vectors, own, at):
        return (vectors.astype(np.float64) @ own.T).max(axis=1) + at

    turn = weights[0] - before.weights[0]
    whitened = np.linalg.solve(BACKGROUND.whitening, turn)
    aside = bias - before.bias + turn @ BACKGROUND.mean  # the bias where the library's mean is the origin
    wrong = np.logaddexp(0, -logits(for_, weights, bias)).sum()
    wrong += REJECTED * np.logaddexp(0, logits(against, weights, bias)).sum()
    wrong += WEIGHT_OF_OTHERS * np.logaddexp(0, logits(LIBRARY, weights, bias)).mean()
    return wrong + whitened @ whitened / 2 + FIRMNESS * aside**2 / 2


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 12), st.integers(1, 3))
def test_no_change_of_weights_or_bias_lessens_the_loss(seed, accepted, rejected, prompts):
    before = prior(WORDS[:prompts], BACKGROUND)
    for_, against = photos_like(seed, accepted), photos_like(seed + 1, rejected)
    found = fit(before, for_, against, BACKGROUND)
    if not accepted + rejected:
        assert found is before
        return
    weights = found.weights.astype(np.float64)
    least = loss(before, weights, found.bias, for_, against)
    for _ in range(20):
        turn, aside = np.random.default_rng(seed).normal(size=DIM), np.random.default_rng(seed).normal()
        for step in (1e-2, -1e-2):
            assert loss(before, weights + step * turn, found.bias + step * aside, for_, against) > least


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 30))
@settings(max_examples=20)
def test_the_order_of_decisions_does_not_matter(seed, accepted, rejected):
    random = np.random.default_rng(seed)
    for_, against = photos_like(seed, accepted), photos_like(seed + 1, rejected)
    before = prior(WORDS[:1], BACKGROUND)
    one = fit(before, for_, against, BACKGROUND)
    other = fit(before, random.permutation(for_), random.permutation(against), BACKGROUND)
    assert np.allclose(one.weights, other.weights, atol=1e-3)
    assert one.bias == pytest.approx(other.bias, abs=1e-3)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 6))
@settings(max_examples=20)
def test_one_more_photo_accepted_scores_higher_for_it_and_one_more_rejected_lower(seed, prompts, others):
    before = prior(WORDS[:prompts], BACKGROUND)
    photo, decided = photos_like(seed, 1), photos_like(seed + 1, others)
    logits = [
        float(fit(before, for_, against, BACKGROUND).logits(photo)[0])
        for for_, against in (
            (decided, np.concatenate([decided, photo])),
            (decided, decided),
            (np.concatenate([decided, photo]), decided),
        )
    ]
    assert logits == sorted(set(logits))


def test_each_further_acceptance_of_look_alikes_raises_what_looks_like_them():
    alike = photos_like(5, 1) + 0.02 * np.random.default_rng(5).normal(size=(20, DIM)).astype(np.float32)
    before = prior(WORDS[:1], BACKGROUND)
    logits = [float(fit(before, alike[:n], NOBODY, BACKGROUND).logits(alike[19:])[0]) for n in range(19)]
    assert np.all(np.diff(logits) > 0)


@pytest.mark.parametrize("count", [1, 3000])
def test_decisions_that_no_line_is_needed_to_part_keep_every_number_finite(count):
    for_ = np.repeat(photos_like(7, 1), count, axis=0)
    against = -for_
    found = fit(prior(WORDS[:1], BACKGROUND), for_, against, BACKGROUND)
    assert np.isfinite(found.weights).all()
    assert found.logits(for_[:1]) > 0 > found.logits(against[:1])


def test_decisions_that_weigh_each_other_up_leave_a_photo_undecided():
    photo = photos_like(8, 1)
    for_, against = np.repeat(photo, 200, axis=0), np.repeat(photo, round(200 / REJECTED), axis=0)
    found = fit(prior(WORDS[:1], BACKGROUND), for_, against, BACKGROUND)
    assert abs(found.logits(photo)[0]) < 0.1


def test_the_space_may_be_turned_without_any_score_changing():
    turned = np.linalg.qr(np.random.default_rng(9).normal(size=(DIM, DIM)))[0].astype(np.float32)
    for_, against, photos = photos_like(10, 6), photos_like(11, 6), photos_like(12, 50)
    here = fit(prior(WORDS, BACKGROUND), for_, against, BACKGROUND)
    background = Background.of(LIBRARY @ turned, len(LIBRARY))
    there = fit(prior(WORDS @ turned, background), for_ @ turned, against @ turned, background)
    assert np.allclose(here.logits(photos), there.logits(photos @ turned), atol=1e-3)


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
    suggested = prior(word[None], Background.of(library, len(library))).logits(library) >= 0
    assert suggested[990:].all()
    assert suggested.sum() <= 15


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_library_of_hardly_any_photos_learns_as_well(count):
    background = Background.of(LIBRARY[:count], count)
    found = fit(prior(WORDS[:1], background), LIBRARY[:1], LIBRARY[1:2], background)
    assert np.isfinite(found.weights).all()
    assert found.logits(LIBRARY[:1]) > found.logits(LIBRARY[1:2])


def test_a_library_of_equal_photos_learns_as_well():
    background = Background.of(np.repeat(LIBRARY[:1], 40, axis=0), 40)
    found = fit(prior(WORDS[:1], background), LIBRARY[:1], LIBRARY[1:2], background)
    assert np.isfinite(found.weights).all()
    assert isinstance(found, Linear)
