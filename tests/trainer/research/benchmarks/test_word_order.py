"""A caption is compared with its words in other orders."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from mctrain.research.benchmarks.pairs import captions_preferred
from mctrain.research.benchmarks.word_order import (
    make_negatives,
    shuffle_in_trigrams,
    shuffle_nouns_and_adjectives,
    shuffle_other_words,
)

WORDS = ["a", "small", "brown", "dog", "chases", "two", "old", "men", "through", "deep", "snow"]
NOUNS, ADJECTIVES = [3, 7, 10], [1, 2, 6, 9]
REST = [0, 4, 5, 8]


def drawn(shuffle):
    """The words shuffled with 200 seeds."""
    return [shuffle(WORDS, Random(seed)) for seed in range(200)]


@pytest.mark.parametrize(
    ("shuffle", "slots"),
    [
        (shuffle_nouns_and_adjectives, [NOUNS, ADJECTIVES]),
        (shuffle_other_words, [REST]),
        (shuffle_in_trigrams, [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10]]),
    ],
)
def test_words_change_places_only_with_their_kind(shuffle, slots):
    moved = {place for slot in slots for place in slot}
    for words in drawn(shuffle):
        assert all(
            sorted(words[place] for place in slot) == sorted(WORDS[place] for place in slot) for slot in slots
        )
        assert all(words[place] == WORDS[place] for place in range(len(WORDS)) if place not in moved)
    for slot in slots:
        for place in slot:
            assert {words[place] for words in drawn(shuffle)} == {WORDS[other] for other in slot}


@pytest.mark.parametrize(
    ("caption", "relation", "attribute"),
    [
        ("A dog chases a cat.", ("a cat chases a dog",), ()),
        ("A dog and a cat.", (), ()),
        ("A man with an old dog", (), ()),
        ("A dog sees a dog", (), ()),
        ("A boy throws a tennis ball", ("a ball throws a tennis boy",), ()),
        ("A white dog and a black cat", (), ("a black dog and a white cat",)),
        ("A white dog and a black dog", (), ()),
    ],
)
def test_things_and_attributes_swap_if_the_meaning_changes(caption, relation, attribute):
    negatives = make_negatives(caption, "seed")
    assert (negatives.relation, negatives.attribute) == (relation, attribute)


def test_a_caption_must_beat_each_other_order_and_a_tie_is_wrong():
    photos = np.eye(3, dtype=np.float32)
    others = np.eye(3, dtype=np.float32)[[1, 2, 1, 1, 0]] * 0.9
    others[1] = [0.8, 0, 0]
    others[3] = [0, 1, 0]
    assert list(captions_preferred(photos, photos, others, np.array([0, 0, 1, 1, 2]))) == [True, False, True]
