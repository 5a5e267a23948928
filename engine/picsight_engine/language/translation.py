"""Translates the words of a query to English by a lexicon, because most models know English alone.

The whole query decides whether it is in another language: it is if no fewer of its words belong to that language than to
English. A single word of both languages is searched in both. The longest entry wins; German and Dutch compounds are split
into entries; in Romance languages an adjective behind its noun moves before it. Ambiguous words give a few readings, which
are alternatives. Facts, quoted texts and words behind a backslash stay as typed. A missing or damaged lexicon raises
LexiconError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from picsight_engine.bundles.commonness import COMMON, photos_with
from picsight_engine.language.english_words import NOUNS, SMALL, WHOLES, is_adjective, is_small, plural_of
from picsight_engine.language.lexicon import accented_key, key_of, lexicon_of
from picsight_engine.language.query import MOST, Query, Term, Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picsight_engine.language.lexicon import Lexicon, LexiconEntry

MOST_READINGS = 2  # of one term: 1, 3 and 4 find less, and each reading takes 10 ms
_LONGEST = 5  # words of an entry
_MOST_TOKENS = 128  # of a term, the rest is cut: models read at most 77, and small words are left out
_LEAST_PART, _LONGEST_COMPOUND = 3, 40  # letters
_LINKS = {"de": ("es", "en", "er", "s", "n", "e", ""), "nl": ("en", "er", "s", "e", "")}  # longest first
# Endings that a word loses as the first part of a compound: Häkel(n)arbeit, Schul(e)bus.
_CUT = ("n", "en", "e")
_UMLAUT = "(?<=[aou])e"
_PIECE = r"[^\W_]+"
# Endings of plurals and of their singulars, by language, where adjectives and "of" follow the noun.
_NOUN_FIRST = {
    "fr": (("s", ""), ("x", ""), ("aux", "al")),
    "es": (("s", ""), ("es", "")),
    "it": (("i", "o"), ("i", "e"), ("e", "a"), ("che", "ca"), ("ghe", "ga"), ("chi", "co")),
    "pt": (("s", ""), ("es", ""), ("oes", "ao"), ("is", "l")),
}


@dataclass(frozen=True, slots=True)
class Translation:
    """A query in English, and what the user should know of it: its `language`, the `readings` that are searched, and the
    `unknown` words, which stayed as typed.
    """

    query: Query
    language: str
    readings: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    """A run of letters or digits of a word, or a whole word that stays as typed, with an empty key."""

    key: str
    text: str
    word: Word


@dataclass(frozen=True, slots=True)
class _Part:
    """Tokens with one meaning: its English senses, most usual first; "" drops them. Without an entry, the typed text.

    `foreign` and `english` say how strongly the tokens suggest the other language, and English.
    """

    word: Word
    text: str
    senses: tuple[str, ...]
    is_known: bool = False
    foreign: float = 0.0
    english: float = 0.0

    @property
    def is_small(self) -> bool:
        return is_small(self.senses[0])

    @property
    def is_unknown(self) -> bool:
        is_kept = self.is_known or self.english or self.word.plain
        return not is_kept and any(map(str.isalpha, self.text))

    @property
    def is_foreign_article(self) -> bool:
        return self.is_known and self.is_small and self.text.lower() not in SMALL

    def as_adjective(self) -> _Part | None:
        """The part with its adjectives alone; None if it has none. "de verano" is one too."""
        is_of = self.text.lower().startswith(("de ", "di ")) and self.senses[0].isalpha()
        senses = tuple(each for each in self.senses if _is_adjective(each, is_of=is_of))
        return replace(self, senses=senses) if senses else None


def translate(query: Query, languages: Sequence[str]) -> Translation | None:
    """The query in English; None if its words are English, or in none of these languages (see LANGUAGES)."""
    terms = [term for term in (*query.alternatives, *query.less) if term.words]
    weighed = _weighed(terms, languages)
    weight, language, parts = max(weighed, key=lambda each: each[0], default=(0.0, "", []))
    if weight <= 0:
        return None
    if len(parts) == len(parts[0]) == 1 and parts[0][0].english:
        (part,) = parts[0]
        parts[0][0] = replace(part, senses=(*part.senses[: MOST_READINGS - 1], part.text))
    by_term = dict(zip(map(id, terms), parts, strict=True))
    most = max(1, min(MOST_READINGS, MOST // max(len(query.alternatives), 1)))
    wanted = [
        reading
        for term in query.alternatives
        for reading in _readings(term, by_term.get(id(term), []), language, 1 if query.pictures else most)
    ]
    less = [next(_readings(term, by_term.get(id(term), []), language, 1)) for term in query.less]
    unknown = [part.text for part in chain.from_iterable(parts) if part.is_unknown]
    translated = replace(query, alternatives=tuple(wanted), less=tuple(less))
    minus = [f"-{term.text}" for term in less if term.words]
    readings = tuple(" ".join([term.text, *minus]) for term in wanted if term.words)
    usual = (next(_readings(term, each, language, 1)) for term, each in zip(terms, parts, strict=True))
    if all(
        reading.text.casefold() == term.text.casefold() for reading, term in zip(usual, terms, strict=True)
    ):
        return None  # English words that belong to the language, too, with other senses
    return Translation(translated, language, readings, tuple(dict.fromkeys(unknown)))


def language_of(query: Query, languages: Sequence[str]) -> str | None:
    """Which of these languages has all words of a query of which some are hardly English: the one with the longest entries."""
    terms = [term for term in (*query.alternatives, *query.less) if term.words]
    words = key_of(" ".join(term.text for term in terms)).split()
    if query.as_typed or all(photos_with(word) or word.isdecimal() for word in words):
        return None
    fitting = []
    for weight, language, of_terms in _weighed(terms, languages):
        parts = [*chain.from_iterable(of_terms)]
        if weight > 0 and not any(part.is_unknown for part in parts) and translate(query, [language]):
            fitting.append((len(parts), -weight, language))
    return min(fitting)[-1] if fitting else None


def translate_texts(texts: Sequence[str], languages: Sequence[str]) -> Translation | None:
    """The words of a tag in English: each text as a search for it alone. The query language has no meaning in them, except
    that a backslash keeps a word as typed. None if nothing changes.
    """
    typed = [_of_words(text) for text in texts]
    found = [translate(query, languages) for query in typed]
    queries = [query if each is None else each.query for query, each in zip(typed, found, strict=True)]
    query = Query(tuple(chain.from_iterable(each.alternatives for each in queries)))
    readings = tuple(dict.fromkeys(term.text for term in query.alternatives))
    if readings == tuple(texts):
        return None
    known = [each for each in found if each is not None]
    language = next((each.language for each in known), "")
    unknown = dict.fromkeys(chain.from_iterable(each.unknown for each in known))
    return Translation(query, language, readings, tuple(unknown))


def _of_words(text: str) -> Query:
    words = (Word(each.removeprefix("\\"), 0, 0, plain=each.startswith("\\")) for each in text.split())
    return Query((Term(tuple(words)),), text=text)


def _weighed(
    terms: Sequence[Term], languages: Sequence[str]
) -> Iterator[tuple[float, str, list[list[_Part]]]]:
    """How surely the terms are in each language, and their parts there."""
    for lexicon in map(lexicon_of, languages if terms else ()):
        parts = [_parts(term, lexicon) for term in terms]
        yield _weight([*chain.from_iterable(parts)]), lexicon.language, parts


def _weight(parts: Sequence[_Part]) -> float:
    """How surely words are in another language than English; 0 or less if they are not."""
    foreign, english = sum(part.foreign for part in parts), sum(part.english for part in parts)
    alone = [part for part in parts if not (part.text.isdecimal() or part.is_foreign_article)]
    if len(alone) == 1:
        return 0.0 if alone[0].is_small else foreign or english * alone[0].is_known
    return foreign - english + 0.5 if foreign >= max(english, 1) else 0.0


def _parts(term: Term, lexicon: Lexicon) -> list[_Part]:
    tokens = list(islice(_tokens(term), _MOST_TOKENS))
    parts, place = [], 0
    while place < len(tokens):
        length, part = _longest(tokens[place:], lexicon)
        parts.append(part)
        place += length
    return parts


def _tokens(term: Term) -> Iterator[_Token]:
    for word in term.words:
        pieces = [] if word.plain else re.findall(_PIECE, word.text)
        if pieces:
            yield from (_Token(key_of(piece), piece, word) for piece in pieces)
        else:
            yield _Token("", word.text, word)


def _longest(tokens: Sequence[_Token], lexicon: Lexicon) -> tuple[int, _Part]:
    """The longest entry at the beginning of the tokens, else their first word, and its number of tokens."""
    first = tokens[0]
    reach = 1
    while reach < min(_LONGEST, len(tokens)):
        word = tokens[reach].word
        if word is not first.word and (word.plain or not word.weight == first.word.weight == 1):
            break
        reach += 1
    for length in range(reach, 0, -1):
        some = tokens[:length]
        entry = _entry(some, lexicon)
        if entry is None and length == 1 and lexicon.language == "de":
            entry = lexicon.find(re.sub(_UMLAUT, "", first.key))
        if entry is not None:
            return length, _known(some, entry, lexicon)
    photos = photos_with(first.key)
    senses = () if photos else compound(first.key, lexicon)
    if senses:
        return 1, _Part(first.word, first.text, senses, is_known=True, foreign=1.0)
    whole = [token for token in tokens if token.word is first.word]
    if any(lexicon.find(token.key) for token in whole[1:]) or whole[-1].word.text.startswith("'"):
        whole = whole[:1]
    text = first.text if len(whole) == 1 else first.word.text
    return len(whole), _Part(first.word, text, (text,), english=float(photos > 0))


def _entry(tokens: Sequence[_Token], lexicon: Lexicon) -> LexiconEntry | None:
    """The entry of a word or phrase, with words that may be plurals: "barcos de vela", "osos polares"."""
    key = " ".join(token.key for token in tokens)
    typed = accented_key(" ".join(token.text for token in tokens))
    accented = None if typed.isascii() else lexicon.find(typed)
    entry = accented if accented is not None and accented.base == typed else lexicon.find(key)
    first, _, rest = key.partition(" ")
    if entry is not None or not rest:
        return entry
    endings = _NOUN_FIRST.get(lexicon.language, ())
    ends = (rest, *(_singulars(rest, endings) if len(tokens) == 2 else ()))
    bases = (f"{base} {end}" for base in (first, *_singulars(first, endings)) for end in ends)
    found = next(filter(None, map(lexicon.find, bases)), None)
    return None if found is None else replace(found, plural=True)


def _singulars(word: str, endings: Sequence[tuple[str, str]]) -> list[str]:
    return [word.removesuffix(old) + new for old, new in endings if word.endswith(old)]


def _known(tokens: Sequence[_Token], entry: LexiconEntry, lexicon: Lexicon) -> _Part:
    word, text = tokens[0].word, " ".join(token.text for token in tokens)
    is_plain = text.isascii()
    foreign = english = 0.0
    senses = tuple(map(plural_of, entry.readings)) if entry.plural else entry.readings
    if key_of(entry.readings[0]) not in {entry.key, entry.base}:
        if len(tokens) > 1:
            votes = (
                _known([token], each, lexicon).foreign
                for token in tokens
                if (each := lexicon.find(token.key))
            )
            is_english = is_plain and all(photos_with(token.key) or is_small(token.key) for token in tokens)
            foreign = sum(votes) or float(not is_english)
            english = float(not foreign)
        elif not entry.photos or not is_plain:
            foreign = 1.0
        elif entry.photos < COMMON:
            foreign, english = 0.5, 0.1
        elif entry.key == entry.base and not is_small(entry.readings[0]):
            english = 1.0
    elif not is_plain and not entry.photos:
        foreign = 0.5
    return _Part(word, text, senses, is_known=True, foreign=foreign, english=english)


def compound(key: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The senses of a compound: its last part is as long as possible, the first one an entry or a compound."""
    if lexicon.language not in _LINKS or not 2 * _LEAST_PART <= len(key) <= _LONGEST_COMPOUND:
        return ()
    for place in range(_LEAST_PART, len(key) - _LEAST_PART + 1):
        head = lexicon.find(key[place:])
        if head is None or not head.readings[0]:
            continue
        before = _first_part(key[:place], lexicon)
        if before:
            return tuple(f"{before} {plural_of(sense) if head.plural else sense}" for sense in head.readings)
    return ()


