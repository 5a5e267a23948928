"""Which words are known, how half-typed ones go on, and what misspelt ones mean."""

from __future__ import annotations

import pytest

from picsight_engine.bundles.model_words import model_words
from picsight_engine.suggesting.vocabulary import Vocabulary, WordList, common_subjects

OWN = ("Lisbon", "Málaga", "Großmutter", "Docks")


@pytest.fixture(scope="module")
def vocabulary(bundle):
    return Vocabulary(WordList(common_subjects()), WordList(OWN), WordList(model_words(bundle)))


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("eleph", "elephant"),
        ("LIS", "Lisbon"),
        ("mala", "Málaga"),
        ("gross", "Großmutter"),
        ("befo", "before"),
        ("xqz", None),
    ],
)
def test_a_half_typed_word_goes_on_as_what_people_photograph_then_as_what_the_library_calls_things(
    vocabulary, start, first
):
    assert next(iter(vocabulary.completions(start, 3)), None) == first


@pytest.mark.parametrize(
    "word", ["dog", "Dogs", "beaches", "LISBON", "malaga", "grossmutter", "the", "philosophy"]
)
def test_words_of_any_rank_are_known_in_the_plural_too(vocabulary, word):
    assert vocabulary.knows(word)


@pytest.mark.parametrize("word", ["", "eleph", "ele", "gir", "beahc", "xqz"])
def test_beginnings_and_misspellings_are_not_known(vocabulary, word):
    assert not vocabulary.knows(word)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("elefant", "elephant"),
        ("Montain", "mountain"),
        ("bycicle", "bicycle"),
        ("lisbom", "Lisbon"),
        ("malgaa", "Málaga"),
        ("philosofy", "philosophy"),
        ("dgo", None),
        ("xqzzzzj", None),
    ],
)
def test_a_misspelt_word_means_the_nearest_one_that_is_likely(vocabulary, typed, meant):
    assert vocabulary.meant(typed) == meant
