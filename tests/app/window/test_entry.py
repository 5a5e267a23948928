"""A query as it stands in the box: taken apart, edited, and asked as one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from picsight.window.search.box_text import BoxText, EntryHistory
from picsight_engine.language.query import TOO_MANY, parse

WORDS = st.sampled_from(
    [
        "dog", "beach", "|", "-people", "in:2019", "like:#12", "-like:#7", '"IMG 20"', '-folder:"New York"', "dog^2",
        "\\2012", "\\-odd", "\\in:x", "16:9", "in:", "-", '"open', "summer", "2019", "-old-man^2",
    ]
)  # fmt: skip
QUERIES = st.lists(WORDS, max_size=8).map(" ".join)


@given(QUERIES)
def test_an_entry_asks_the_same_as_its_text(text):
    entry = BoxText.from_text(text)
    assert entry.query == parse(text)
    assert BoxText.from_text(entry.query.text) == entry


@given(st.text(max_size=40))
def test_any_text_comes_apart(text):
    query, entry = parse(text), BoxText.from_text(text)
    assert entry.query == query
    if not any(fault.message == TOO_MANY for fault in query.faults):
        tokens = {*entry.tokens, *(piece.token for piece in entry.pieces())}
        assert {str(fact) for fact in query.facts} <= tokens


def test_words_behind_backslashes_are_shown_without_them_and_stay_words_until_they_are_edited():
    entry = BoxText.from_text("dog \\summer \\2019 beach")
    assert (entry.line, entry.query.text) == ("dog summer 2019 beach", "dog \\summer \\2019 beach")
    assert entry.edited("old dog summer 2019 beach").query.text == "old dog \\summer \\2019 beach"
    assert entry.edited("dog summer 2018 beach").query.text == "dog \\summer 2018 beach"
    assert entry.edited("dog beach").query.text == "dog beach"


@given(QUERIES, st.integers(0, 40))
def test_every_place_of_the_line_is_the_same_place_of_the_query(text, at):
    entry = BoxText.from_text(text)
    at = min(at, len(entry.line))
    letters = [(place, letter) for place, letter in enumerate(entry.line) if place >= at and letter.strip()]
    for place, letter in letters:
        assert entry.query.text[entry.place(place + 1) - 1] == letter


@given(QUERIES, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8), WORDS), max_size=5))
def test_an_edited_entry_asks_its_line_and_chips_and_undo_goes_back(text, edits):
    entry = BoxText.from_text(text)
    stood, history = [entry], EntryHistory(entry)
    for start, length, words in edits:
        line = f"{entry.line[:start]}{words} {entry.line[start + length :]}"
        entry, _ = entry.edited(line).folded(entry.edited(line).finished(0), 0)
        history.note(entry, 0, typed=False)
        stood.append(entry)
        assert entry.query == parse(entry.query.text)
        chips = {parse(token) for token in entry.tokens}
        assert {fact for chip in chips for fact in chip.facts} <= {*entry.query.facts}
    for before in reversed(stood[:-1]):
        assert history.step(-1)[0] == before
