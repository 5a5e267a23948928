"""Words that mean a time: which days each one covers; no words can break the reading."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picsight_engine.language.times import could_be_time, time_in_words, time_of_value

TODAY = date(2026, 11, 27)  # a Friday
WORDS = st.sampled_from(
    ["in", "the", "of", "last", "this", "summer", "winter", "may", "july", "christmas", "easter", "2019", "2020",
     "18", "31st", "2020-02-29", "1990s", "ago", "3", "two", "weeks", "year", "weekend", "since", "before", "today",
     "9999", "0000", "..", "2019..", "-", "999"]
)  # fmt: skip


def days(period) -> tuple[str, str]:
    return period.first.isoformat(), period.last.isoformat()


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("2012", "2012-01-01", "2012-12-31"),
        ("1990s", "1990-01-01", "1999-12-31"),
        ("2020-02", "2020-02-01", "2020-02-29"),
        ("July 2020", "2020-07-01", "2020-07-31"),
        ("18 July 2020", "2020-07-18", "2020-07-18"),
        ("summer 2019", "2019-06-01", "2019-08-31"),
        ("in the summer of 2019", "2019-06-01", "2019-08-31"),
        ("winter 2019", "2019-12-01", "2020-02-29"),
        ("Christmas 2018", "2018-12-24", "2018-12-26"),
        ("easter 2024", "2024-03-29", "2024-04-01"),
        ("today", "2026-11-27", "2026-11-27"),
        ("last week", "2026-11-16", "2026-11-22"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("last christmas", "2025-12-24", "2025-12-26"),
        ("this winter", "2026-12-01", "2027-02-28"),
        ("3 years ago", "2023-01-01", "2023-12-31"),
        ("two weeks ago", "2026-11-09", "2026-11-15"),
        ("since July 2020", "2020-07-01", "9999-12-31"),
        ("after 2020", "2021-01-01", "9999-12-31"),
        ("2019..2021", "2019-01-01", "2021-12-31"),
    ],
)
def test_words_mean_these_days(words, first, last):
    split = words.split()
    assert all(could_be_time(word) for word in split)
    assert days(time_in_words(split, TODAY)) == (first, last)


@pytest.mark.parametrize(
    ("language", "words", "first", "last"),
    [
        ("de", "letzter Sommer", "2026-06-01", "2026-08-31"),
        ("de", "am 18. Juli 2020", "2020-07-18", "2020-07-18"),
        ("de", "vor 3 Jahren", "2023-01-01", "2023-12-31"),
        ("de", "vor 2019", "0001-01-01", "2018-12-31"),
        ("de", "gestern", "2026-11-26", "2026-11-26"),
        ("fr", "août 2018", "2018-08-01", "2018-08-31"),
        ("fr", "l'été dernier", "2026-06-01", "2026-08-31"),
        ("fr", "il y a 3 ans", "2023-01-01", "2023-12-31"),
        ("es", "verano de 2019", "2019-06-01", "2019-08-31"),
        ("es", "hace un año", "2025-01-01", "2025-12-31"),
        ("it", "la settimana scorsa", "2026-11-16", "2026-11-22"),
        ("pt", "natal de 2018", "2018-12-24", "2018-12-26"),
        ("nl", "twee weken geleden", "2026-11-09", "2026-11-15"),
    ],
)
def test_words_of_other_languages_mean_these_days_if_the_language_is_set(language, words, first, last):
    split = words.split()
    assert all(could_be_time(word, [language]) for word in split)
    assert days(time_in_words(split, TODAY, [language])) == (first, last)
    assert time_in_words(split, TODAY) is None


def test_in_january_this_winter_began_last_year_and_the_last_one_ended_then():
    january = date(2026, 1, 20)
    assert days(time_in_words(["this", "winter"], january)) == ("2025-12-01", "2026-02-28")
    assert days(time_in_words(["last", "winter"], january)) == ("2024-12-01", "2025-02-28")
    assert days(time_in_words(["this", "summer"], january)) == ("2026-06-01", "2026-08-31")


@pytest.mark.parametrize(
    "words",
    ["july", "summer", "christmas", "18 july", "last", "the", "in", "may", "31 June 2020", "2020-13", "1080p", "1700",
     "2500", "12", "2019 2020", "summer 2019 2020", "dog 2012", "year", "ago", "since", "1000000 years ago"],
)  # fmt: skip
def test_words_that_name_no_certain_time_stay_words(words):
    assert time_in_words(words.split(), TODAY) is None


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("2019", "2019-01-01", "2019-12-31"),
        ("2019..2021", "2019-01-01", "2021-12-31"),
        ("2021..2019", "2019-01-01", "2021-12-31"),
        ("verano-2019", "2019-06-01", "2019-08-31"),  # in any language
        ("letzter-sommer", "2026-06-01", "2026-08-31"),
        ("2019..", "2019-01-01", "9999-12-31"),
        ("..2019-07-18", "0001-01-01", "2019-07-18"),
        ("2019-07..summer-2020", "2019-07-01", "2020-08-31"),
        ("Last-Christmas", "2025-12-24", "2025-12-26"),
        ("summer of 2019", "2019-06-01", "2019-08-31"),
    ],
)
def test_a_typed_time_means_these_days(value, first, last):
    period = time_of_value(value, TODAY)
    assert days(period) == (first, last)
    assert not period.yearly


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [("july", "07-01", "07-31"), ("winter", "12-01", "02-29"), ("18-july", "07-18", "07-18"), ("xmas", "12-24", "12-26")],
)  # fmt: skip
def test_a_typed_time_without_a_year_is_of_every_year(value, first, last):
    period = time_of_value(value, TODAY)
    assert period.yearly
    assert [day[5:] for day in days(period)] == [first, last]


@pytest.mark.parametrize(
    "value", ["..", "foo", "2019-02-30", "july..august", "easter", "2019..foo", "0000", ""]
)
def test_a_value_that_is_no_time_is_none(value):
    assert time_of_value(value, TODAY) is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [("july 2020", "July 2020"), ("18 july 2020", "18 July 2020"), ("last christmas", "Christmas 2025"),
     ("1990s", "the 1990s"), ("2019..2021", "2019 to 2021"), ("since 2019", "since 2019"), ("last week", "last week"), ("a week ago", "1 week ago"),
     ("3 years ago", "3 years ago"), ("till summer 2019", "until Summer 2019")],
)  # fmt: skip
def test_a_time_in_words(words, expected):
    assert str(time_in_words(words.split(), TODAY).words) == expected
    assert str(time_of_value("summer", TODAY).words) == "every summer"
    assert str(time_of_value("july", TODAY).words) == "every July"


TYPED = [
    "july",
    "summer",
    "18-july",
    "xmas",
    "today",
    "yesterday",
    "last-week",
    "this-weekend",
    "last-day",
    "3-years-ago",
    "a-day-ago",
    "1990s",
    "2019..summer-2020",
    "..july-2019",
    "2019..",
    "easter-2020",
    "18-july-2020",
    "last-halloween",
]


@pytest.mark.parametrize("value", TYPED)
def test_a_time_is_named_in_every_language(value, pseudo_language):
    named = str(time_of_value(value, TODAY).words)
    assert "⟦" in named
    assert not re.search(r"[^\W\d]{2}", re.sub("⟦.*?⟧|1990s", "", named))


@pytest.mark.parametrize("year", [1961, 2000, 2008, 2011, 2038])
def test_easter_is_a_sunday_on_the_day_of_the_calendar(year):
    sundays = {1961: (4, 2), 2000: (4, 23), 2008: (3, 23), 2011: (4, 24), 2038: (4, 25)}
    period = time_of_value(f"easter-{year}", TODAY)
    sunday = period.last - timedelta(days=1)
    assert sunday == date(year, *sundays[year])
    assert sunday.weekday() == 6


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(WORDS, st.text(max_size=6)), min_size=1, max_size=6),
    st.dates(date(1970, 1, 1), date(2200, 1, 1)),
)
def test_no_words_break_the_reading_and_every_time_has_days(words, today):
    for period in (time_in_words(words, today), time_of_value("-".join(words), today)):
        assert period is None or (period.words and (period.first <= period.last or period.yearly))
