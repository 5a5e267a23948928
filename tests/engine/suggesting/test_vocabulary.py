"""Known words, completions of half-typed words, and corrections of misspelt ones."""

from __future__ import annotations

import pytest

from picsight_engine.suggesting.vocabulary import Vocabulary, WordList, common_subjects, model_words

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
def test_completions_are_photographed_things_first_and_then_names_of_the_library(vocabulary, start, first):
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
