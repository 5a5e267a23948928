"""Reads plain words that say what a photo must not show as parts to see less of: "beach without people" is "beach -people".

The word for "without" counts only in the language of the query: "sin" is Spanish, and an English sin is none. "No" counts in
English alone, and not where a sign says it: "no parking". A word behind a backslash or with a weight is always a word.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight_engine.bundles.commonness import photos_with, subject_words
from picsight_engine.foundation.errors import LexiconError
from picsight_engine.language.query import MOST, Term, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.language.query import Query

_ENGLISH = ("without", "no")
_WITHOUT = {"de": "ohne", "fr": "sans", "es": "sin", "it": "senza", "pt": "sem", "nl": "zonder"}
_ENGLISH_TOO = frozenset({"sans", "sin"})
_ARTICLES = frozenset({"", "a", "an", "the", "any", "some"})
# What signs forbid, besides what ends in -ing, and what "no" makes to something else.
_ON_SIGNS = frozenset("entry exit access admittance sign symbol logo one man way".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Absence:
    """Words in a language that say what a photo must not show, and the position of the phrase in the query."""

    terms: tuple[Term, ...]
    start: int
    end: int
    language: str


def read_absences(query: Query, languages: Sequence[str]) -> tuple[Query, tuple[Absence, ...]]:
    """The query with such words among its `less`, and the phrases. If nothing else says what to look for, it is photos."""
    spoken = {word.text.casefold() for term in query.alternatives for word in term.words}
    foreign = [each for each in languages if _WITHOUT.get(each) in spoken and not query.as_typed]
    if not foreign and spoken.isdisjoint(_ENGLISH):
        return query, ()
    language = _language_of(query, languages)
    found: list[Absence] = []
    alternatives = []
    for term in query.alternatives:
        words, absences = _split(term.words, language)
        if absences and not words:
            words = [Word("photos", absences[0].start, absences[-1].end)]
        alternatives.append(replace(term, words=tuple(words)))
        found += absences
    less = (*query.less, *(term for absence in found for term in absence.terms))
    if not found or len(less) > MOST:
        return query, ()
    return replace(query, alternatives=tuple(alternatives), less=less), tuple(found)


def _language_of(query: Query, languages: Sequence[str]) -> str:
    """The language of a query, "en" if it is none of these; words that are English, too, say nothing: "sin city"."""
    from picsight_engine.language.translation import translate  # lazy: 3 ms, which most searches need not pay

    telling = (
        Term(tuple(word for word in term.words if word.text.casefold() not in _ENGLISH_TOO))
        for term in query.alternatives
    )
    found = None
    with suppress(LexiconError):  # the translation reports it
        found = translate(replace(query, alternatives=tuple(telling)), () if query.as_typed else languages)
    return found.language if found else "en"


def _split(words: Sequence[Word], language: str) -> tuple[list[Word], list[Absence]]:
    kept: list[Word] = []
    found: list[Absence] = []
    while words:
        reach, terms = _absent(words, language)
        if terms:
            found.append(Absence(terms, words[0].start, words[reach - 1].end, language))
        else:
            kept.append(words[0])
        words = words[reach:]
    return kept, found


def _absent(words: Sequence[Word], language: str) -> tuple[int, tuple[Term, ...]]:
    """How many of the first words say what must not be shown, and what that is: things with "or" between them; 1 and nothing
    if the first word says no such thing.
    """
    first = words[0].text.casefold()
    if not _is_plain(words[0]) or first not in (_ENGLISH if language == "en" else (_WITHOUT[language],)):
        return 1, ()
    reach = 1
    things: list[list[Word]] = [[]]
    for place, word in enumerate(words[1:], 2):
        small = _small(word.text, language)
        if not _is_plain(word) or (small not in {None, "or"} and (things[-1] or small not in _ARTICLES)):
            break
        if small is None:
            things[-1].append(word)
            reach = place
        elif small == "or":
            things.append([])
    terms = tuple(Term(tuple(thing)) for thing in things if thing)
    says_nothing = language == "en" and not all(subject_words(term.text) for term in terms)
    return (1, ()) if says_nothing or (first == "no" and _is_on_sign(terms)) else (reach, terms)


def _is_on_sign(terms: Sequence[Term]) -> bool:
    """Whether "no" with these words names a thing, or says nothing of photos."""
    words = [word for term in terms for word in subject_words(term.text)]
    forbidden = any(word.endswith("ing") or word in _ON_SIGNS for word in words)
    return forbidden or not all(map(photos_with, words))


def _is_plain(word: Word) -> bool:
    return not word.plain and word.weight == 1


def _small(word: str, language: str) -> str | None:
    """The English of a small word such as an article or a preposition, None for another word."""
    from picsight_engine.language.english_words import is_small
    from picsight_engine.language.lexicon import key_of, lexicon_of

    if language == "en":
        return word.casefold() if is_small(word.casefold()) else None
    entry = lexicon_of(language).find(key_of(word))
    return entry.readings[0] if entry is not None and is_small(entry.readings[0]) else None
