"""Batches hold every text once, those of one length together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from mctrain.training.distillation.batches import batches_of_pass

LENGTHS = some.lists(some.integers(3, 77), min_size=1, max_size=200)


@given(LENGTHS, some.integers(1, 500), some.integers(0, 5))
def test_a_pass_has_every_text_once_in_batches_of_one_length(lengths, tokens, seed):
    lengths = np.array(lengths)
    batches = batches_of_pass(lengths, tokens, seed, 0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(set(lengths[rows])) == 1
        assert lengths[rows].sum() < tokens + lengths[rows[0]]
    assert len(batches_of_pass(lengths, tokens, seed, 1)) == len(batches)


def test_passes_and_seeds_shuffle_anew_and_the_same_ones_alike():
    lengths = np.repeat([5, 6], 100)
    first, again, later, other = (
        [rows.tolist() for rows in batches_of_pass(lengths, 50, seed, number)]
        for seed, number in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    assert first == again
    assert later != first != other