def _first_part(key: str, lexicon: Lexicon) -> str:
    stems = (key.removesuffix(link) for link in _LINKS[lexicon.language] if key.endswith(link))
    for stem in (*stems, *(key + ending for ending in _CUT)):
        entry = lexicon.find(stem) if len(stem) >= _LEAST_PART else None
        if entry is not None and entry.readings[0] and (stem == key or entry.key == entry.base):
            return entry.readings[0]
    return next(iter(compound(key, lexicon)), "")


def _readings(term: Term, parts: list[_Part], language: str, most: int) -> Iterator[Term]:
    """At most `most` translations of a term: with the most usual senses, then with another sense of one word."""
    if not parts:
        yield term
        return
    parts = _ordered(_joined(parts)) if language in _NOUN_FIRST else parts
    parts = [
        part if after.is_small or not _is_adjective(part.senses[0]) else part.as_adjective() or part
        for part, after in zip(parts, (*parts[1:], _Part(parts[0].word, "", ("",))), strict=True)
    ]
    choices = [[0] * len(parts)]
    ranks = max(len(part.senses) for part in parts)
    for rank in range(1, ranks):
        for place, part in enumerate(parts):
            if rank < len(part.senses) and not part.is_small:
                choices.append([rank * (at == place) for at in range(len(parts))])
    seen: set[str] = set()
    for choice in choices:
        senses = "\t".join(part.senses[rank] for part, rank in zip(parts, choice, strict=True))
        senses = re.sub(r"\ba(\t+)(?=[aeio])", r"an\1", senses)
        words = tuple(
            Word(sense, part.word.start, part.word.end, part.word.weight, part.word.plain)
            for part, sense in zip(parts, senses.split("\t"), strict=True)
            if sense
        )
        reading = replace(term, words=words or term.words)
        if reading.text not in seen and len(seen) < most:
            seen.add(reading.text)
            yield reading


