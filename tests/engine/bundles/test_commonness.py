"""How common a thing is in photos, however it is written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picsight_engine.bundles.commonness import commonness, singular_words

WORDS = st.sampled_from(["dog", "person", "giraffe", "kayak", "night", "xylophonist", "brown"])


def test_things_that_most_libraries_show_are_more_common_than_rare_ones():
    falling = [commonness(text) for text in ("person", "cat", "giraffe", "xylophonist")]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > math.log(50)  # of a thousand photos
    assert falling[-1] < 0


@pytest.mark.parametrize(
    "text",
    [
        "a DOG!",
        "\u201cdog\u201d",
        "my dog",
        "show me photos of my dogs",
        "is it a dog?",
    ],
)
def test_case_number_and_small_words_say_nothing(text):
    assert commonness(text) == commonness("dog")


def test_each_further_word_takes_its_part():
    assert commonness("white dog") == pytest.approx(commonness("dog") - 0.5)


@given(st.lists(WORDS, min_size=2, max_size=5))
def test_several_things_together_are_no_more_common_than_each(words):
    assert commonness(" ".join(words)) <= min(map(commonness, words))


@given(st.text())
def test_the_commonness_of_any_text_lies_between_the_extremes(text):
    assert commonness("") <= commonness(text) <= math.log(1000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ponies, foxes & churches", ["pony", "fox", "church"]),
        ("glass buses", ["glass", "bus"]),
        ("CAFÉ wolves", ["cafe", "wolf"]),
    ],
)
def test_words_are_compared_in_the_singular(text, words):
    assert singular_words(text) == words
