"""Reads words that mean a time: "2012", "summer 2019", "18 July 2020", "last christmas", "2019..2021", "3 years ago".

Pure: today is a parameter. Seasons are those of the northern hemisphere and begin on the first day of a month (summer 2019
is June to August; winter 2019 begins in December 2019). Weeks begin on Monday. "Last summer" is the latest that is over.
In other languages, words are put into English first by `time_words.tsv`: "août 2018", "letzter Sommer", "hace 3 años".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIRST_YEAR, LAST_YEAR = 1826, 2199  # the oldest photograph, and below numbers that are more likely sizes

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTHS = {name[:n].lower(): month for month, name in enumerate(MONTHS, 1) for n in (3, None)} | {"sept": 9}
# By their first month; a winter belongs to the year in which it begins.
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_NAMES = {
    "spring": "Spring", "summer": "Summer", "autumn": "Autumn", "fall": "Fall", "winter": "Winter",
    "christmas": "Christmas", "xmas": "Christmas", "easter": "Easter", "halloween": "Halloween",
}  # fmt: skip
_EVERY = {"spring": "every spring", "summer": "every summer", "autumn": "every autumn", "fall": "every fall",
          "winter": "every winter"}  # fmt: skip
_NOW = {each.template: each for each in (
    Message("today"), Message("yesterday"), Message("last day"), Message("this day"), Message("last week"),
    Message("this week"), Message("last weekend"), Message("this weekend"), Message("last month"),
    Message("this month"), Message("last year"), Message("this year"),
)}  # fmt: skip
_UNITS = ("day", "week", "month", "year")
_AGO = {
    "day": Message.counted(1, "{number} day ago", "{number} days ago"),
    "week": Message.counted(1, "{number} week ago", "{number} weeks ago"),
    "month": Message.counted(1, "{number} month ago", "{number} months ago"),
    "year": Message.counted(1, "{number} year ago", "{number} years ago"),
}
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_FILLERS = frozenset({"of", "the"})
_BEFORE = frozenset({"in", "from", "during", "on", "at"})  # prepositions before a time
_OPENED = {"since": "since {period}", "after": "after {period}", "before": "before {period}",
           "until": "until {period}", "till": "until {period}"}  # fmt: skip
_OTHERS = frozenset(
    {"today", "yesterday", "last", "this", "ago", "days", "weeks", "months", "years", "weekend"}
)
_VOCABULARY = frozenset({*_MONTHS, *_NAMES, *_UNITS, *_NUMBERS, *_FILLERS, *_BEFORE, *_OPENED, *_OTHERS})
# Compiled for the first word with a digit, not at every start.
_NUMBER = r"[0-9]{1,4}(?:st|nd|rd|th|s)?|[0-9.]*\.\.[0-9.]*|[0-9]{4}(?:-[0-9]{2}){1,2}"
_YEAR = r"[0-9]{4}"
_DECADE = r"([0-9]{3})0s"
_DAY = r"([0-9]{1,2})(?:st|nd|rd|th)?"
_ORDINAL = r"^([0-9]{1,2})(?:\.|er|º|°)$"  # "18." in German, "1er" in French
_ISO = r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?"
MOST_WORDS = 7  # "in the summer of the year" is as long as it gets


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included; an open end is the first or last day of the calendar.

    `words` names it for the user. A `yearly` period is the same days of every year, and its years are ignored.
    """

    first: date
    last: date
    words: Message | str
    yearly: bool = False


def could_be_time(word: str, languages: Sequence[str] = ()) -> bool:
    """Whether a word may be part of a time in English or one of these languages; a quick check that rules out most texts."""
    in_others = (_in_english([word], language) for language in languages)
    return _may_belong(_plain(word)) or any(all(map(_may_belong, words)) for words in in_others)


def _may_belong(word: str) -> bool:
    if any(letter.isdecimal() for letter in word):
        return re.fullmatch(_NUMBER, word) is not None
    return word in _VOCABULARY


def time_in_words(words: Sequence[str], today: date, languages: Sequence[str] = ()) -> Period | None:
    """The time that all these words mean together; None if they name neither a year nor a time relative to today."""
    texts = (words, *(_in_english(words, language) for language in languages))
    periods = (_time_in_english(text, today) for text in texts if text)
    return next((period for period in periods if period is not None), None)


def in_english(word: str, languages: Sequence[str]) -> str:
    """A word of a time, or one such as "Fotos" beside it, in English if one of these languages has it."""
    english = (" ".join(_in_english([word], language)) for language in languages)
    return next((text for text in english if text != word), word)