def _joined(parts: list[_Part]) -> list[_Part]:
    """The parts without "of" between two nouns, of which the second moves before the first: "helado de fresa"."""
    joined: list[_Part] = []
    for part, after in zip(parts, (*parts[1:], None), strict=True):
        is_of = (
            len(joined) > 1
            and joined[-1].text.lower() in {"de", "di", "d"}
            and not part.senses[0].endswith("s")
        )
        nouns = (joined[-2], part) if is_of and joined[-2].senses[0] not in WHOLES else ()
        is_joined = all(each.is_known and not each.is_small and not each.as_adjective() for each in nouns)
        if nouns and is_joined and (after is None or not after.as_adjective()):
            joined[-2:] = [part, joined[-2]]
        else:
            joined.append(part)
    return joined


def _ordered(parts: list[_Part]) -> list[_Part]:
    """The parts with adjectives before the noun that they follow."""
    ordered: list[_Part] = []
    noun: int | None = None  # the place of the noun to which adjectives belong
    for part in parts:
        adjective = part.as_adjective() if part.is_known else None
        if adjective is not None and noun is not None:
            ordered.insert(noun, adjective)
            noun += 1
            continue
        is_noun = (
            not part.is_small
            and part.senses[0].split(" ")[0] not in SMALL
            and (adjective is None or adjective.senses[0] != part.senses[0] or part.senses[0] in NOUNS)
        )
        noun = len(ordered) if is_noun else None
        ordered.append(part)
    return ordered


def _is_adjective(reading: str, *, is_of: bool = False) -> bool:
    words = reading.split(" ")
    return (is_of or is_adjective(words[-1])) and words[0] not in {"", *SMALL}
