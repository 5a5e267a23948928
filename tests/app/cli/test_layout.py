"""Lines fit a terminal, whatever a file is called."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picsight.cli.layout import cells, cut_middle, duration, photos, printable, size


def test_a_cut_path_keeps_its_beginning_and_more_of_its_ending() -> None:
    cut = cut_middle("/home/ada/Pictures/2020/summer/Lisbon/IMG_2041.jpg", 30)
    assert cells(cut) == 30
    assert cut.startswith("/home/")
    assert cut.endswith("/IMG_2041.jpg")


def test_wide_characters_count_as_two_cells() -> None:
    assert cells("東京.jpg") == 8
    assert cells("e\u0301.jpg") == 5


@settings(max_examples=40)
@given(st.text(max_size=60), st.integers(0, 40))
def test_a_cut_text_never_takes_more_cells_than_there_are(text: str, width: int) -> None:
    assert cells(cut_middle(text, width)) <= max(width, 0)


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_nothing_that_is_printed_can_move_the_cursor(text: str) -> None:
    assert all(character.isprintable() for character in printable(text))


def test_a_byte_that_is_no_text_survives_printing() -> None:
    name = os.fsdecode(b"caf\xe9\n.jpg")
    assert os.fsencode(printable(name)) == b"caf\xe9\\n.jpg"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "under a minute"), (61, "about 1 minute"), (1520, "about 25 minutes"), (3 * 3600, "about 3 hours")],
)
def test_durations_are_rounded_as_people_round_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_numbers_agree_with_their_nouns() -> None:
    assert list(map(photos, (1, 48210, 0))) == ["1 photo", "48,210 photos", "0 photos"]


def test_sizes_are_read_at_a_glance() -> None:
    assert list(map(size, (0, 999, 48_200_000, 3 * 10**12))) == ["0 bytes", "999 bytes", "48.2 MB", "3.0 TB"]