def _in_english(words: Sequence[str], language: str) -> list[str]:
    """The words of a time in English and in English order; words that the table lacks stay."""
    from picsight_engine.language.lexicon import key_of  # 3 ms that searches in English do not pay

    table, english = _time_words()[language], []
    for word in words:
        if any(letter.isdecimal() for letter in word):
            english.append(re.sub(_ORDINAL, r"\1", word))
        else:
            tokens = [table.get(key, key) for key in key_of(word).split()]
            english += [token for token in tokens if token]
    if set(english) & {"before"} and any(word.removesuffix("s") in _UNITS for word in english):
        english = ["ago" if word == "before" else word for word in english]  # German "vor"
    if "year" in english and any(re.fullmatch(_YEAR, word) for word in english):
        english.remove("year")
    leading = [word for word in english if word in {"last", "this"}]
    trailing = [word for word in english if word == "ago"]
    return [*leading, *(word for word in english if word not in {"last", "this", "ago"}), *trailing]


@cache
def _time_words() -> dict[str, dict[str, str]]:
    """For each language, the English word for each folded word of times."""
    from picsight_engine.language.lexicon import key_of  # as above

    table: dict[str, dict[str, str]] = {}
    text = resources.files(__package__).joinpath("time_words.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        language, english, words = line.split("\t")
        table.setdefault(language, {}).update((key_of(word), english) for word in words.split())
    return table


def _time_in_english(words: Sequence[str], today: date) -> Period | None:
    if ".." in words[-1]:
        return time_of_value(words[0], today) if len(words) == 1 else None
    plain = [_plain(word) for word in words]
    opener = plain[0] if plain[0] in _OPENED else None
    if opener or plain[0] in _BEFORE:
        plain = plain[1:]
    period = _period([word for word in plain if word not in _FILLERS], today)
    if period is None or period.yearly:
        return None
    return period if opener is None else _opened(period, opener)


def time_of_value(value: str, today: date) -> Period | None:
    """The time of a value of "in:": as in words, with or without dashes; also ranges and days of every year."""
    first, dots, last = value.strip().lower().partition("..")
    if not dots:
        return _simple(first, today)
    periods = [_simple(end, today) if end.strip() else None for end in (first, last)]
    if any(period is None and end.strip() for period, end in zip(periods, (first, last), strict=True)):
        return None
    return _between(*periods)


def _plain(word: str) -> str:
    return word.lower().removesuffix(",").removesuffix("'s").removesuffix("\u2019s")


def _simple(text: str, today: date) -> Period | None:
    text = text.strip()
    if re.fullmatch(_ISO, text):
        return _period([text], today)
    words = [_plain(word) for word in re.split(r"[\s_-]+", text) if word]
    period = _period([word for word in words if word not in _FILLERS], today)
    others = (
        (_period(_in_english(words, language), today) for language in _time_words()) if not period else ()
    )
    return period or next(filter(None, others), None)


def _between(first: Period | None, last: Period | None) -> Period | None:
    """From the start of the earlier period to the end of the other."""
    if first is None or last is None:
        period = first or last
        if period is None or period.yearly:
            return None
        return _opened(period, "until" if first is None else "since")
    if first.yearly or last.yearly:
        return None
    if first.first > last.first:
        first, last = last, first
    return Period(first.first, last.last, Message("{first} to {last}", first=first.words, last=last.words))


def _opened(period: Period, opener: str) -> Period:
    words = Message(_OPENED[opener], period=period.words)
    if opener == "since":
        return Period(period.first, date.max, words)
    if opener == "after":
        return Period(period.last + timedelta(days=1), date.max, words)
    return Period(date.min, period.last if opener != "before" else period.first - timedelta(days=1), words)


def _period(words: list[str], today: date) -> Period | None:
    """The first reading that fits; None for days that do not exist and years before photography."""
    readings: tuple[Callable[[list[str], date], Period | None], ...] = (
        _of_number, _of_day, _of_name, _of_now, _ago,
    )  # fmt: skip
    try:
        found = (reading(words, today) for reading in readings) if words else iter(())
        return next((period for period in found if period is not None), None)
    except (ValueError, OverflowError):
        return None


def _of_number(words: list[str], _today: date) -> Period | None:
    """2012, 1990s, 2020-07, 2020-07-18."""
    if len(words) != 1:
        return None
    word = words[0]
    if re.fullmatch(_YEAR, word):
        year = _year(word)
        return Period(date(year, 1, 1), date(year, 12, 31), word)
    if decade := re.fullmatch(_DECADE, word):
        year = _year(decade[1] + "0")
        return Period(date(year, 1, 1), date(year + 9, 12, 31), Message("the {decade}", decade=word))
    if iso := re.fullmatch(_ISO, word):
        year, month = _year(iso[1]), int(iso[2])
        return _day(year, month, int(iso[3])) if iso[3] else _month(year, month)
    return None


def _of_day(words: list[str], _today: date) -> Period | None:
    """18 July 2020, July 18 2020, and 18 July of every year."""
    months = [word for word in words if word in _MONTHS]
    days = [match for word in words if (match := re.fullmatch(_DAY, word))]
    years = [word for word in words if re.fullmatch(_YEAR, word)]
    if len(months) != 1 or len(days) != 1 or len(words) != 2 + len(years) or len(years) > 1:
        return None
    month, day = _MONTHS[months[0]], int(days[0][1])
    if years:
        return _day(_year(years[0]), month, day) if words[-1] == years[0] else None
    first = date(2000, month, day)  # a leap year
    every = Message("{day} {month} of every year", day=day, month=Message(MONTHS[month - 1]))
    return Period(first, first, every, yearly=True)


def _of_name(words: list[str], _today: date) -> Period | None:
    """July 2020, summer 2019, christmas 2018; without a year, that of every year, except Easter, which moves."""
    years = [word for word in words if re.fullmatch(_YEAR, word)]
    names = [word for word in words if not re.fullmatch(_YEAR, word)]
    if len(names) != 1 or len(years) > 1 or not _is_name(names[0]):
        return None
    if years:
        return _named(names[0], _year(years[0]))
    if names[0] == "easter":
        return None
    period = _named(names[0], 1999 if names[0] == "winter" else 2000)  # with a leap year's February
    every = Message(_EVERY[names[0]]) if names[0] in _EVERY else Message("every {name}", name=_name(names[0]))
    return Period(period.first, period.last, every, yearly=True)


def _of_now(words: list[str], today: date) -> Period | None:
    """Today, yesterday, last week, this year, last July, last christmas."""
    if words in (["today"], ["yesterday"]):
        day = today - timedelta(days=words == ["yesterday"])
        return Period(day, day, _NOW[words[0]])
    if len(words) != 2 or words[0] not in {"last", "this"}:
        return None
    back = int(words[0] == "last")
    if words[1] in _UNITS or words[1] == "weekend":
        period = _unit(words[1], today, back)
        return Period(period.first, period.last, _NOW[" ".join(words)])
    if not _is_name(words[1]):
        return None
    candidates = [_named(words[1], today.year - years) for years in range(3)]
    if back:
        return next(period for period in candidates if period.last < today)
    now = (period for period in candidates if period.first <= today <= period.last)
    return next(now, candidates[0])  # in January, this winter is the one that began last year


def _ago(words: list[str], today: date) -> Period | None:
    """3 years ago, a week ago: the day, week, month or year at that time."""
    if len(words) != 3 or words[2] != "ago" or words[1].removesuffix("s") not in _UNITS:
        return None
    if words[0] not in _NUMBERS and not re.fullmatch("[0-9]{1,3}", words[0]):
        return None
    back = _NUMBERS.get(words[0]) or int(words[0])
    unit = words[1].removesuffix("s")
    period = _unit(unit, today, back)
    return Period(period.first, period.last, _AGO[unit].about(number=back))


def _unit(unit: str, today: date, back: int) -> Period:
    """The day, week, month or year that was `back` units before the present one."""
    if unit == "day":
        return Period(today - timedelta(days=back), today - timedelta(days=back), "")
    if unit in {"week", "weekend"}:
        monday = today - timedelta(days=today.weekday() + 7 * back)
        return Period(monday + timedelta(days=5 * (unit == "weekend")), monday + timedelta(days=6), "")
    if unit == "month":
        months = 12 * today.year + today.month - 1 - back
        return _month(months // 12, months % 12 + 1)
    return Period(date(today.year - back, 1, 1), date(today.year - back, 12, 31), "")


def _is_name(word: str) -> bool:
    return word in _MONTHS or word in _NAMES


def _name(word: str) -> Message:
    return Message(_NAMES[word]) if word in _NAMES else Message(MONTHS[_MONTHS[word] - 1])


def _named(name: str, year: int) -> Period:
    """A month, a season or a holiday of one year."""
    words = Message("{name} {year}", name=_name(name), year=year)
    if name in SEASONS:
        first = date(year, SEASONS[name], 1)
        after = date(year + (first.month == 12), (first.month + 2) % 12 + 1, 1)
        return Period(first, after - timedelta(days=1), words)
    if name in {"christmas", "xmas"}:
        return Period(date(year, 12, 24), date(year, 12, 26), words)
    if name == "halloween":
        return Period(date(year, 10, 31), date(year, 10, 31), words)
    if name == "easter":
        sunday = _easter(year)
        return Period(sunday - timedelta(days=2), sunday + timedelta(days=1), words)
    return _month(year, _MONTHS[name])


def _month(year: int, month: int) -> Period:
    first = date(year, month, 1)
    after = date(year + (month == 12), month % 12 + 1, 1)
    words = Message("{name} {year}", name=Message(MONTHS[month - 1]), year=year)
    return Period(first, after - timedelta(days=1), words)


def _day(year: int, month: int, day: int) -> Period:
    only = date(year, month, day)
    words = Message("{day} {month} {year}", day=day, month=Message(MONTHS[month - 1]), year=year)
    return Period(only, only, words)


def _year(digits: str) -> int:
    year = int(digits)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError
    return year


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)
