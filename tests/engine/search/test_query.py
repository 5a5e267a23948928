"""The query language: what each spelling means, where its faults lie, and that no text can break it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from picsight_engine.search.query import MOST_TERMS, ONLY_LESS, TOO_MANY, UNCLOSED, parse

# Any unicode, lone surrogates included, mixed with what the language is made of.
TEXTS = st.text(
    st.one_of(
        st.characters(), st.characters(categories=["Cs", "Cc"]), st.sampled_from('ab|-"“” \t\n\x00\u3000:^')
    )
)


def meaning(text: str) -> tuple[list[str], list[str]]:
    query = parse(text)
    return [term.text for term in query.alternatives], [term.text for term in query.less]


@pytest.mark.parametrize(
    ("text", "wanted", "less"),
    [
        ("red bicycle near the sea", ["red bicycle near the sea"], []),
        ("sunset -people", ["sunset"], ["people"]),
        ("sunset -people beach", ["sunset beach"], ["people"]),
        ("-people sunset", ["sunset"], ["people"]),
        ("sunset | sunrise", ["sunset", "sunrise"], []),
        ("sunset|sunrise", ["sunset", "sunrise"], []),
        ("dog | cat -indoor", ["dog", "cat"], ["indoor"]),
        ("dog -indoor | cat -night", ["dog", "cat"], ["indoor", "night"]),
        ("dog|-night", ["dog"], ["night"]),
        ("well-known bridge", ["well-known bridge"], []),
        ("beach -well-known", ["beach"], ["well-known"]),
        ("beach - people", ["beach people"], []),
        ("beach --people", ["beach"], ["people"]),
        ("a | | b", ["a", "b"], []),
        ("| a", ["a"], []),
        ("a |", ["a"], []),
        ('sea -"old man"', ["sea"], ["old man"]),
        ('"a | b"', ["a | b"], []),
        ('"-x"', ["-x"], []),
        ("“old  man” sea", ["old man sea"], []),
        ('screen 5" wide', ['screen 5" wide'], []),
        ("16:9 photo", ["16:9 photo"], []),
        ("in: 2019", ["in: 2019"], []),
        ("dog\x00cat\ud800sea", ["dog cat sea"], []),
        ("сабака | 犬 -猫", ["сабака", "犬"], ["猫"]),
    ],
)
def test_a_query_means_what_it_reads_like(text, wanted, less):
    assert meaning(text) == (wanted, less)
    assert parse(text).faults == ()


@pytest.mark.parametrize(
    "text", ["", "   ", "\t\n\x00", "|", "| |", "-", "--", "- -", '""', '-""', '"', '" "', "\u3000"]
)
def test_a_query_that_says_nothing_is_empty_and_no_fault(text):
    assert parse(text).alternatives == parse(text).less == parse(text).faults == ()


def test_asking_only_for_less_is_a_fault_that_spans_it():
    query = parse("  -dogs -cats ")
    assert query.alternatives == ()
    (fault,) = query.faults
    assert (fault.start, fault.end, fault.message) == (2, 13, ONLY_LESS)


def test_a_missing_quotation_mark_is_pointed_at_and_the_rest_still_works():
    text = 'sea -boat "old man'
    assert meaning(text) == (["sea old man"], ["boat"])
    (fault,) = parse(text).faults
    assert (text[fault.start : fault.end], fault.message) == ('"old man', UNCLOSED)


def test_too_many_alternatives_are_cut_and_said():
    text = " | ".join(f"thing{n}" for n in range(MOST_TERMS + 3))
    query = parse(text)
    assert [term.text for term in query.alternatives] == [f"thing{n}" for n in range(MOST_TERMS)]
    (fault,) = query.faults
    assert fault.message == TOO_MANY
    assert text[fault.start : fault.end] == " | ".join(f"thing{n}" for n in range(MOST_TERMS, MOST_TERMS + 3))


def test_every_word_knows_its_place():
    text = 'old "red  car" | sea -"big dog"'
    query = parse(text)
    words = [word for term in (*query.alternatives, *query.less) for word in term.words]
    assert [text[word.start : word.end] for word in words] == ["old", '"red  car"', "sea", '-"big dog"']


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example('--"a|b"c-d"-e')
@example("a" * 10_000)
def test_printing_a_query_gives_text_that_parses_to_the_same(text):
    query = parse(text)
    assert parse(str(query)) == query


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_places_lie_inside_the_query_and_terms_are_never_empty(text):
    query = parse(text)
    terms = (*query.alternatives, *query.less)
    assert all(term.text.strip() for term in terms)
    places = [(w.start, w.end) for t in terms for w in t.words] + [(f.start, f.end) for f in query.faults]
    assert all(0 <= start < end <= len(text) for start, end in places)
