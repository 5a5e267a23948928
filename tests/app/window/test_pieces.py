"""A query taken apart for the box and joined again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from picsight.window.search.pieces import Pieces, finished, pieces_of, separated
from picsight_engine.search.query import TOO_MANY, parse

WORDS = st.sampled_from(
    [
        "dog", "beach", "|", "-people", "in:2019", "like:#12", "-like:#7", '"IMG 20"', '-folder:"New York"', "dog^2",
        "\\2012", "\\-odd", "\\in:x", "16:9", "in:", "-", '"open', "summer", "2019", "-old-man^2",
    ]
)  # fmt: skip
QUERIES = st.lists(WORDS, max_size=8).map(" ".join)


@given(QUERIES)
def test_taking_a_query_apart_changes_nothing_of_what_it_asks(text):
    parts = separated(text)
    assert parse(str(parts)) == parse(text)
    assert separated(str(parts)) == parts


@given(st.text(max_size=40))
def test_any_text_comes_apart(text):
    query = parse(text)
    if not any(fault.message == TOO_MANY for fault in query.faults):
        assert {str(fact) for fact in query.facts} <= {piece.token for piece in pieces_of(text)}
    separated(text)


def test_what_stands_as_chips_is_taken_out_of_the_words():
    parts = separated('dog in:2019 on the beach -people folder:"New York"')
    assert parts.line == "dog on the beach"
    assert parts.tokens == ("in:2019", "-people", 'folder:"New York"')


def test_words_behind_backslashes_are_shown_without_them_and_stay_words():
    parts = separated("dog \\summer \\2019 beach")
    assert parts == Pieces("dog summer 2019 beach", (), frozenset({"summer 2019"}))
    assert str(parts) == "dog \\summer \\2019 beach"
    assert not pieces_of("dog -people", ["-people"])


def test_a_piece_is_finished_by_a_blank_and_not_while_it_is_typed():
    assert [piece.token for piece in finished("dog in:2019 ", 12)] == ["in:2019"]
    assert not finished("dog in:2019", 11)
    assert not finished("dog in:2019 cat", 9)
    assert not finished('dog folder:"New Yo rk', 21)
