"""Plain words of a query that mean a time: "dog 2012", "beach in summer 2019", "last christmas". Pure.

Only a time of which the library has photos is one; everything else stays words. A word with a weight, or behind a
backslash, is a word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight_engine.search.query import Term
from picsight_engine.search.times import MOST_WORDS, could_be_time, time_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from picsight_engine.search.query import Query, Word
    from picsight_engine.search.times import Period

# What is left of "all my photos from 2012" asks for nothing.
_ANY_PHOTO = frozenset(
    "photo photos picture pictures image images shot shots all my the taken of from in".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """Words that mean a time, and their place in the query."""

    period: Period
    start: int
    end: int


def recognise(
    query: Query, today: date, has_photos: Callable[[Period], bool]
) -> tuple[Query, tuple[Recognised, ...]]:
    """The query without the words that mean a time of which there are photos, and those times."""
    found: list[Recognised] = []
    alternatives = []
    for term in query.alternatives:
        words: list[Word] = []
        times: list[Recognised] = []
        for part in _parts(term.words, query.text, today, has_photos):
            if isinstance(part, Recognised):
                times.append(part)
            else:
                words.append(part)
        if times and all(word.text.lower() in _ANY_PHOTO and not word.plain for word in words):
            words = []
        found += times
        alternatives.append(Term(tuple(words), term.pictures))
    if not found:
        return query, ()
    kept = tuple(term for term in alternatives if term.words or term.pictures)
    return replace(query, alternatives=kept), tuple(found)


def _parts(
    words: tuple[Word, ...], text: str, today: date, has_photos: Callable[[Period], bool]
) -> Iterator[Word | Recognised]:
    """The words in their order, those that mean a time together as one; the longest reading that has photos counts."""
    position = 0
    while position < len(words):
        for length in range(_reach(words, position, text), 0, -1):
            some = words[position : position + length]
            period = time_in_words([word.text for word in some], today)
            if period is not None and has_photos(period):
                yield Recognised(period, some[0].start, some[-1].end)
                position += length
                break
        else:
            yield words[position]
            position += 1


def _reach(words: tuple[Word, ...], start: int, text: str) -> int:
    """How many words from here on may be parts of one time, with nothing but blanks between them."""
    length = 0
    for word in words[start : start + MOST_WORDS]:
        if word.plain or word.weight != 1 or not could_be_time(word.text):
            break
        if length and text[words[start + length - 1].end : word.start].strip():
            break
        length += 1
    return length
