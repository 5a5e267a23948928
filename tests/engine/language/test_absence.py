"""Words that say what a photo must not show, in English and the languages of the lexicons."""

from __future__ import annotations

import pytest

from picsight_engine.language.absence import read_absences
from picsight_engine.language.lexicon import LANGUAGES
from picsight_engine.language.query import parse


def read(query, languages=(*LANGUAGES,)):
    rest, absences = read_absences(parse(query), languages)
    return str(rest), [query[each.start : each.end] for each in absences]


@pytest.mark.parametrize(
    ("query", "rest", "phrase"),
    [
        ("beach without people", "beach -people", "without people"),
        ("street with no cars", "street with -cars", "no cars"),
        ("man without a hat on a bicycle", "man on a bicycle -hat", "without a hat"),
        ("street without people or cars at night", "street at night -people -cars", "without people or cars"),
        ("photos without people", "photos -people", "without people"),
        ("no people", "photos -people", "no people"),
        ("sunset without boats | sunrise", "sunset | sunrise -boats", "without boats"),
        ("Strand ohne Menschen", "Strand -Menschen", "ohne Menschen"),
        ("Mann ohne einen Hut im Schnee", "Mann im Schnee -Hut", "ohne einen Hut"),
        ("ciel sans nuages", "ciel -nuages", "sans nuages"),
        ("cielo sin nubes", "cielo -nubes", "sin nubes"),
        ("cielo senza nuvole", "cielo -nuvole", "senza nuvole"),
        ("céu sem nuvens", "céu -nuvens", "sem nuvens"),
        ("lucht zonder wolken", "lucht -wolken", "zonder wolken"),
    ],
)
def test_what_is_without_something_shows_less_of_it(query, rest, phrase):
    assert read(query) == (rest, [phrase])


@pytest.mark.parametrize(
    "query",
    [
        "no parking sign",
        "no smoking",
        "no entry",
        "no one at home",
        "sin city",
        "sans serif",
        "without",
        "dog no",
        "perro no parque",
        "\\without \\people",
        "without^2 people",
    ],
)
def test_other_words_stay_as_they_are(query):
    assert read(query) == (str(parse(query)), [])


def test_a_word_counts_only_in_its_language():
    assert read("Strand ohne Menschen", ()) == ("Strand ohne Menschen", [])
    assert read("Strand ohne Menschen", ("fr",)) == ("Strand ohne Menschen", [])
