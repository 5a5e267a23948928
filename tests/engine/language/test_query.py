"""The query language: what each spelling means, where its faults lie, and that no text can break it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from picsight_engine.filters.conditions import known, unknown
from picsight_engine.foundation.errors import Message
from picsight_engine.language.query import MOST, TOO_MANY, UNCLOSED, WEIGHT, as_words, parse

# Any unicode, lone surrogates included, mixed with what the language is made of.
PIECES = st.sampled_from(
    ["in:", "like:", "folder:", '-"', "^2", "^0.5", "^0", "\\", "2019", "..", "| ", " -"]
)
TEXTS = st.lists(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc"]),
        st.sampled_from('ab|-"“” \t\n\x00\u3000:^\\'),
        PIECES,
    )
).map("".join)


def meaning(text: str) -> tuple[list[str], list[str]]:
    query = parse(text)
    return [term.text for term in query.alternatives], [term.text for term in query.less]


def facts(text: str) -> list[tuple[str, str, bool]]:
    return [(fact.key, fact.value, fact.excluded) for fact in parse(text).facts]


@pytest.mark.parametrize(
    ("text", "wanted", "less"),
    [
        ("red bicycle near the sea", ["red bicycle near the sea"], []),
        ("sunset -people", ["sunset"], ["people"]),
        ("sunset -people beach", ["sunset beach"], ["people"]),
        ("sunset | sunrise", ["sunset", "sunrise"], []),
        ("dog | cat -indoor", ["dog", "cat"], ["indoor"]),
        ("well-known bridge", ["well-known bridge"], []),
        ("beach - people", ["beach people"], []),
        ('screen 5" wide', ['screen 5" wide'], []),
        ("16:9 photo", ["16:9 photo"], []),
        ("in: 2019", ["in: 2019"], []),
        ("dog\x00cat\ud800sea", ["dog cat sea"], []),
        ("dog^2 beach -people^0.5", ["dog beach"], ["people"]),
        ("^_^ 10^ x^y", ["^_^ 10^ x^y"], []),
        (r"\-people \in:2019 \a|b \dog^2", ["-people in:2019 a|b dog^2"], []),
        ('"IMG_20" | in:2019 | dog', ["dog"], []),
        ("dog -people -IN: |", ["dog"], ["people"]),
        ("dog in: -people", ["dog in:"], ["people"]),
    ],
)
def test_a_query_means_what_it_reads_like(text, wanted, less):
    assert meaning(text) == (wanted, less)
    assert parse(text).faults == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dog in:2019..2021", [("in", "2019..2021", False)]),
        ("In:2019 -IN:summer-2020", [("in", "2019", False), ("in", "summer-2020", True)]),
        ('folder:"New York" -folder:Trips|cat', [("folder", "New York", False), ("folder", "Trips", True)]),
        ("by:“Canon EOS R5” rated:>=4", [("by", "Canon EOS R5", False), ("rated", ">=4", False)]),
        ('"IMG_20" --"a | -b"', [("text", "IMG_20", False), ("text", "a | -b", True)]),
        ("is:portrait has:date at:Lisbon tag:family format:raw",
         [("is", "portrait", False), ("has", "date", False), ("at", "Lisbon", False), ("tag", "family", False),
          ("format", "raw", False)]),
        ('in:"" folder:" " has: x', []),
    ],
)  # fmt: skip
def test_facts_are_distinguished_from_words(text, expected):
    assert facts(text) == expected


def test_weights_belong_to_words_and_backslashes_make_words_plain():
    (term,) = parse(r"dog^2 old^0.5 beach \2012").alternatives
    assert [(word.text, word.weight, word.plain) for word in term.words] == [
        ("dog", 2, False),
        ("old", 0.5, False),
        ("beach", 1, False),
        ("2012", 1, True),
    ]


def test_pictures_stand_where_words_do():
    query = parse('snow like:#12 | like:"/a b.jpg" -like:c.jpg')
    pictures = [[picture.target for picture in term.pictures] for term in query.alternatives]
    assert pictures == [["#12"], ["/a b.jpg"]]
    assert [term.pictures[0].target for term in query.less] == ["c.jpg"]
    assert meaning("snow like:#12 deep") == (["snow deep"], [])


@pytest.mark.parametrize(
    "text", ["", "in:", "-like: | has:", "   ", "\t\n\x00", "|", "| |", "-", "--", "- -", '""', '-""', '"', '" "', "\u3000", "\\", 'in:""']
)  # fmt: skip
def test_a_blank_query_is_empty_without_a_fault(text):
    query = parse(text)
    assert query.alternatives == query.less == query.facts == query.faults == ()


@pytest.mark.parametrize(
    ("text", "place"), [('sea -boat "old man', '"old man'), ('a folder:"b c', 'folder:"b c')]
)
def test_a_missing_quotation_mark_is_pointed_at_and_the_rest_still_works(text, place):
    (fault,) = parse(text).faults
    assert (text[fault.start : fault.end], fault.message) == (place, UNCLOSED)
    assert len(parse(text).facts) == len(parse(text).alternatives) == 1


@pytest.mark.parametrize("weight", ["^0", "^0.01", "^11", "^999999"])
def test_a_weight_out_of_bounds_is_pointed_at_and_the_word_is_searched_without_it(weight):
    text = f"red dog{weight} beach"
    (fault,) = parse(text).faults
    assert (text[fault.start : fault.end], fault.message) == (weight, WEIGHT)
    assert str(parse(text)) == "red dog beach"


@pytest.mark.parametrize(
    ("kind", "between"), [("thing{}", " | "), ("-thing{}", " "), ("in:{}", " "), ("like:#{}", " ")]
)
def test_terms_beyond_the_limit_are_dropped_and_reported(kind, between):
    text = between.join(kind.format(n) for n in range(MOST + 3))
    query = parse(text)
    kept = [*query.less, *query.facts, *(part for term in query.alternatives for part in term.pictures)]
    assert len(kept or query.alternatives) == MOST
    (fault,) = query.faults
    assert fault.message == TOO_MANY
    assert text[fault.start : fault.end] == between.join(kind.format(n) for n in range(MOST, MOST + 3))


def test_the_words_of_a_message_decide_nothing(pseudo_language):
    query = parse(" ".join(f"in:{n}" for n in range(MOST + 1)))
    assert str(query.faults[0].message).startswith("⟦")
    assert query.asides() == []
    assert unknown(known("gps"), "has").values == {"thing": Message("a position"), "key": "has"}


def test_no_code_reads_a_sentence_back():
    reading = re.compile(
        r"(str\(fault\)|\.(message|sentence)\)?)\.(startswith|endswith|replace|split|r?partition|remove\w+|find)\("
        r"| in (str|worded)\([\w.]*\.(message|sentence|words)\)"
    )
    root = Path(__file__).parents[3]
    files = [file for part in ("engine", "app") for file in (root / part).rglob("*.py")]
    assert len(files) > 200
    assert [file for file in files if reading.search(file.read_text("utf-8"))] == []


def test_every_part_knows_its_place():
    text = 'old red^2 | sea -boat like:#3 -in:2019 "big dog"'
    query = parse(text)
    words = [word for term in (*query.alternatives, *query.less) for word in term.words]
    assert [text[word.start : word.end] for word in words] == ["old", "red^2", "sea", "-boat"]
    assert [text[fact.start : fact.end] for fact in query.facts] == ["-in:2019", '"big dog"']
    assert text[query.alternatives[1].start : query.alternatives[1].end] == "sea -boat like:#3"


@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example('--"a|b"c-d"-e')
@example("a" * 10_000)
@example('in:"a|b"folder:”x"like:\\|')
@example("-in: x in: | like:#1 has: -in:")
def test_printing_a_query_gives_text_that_parses_to_the_same(text):
    query = parse(text)
    assert parse(str(query)) == query


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_places_lie_inside_the_query_and_nothing_is_empty(text):
    query = parse(text)
    terms = (*query.alternatives, *query.less)
    parts = [part for term in terms for part in (*term.words, *term.pictures)]
    assert all(term.text.strip() or term.pictures for term in terms)
    assert all(fact.value.strip() for fact in query.facts)
    places = [(part.start, part.end) for part in (*parts, *query.facts, *query.faults)]
    assert all(0 <= start < end <= len(text) for start, end in places)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_any_text_can_be_made_plain_words(text):
    query = parse(as_words(text))
    assert query.facts == query.less == query.faults == ()
    assert all(word.plain and not term.pictures for term in query.alternatives for word in term.words)
    assert len(query.alternatives) <= 1
