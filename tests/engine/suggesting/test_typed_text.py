"""The part of a query at the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picsight_engine.language.query import parse
from picsight_engine.suggesting.typed_text import typed_at, words_of


@pytest.mark.parametrize(
    ("marked", "key", "phrases", "word"),
    [
        ("eleph^", None, ["eleph"], "eleph"),
        ("dog in new yo^", None, ["in new yo", "new yo", "yo"], "yo"),
        ("new^ york", None, ["new"], "new"),
        ("ne^w york", None, ["ne"], None),
        ("dog | new yo^", None, ["new yo", "yo"], "yo"),
        ("dog -peop^", None, ["peop"], "peop"),
        ("img_29^", None, ["img_29"], None),
        ("dog^2^", None, ["dog^2"], None),
        ("folder:Tri^", "folder", ["Tri"], None),
        ('folder:"New Yo^', "folder", ["New Yo"], None),
        ('dog "img 29^', "text", ["img 29"], None),
        ('dog "img 29^" cat', "text", ["img 29"], None),
        ("in:^", "in", [""], None),
    ],
)
def test_the_typed_part_comes_with_the_words_before_it(marked, key, phrases, word):
    cursor = marked.rindex("^")
    typed = typed_at(parse(marked[:cursor] + marked[cursor + 1 :]), cursor)
    assert typed.key == key
    assert [phrase.text for phrase in typed.phrases] == phrases
    assert (typed.word and typed.word.text) == word


@pytest.mark.parametrize(
    "marked", ["^", "dog ^", "^dog", "dog |^", '"img" ^', '"img"^', 'folder:"New"^', "-^", "--^dog"]
)
def test_nothing_is_being_typed_between_words_and_behind_closed_quotes(marked):
    cursor = marked.index("^")
    assert typed_at(parse(marked.replace("^", "")), cursor) is None


def test_the_plain_words_of_a_query_are_those_that_are_looked_for_or_less_of():
    query = 'dog -cat "no dog" in:2019 sea | img_1 well-known dog^2 \\2012'
    assert [word.text for word in words_of(parse(query))] == ["dog", "cat", "sea", "well-known"]


@given(st.text(alphabet='ab é"“-|:^\\_ 1in', max_size=30), st.integers(0, 30))
def test_places_lie_in_the_text_and_the_typed_part_ends_at_the_cursor(text, cursor):
    typed = typed_at(parse(text), cursor)
    if typed is not None:
        starts = [phrase.start for phrase in typed.phrases]
        assert starts == sorted(set(starts))
        for phrase in typed.phrases:
            assert 0 <= phrase.start <= cursor <= phrase.end <= len(text)
            assert text[phrase.start : cursor].endswith(phrase.text)
    for word in words_of(parse(text)):
        assert text[word.start : word.end] == word.text
