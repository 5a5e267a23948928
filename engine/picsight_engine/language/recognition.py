"""Recognises plain words of a query that mean a time, a place or a person: "dog 2012", "sunset in Nice", "Anna at the beach". Pure.

Only times and places of which the library has photos are recognised, and people whom the user named. A word with a weight or a backslash is always a word.
So is a place name that is also an everyday word ("nice", "Orange"), unless a capital marks it as a name: it does in
"sunset Nice" and "Nice 2019", but not in "Nice sunset" and "Girl Reading A Book".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight_engine.bundles.commonness import is_everyday
from picsight_engine.foundation.folding import fold
from picsight_engine.language.fact_values import place_key
from picsight_engine.language.query import Term
from picsight_engine.language.times import MOST_WORDS, could_be_time, in_english, time_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from picsight_engine.language.query import Query, Word
    from picsight_engine.language.times import Period

    Meaning = Period | tuple[str, ...] | str  # a time, the names of a place, or a person

# Words that search for nothing by themselves, as in "all my photos from 2012".
_ANY_PHOTO = frozenset(
    "photo photos picture pictures image images shot shots all my the taken of from in".split()  # noqa: SIM905
)
_WHERE = frozenset({"at", "from", "in", "near"})  # prepositions before a place
# Before a person, in English and the six languages.
_WITH = frozenset("and of with und mit von et avec de y con e com di en met van".split())  # noqa: SIM905
_MOST_OF_PLACE = 6  # words of "in Rio de Janeiro, Brazil"


@dataclass(frozen=True, slots=True)
class Recognised:
    """Words that mean a time, a place (its names, from the smallest) or a person, and their position in the query."""

    meaning: Meaning
    start: int
    end: int


def recognise(
    query: Query,
    today: date,
    has_photos: Callable[[Meaning], bool],
    places: Mapping[str, str],
    persons: Mapping[str, str],
    *,
    languages: Sequence[str] = (),
) -> tuple[Query, tuple[Recognised, ...]]:
    """The query without the words that mean a time or a place with photos, and these times and places.

    `places` are the names of all towns, regions and countries of the library, for comparison, `persons` those of people,
    whom several alternatives do not mean. Times may also be in one of the `languages`.
    """

    def meant(some: tuple[Word, ...]) -> Meaning | None:
        texts = [word.text for word in some]
        is_time = all(could_be_time(text, languages) for text in texts)
        period = time_in_words(texts, today, languages) if is_time else None
        if period is not None and has_photos(period):
            return period
        if len(query.alternatives) == 1 and (person := _person(some, persons, query)):
            return person
        names = _names(some, places)
        if not names or (all(map(is_everyday, _name_words(some))) and not _is_marked(some, query)):
            return None
        place = tuple(places[name] for name in names)
        return place if len(names) == 1 or has_photos(place) else None

    found: list[Recognised] = []
    alternatives = []
    for term in query.alternatives:
        meanings = [*_parts(term.words, query.text, meant)]
        parts = [part for part in meanings if isinstance(part, Recognised)]
        words = [word for word in meanings if not isinstance(word, Recognised)]
        if parts and all(_is_any_photo(word, languages) for word in words):
            words = []
        found += parts
        alternatives.append(Term(tuple(words), term.pictures))
    if not found:
        return query, ()
    kept = tuple(term for term in alternatives if term.words or term.pictures)
    return replace(query, alternatives=kept), tuple(found)


def _is_any_photo(word: Word, languages: Sequence[str]) -> bool:
    text = in_english(word.text.lower(), languages)
    return not word.plain and (not text or text in _ANY_PHOTO)


def _parts(
    words: tuple[Word, ...], text: str, meant: Callable[[tuple[Word, ...]], Meaning | None]
) -> Iterator[Word | Recognised]:
    """Yields the words in order, grouping those that mean something together; the longest reading wins."""
    position = 0
    while position < len(words):
        for length in range(_reach(words, position, text), 0, -1):
            some = words[position : position + length]
            meaning = meant(some)
            if meaning is not None:
                yield Recognised(meaning, some[0].start, some[-1].end)
                position += length
                break
        else:
            yield words[position]
            position += 1


def _reach(words: tuple[Word, ...], start: int, text: str) -> int:
    """How many words from here on may belong together: plain words with only spaces between them."""
    length = 0
    for word in words[start : start + MOST_WORDS]:
        if word.plain or word.weight != 1:
            break
        if length and text[words[start + length - 1].end : word.start].strip():
            break
        length += 1
    return length


def _name_words(words: tuple[Word, ...]) -> tuple[str, ...]:
    """The words of a name, without the "in" before it."""
    texts = tuple(word.text for word in words)
    return texts[1:] if texts[0].lower() in _WHERE and len(texts) > 1 else texts


def _names(words: tuple[Word, ...], places: Mapping[str, str]) -> list[str]:
    """The folded place names that these words form, separated by commas; none if one of them is not a place."""
    texts = _name_words(words)
    if len(texts) > _MOST_OF_PLACE:
        return []
    names = [place_key(name) for name in " ".join(texts).rstrip(",").split(",")]
    return names if all(name in places for name in names) else []


def _person(words: tuple[Word, ...], persons: Mapping[str, str], query: Query) -> str | None:
    """The person whom these words name, with or without an "and" or "with" before."""
    named = words[1:] if len(words) > 1 and words[0].text.lower() in _WITH else words
    texts = [word.text for word in named]
    is_name = not all(map(is_everyday, texts)) or len(named) < len(words) or _is_marked(named, query)
    return persons.get(fold(" ".join(texts))) if is_name else None


def _is_marked(words: tuple[Word, ...], query: Query) -> bool:
    """Whether a capital marks these words as a name: not if it begins the query or is one of many, as in "GIRL READING",
    unless only times stand beside it.
    """
    texts = _name_words(words)
    if not all(text[:1].isupper() for text in texts):
        return False
    others = [word for term in query.alternatives for word in term.words if word not in words]
    if all(could_be_time(word.text) for word in others):
        return True
    start, is_led = len(query.text) - len(query.text.lstrip()), len(texts) < len(words)  # led by "in"
    capitals = (word for word in others if word.text[:1].isupper() and is_everyday(word.text))
    if any(word.start > start or word.text[1:].isupper() for word in capitals):
        return is_led and not query.text.isupper()
    return is_led or words[0].start > start
