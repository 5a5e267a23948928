r"""The query language: what a person types becomes things to look for, things to see less of, and facts that must hold.

    query   = { term | "|" | fact }        sunset beach          one thing to look for, as its words stand together
    term    = ["-"] ( word | picture )     sunset | sunrise      alternatives: either may be there
    word    = text ["^" weight]            sunset -people        less of something
    picture = "like:" value                dog^2 beach           one word counts more than the others
    fact    = ["-"] ( key ":" value )      in:2019 folder:Trips  only photos of which this is known
            | ["-"] '"' text '"'           -"IMG_20"             only photos whose names do not hold this text
    value   = text without blanks | '"' text '"'

What is decided here, so that it reads as it is meant:
* "-" asks for less only at the start of a word; "well-known" is a word, a dash that stands alone says nothing. Before a
  fact it excludes. Several words are joined to be one thing: -old-man, golden-retriever^2.
* Less of something and facts hold for the whole query, wherever they stand: nobody who types "dog | cat -indoor in:2019"
  wants indoor dogs of 2012. They do not end an alternative: "sunset -people beach" looks for "sunset beach".
* "|" needs no spaces; an alternative without words ("| a", "a | | b", "a |" while typing) is left out.
* A quotation mark opens at the start of a word or of a value only, so 5" is a word; curly ones count too.
* A backslash takes everything up to the next blank as it stands: \-people, \in:2019, \2012 are words and nothing else.
* Whatever means nothing to the language, such as "16:9" or "in: 2019", is plain text; but a key that ends the query, or
  stands behind "-", waits for its value and says nothing yet.

Parsing is pure and never raises. Printing a query gives text that parses to an equal query; positions and faults,
which belong to one spelling, take no part in equality.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, cast

from picsight_engine.search.answer import QueryFault

Key = Literal["text", "in", "folder", "format", "is", "has", "at", "by", "rated", "tag"]

MOST = 16  # alternatives, things to see less of, pictures, facts: each one costs a pass over something
LEAST_WEIGHT, MOST_WEIGHT = 0.1, 10.0

_PICTURE = "like"
_KEYS = "in|folder|format|is|has|at|by|rated|tag|" + _PICTURE
# Control characters and lone surrogates (undecodable bytes of a command line) separate words as blanks do.
_UNTYPED = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"
_BLANK = r"\s" + _UNTYPED
_QUOTE = '"“”„'
_UNTYPED_RUN = re.compile(f"[{_UNTYPED}]+")
_QUOTED = rf"[{_QUOTE}](?P<%s>[^{_QUOTE}]*)(?P<%s>[{_QUOTE}]?)"
_TOKEN = re.compile(
    rf"(?P<bar>\|)|(?P<dashes>-*)(?:\\(?P<plain>[^{_BLANK}]*)"
    rf"|(?P<key>(?ai:{_KEYS})):(?:{_QUOTED % ('quoted', 'value_close')}|(?P<value>[^{_BLANK}|]+))"
    rf"|{_QUOTED % ('text', 'text_close')}|(?P<word>[^{_BLANK}|]*))"
)
_KEY_ALONE = re.compile(f"(?ai:{_KEYS}):")
_WEIGHTED = re.compile(r"(?P<text>[^^]+)\^(?P<weight>[0-9]{1,6}(?:\.[0-9]{1,6})?)")
_NEEDS_QUOTES = re.compile(rf"[{_QUOTE}]|.*[{_BLANK}|]", re.DOTALL)

UNCLOSED = "The closing quotation mark is missing; everything after the first one was taken."
ONLY_LESS = "Say first what to look for: asking for less of something alone finds nothing."
TOO_MANY = (
    f"More than {MOST} alternatives, things to see less of, or facts are too many; the rest was left out."
)
WEIGHT = f"A weight lies between {LEAST_WEIGHT:g} and {MOST_WEIGHT:g}; the word was searched without it."


@dataclass(frozen=True, slots=True)
class Word:
    """One word; `start` and `end` are its place in the query. A `plain` one stood behind a backslash: it is no date."""

    text: str
    start: int = field(compare=False)
    end: int = field(compare=False)
    weight: float = 1.0
    plain: bool = False

    def __str__(self) -> str:
        if self.plain:
            return f"\\{self.text}"
        return self.text if self.weight == 1 else f"{self.text}^{str(self.weight).removesuffix('.0')}"


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as part of a query: "#1234" is its number in the library, everything else a path."""

    target: str
    start: int = field(compare=False)
    end: int = field(compare=False)

    def __str__(self) -> str:
        return f"{_PICTURE}:{_spelled(self.target)}"


@dataclass(frozen=True, slots=True)
class Term:
    """One thing: words that are embedded together, pictures, or both; never empty."""

    words: tuple[Word, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def text(self) -> str:
        """What the text tower reads: the words without weights and backslashes."""
        return " ".join(word.text for word in self.words)

    @property
    def start(self) -> int:
        """Where its first part begins in the query."""
        return min(part.start for part in self._parts())

    @property
    def end(self) -> int:
        """Where its last part ends."""
        return max(part.end for part in self._parts())

    def _parts(self) -> list[Word | Picture]:
        return [*self.words, *self.pictures]

    def __str__(self) -> str:
        return " ".join(map(str, self._parts()))


@dataclass(frozen=True, slots=True)
class Fact:
    """What must be known of a photo, or with `excluded` must not; "text" is exact text in names, folders and keywords."""

    key: Key
    value: str
    excluded: bool
    start: int = field(compare=False)
    end: int = field(compare=False)

    def __str__(self) -> str:
        spelled = f'"{self.value}"' if self.key == "text" else f"{self.key}:{_spelled(self.value)}"
        return f"-{spelled}" if self.excluded else spelled


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: any of `alternatives` is looked for, all of `less` counts against a photo, `facts` must hold."""

    alternatives: tuple[Term, ...] = ()
    less: tuple[Term, ...] = ()
    facts: tuple[Fact, ...] = ()
    faults: tuple[QueryFault, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        wanted = " | ".join(map(str, self.alternatives))
        return " ".join(filter(None, [wanted, *(f"-{term}" for term in self.less), *map(str, self.facts)]))


def parse(text: str) -> Query:
    """Parses any text in time proportional to its length; what cannot be used is named in `faults`."""
    gathering = _Gathering()
    for match in _TOKEN.finditer(text):
        gathering.take(match)
    return gathering.query()


def as_words(text: str) -> str:
    """The same words behind backslashes: searched for as they stand, whatever they would mean to the language."""
    return " ".join(f"\\{word}" for word in re.split(f"[{_BLANK}]+", text) if word)


class _Gathering:
    """What was read so far; empty quotes and dashes that stand alone are passed over."""

    def __init__(self) -> None:
        self._alternatives: list[Term] = []
        self._less: list[Term] = []
        self._facts: list[Fact] = []
        self._faults: list[QueryFault] = []
        self._words: list[Word] = []
        self._pictures: list[Picture] = []
        self._surplus: list[tuple[int, int]] = []
        self._unfinished = 0  # keys at the end that wait for their values

    def query(self) -> Query:
        self._end_alternative()
        self._drop_unfinished()
        if self._surplus:
            self._faults.append(QueryFault(self._surplus[0][0], self._surplus[-1][1], TOO_MANY))
        return Query(tuple(self._alternatives), tuple(self._less), tuple(self._facts), tuple(self._faults))

    def take(self, match: re.Match[str]) -> None:
        less = bool(match["dashes"])
        if match["bar"]:
            self._end_alternative()
        elif match["key"]:
            self._take_value(match, less=less)
        elif match["text"] is not None:
            self._take_fact("text", self._content(match, "text"), match, excluded=less)
        elif match["plain"] or match["word"]:
            self._take_term(Term(words=(self._word(match),)), match, less=less)

    def _take_value(self, match: re.Match[str], *, less: bool) -> None:
        key = match["key"].lower()
        value = self._content(match, "quoted") if match["value"] is None else match["value"]
        if key != _PICTURE:
            self._take_fact(cast("Key", key), value, match, excluded=less)
        elif value:
            self._take_term(Term(pictures=(Picture(value, *match.span()),)), match, less=less)

    def _content(self, match: re.Match[str], group: str) -> str:
        """What stands between quotation marks, "" for nothing but blanks."""
        content = _UNTYPED_RUN.sub(" ", match[group])
        if not content.strip():
            return ""
        if not match["value_close" if group == "quoted" else "text_close"]:
            self._faults.append(QueryFault(*match.span(), UNCLOSED))
        return content

    def _word(self, match: re.Match[str]) -> Word:
        start, end = match.span()
        if match["plain"]:
            return Word(match["plain"], start, end, plain=True)
        weighted = _WEIGHTED.fullmatch(match["word"])
        if weighted is None:
            return Word(match["word"], start, end)
        weight = float(weighted["weight"])
        if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
            self._faults.append(QueryFault(end - len(weighted["weight"]) - 1, end, WEIGHT))
            weight = 1.0
        return Word(weighted["text"], start, end, weight)

    def _take_fact(self, key: Key, value: str, match: re.Match[str], *, excluded: bool) -> None:
        if not value:
            return
        if len(self._facts) == MOST:
            self._surplus.append(match.span())
        else:
            self._facts.append(Fact(key, value, excluded, *match.span()))
            self._unfinished = 0

    def _take_term(self, term: Term, match: re.Match[str], *, less: bool) -> None:
        known = sum(len(wanted.pictures) for wanted in self._alternatives) + len(self._pictures)
        if len(self._less if less else self._alternatives) == MOST or (term.pictures and known == MOST):
            self._surplus.append(match.span())
            return
        waits = bool(match["word"]) and _KEY_ALONE.fullmatch(match["word"]) is not None
        if less and waits:
            return
        self._unfinished = self._unfinished + 1 if waits else 0
        if less:
            self._less.append(term)
        else:
            self._words += term.words
            self._pictures += term.pictures

    def _drop_unfinished(self) -> None:
        """Keys that wait for their values at the end of the query are the last words that were taken."""
        for _ in range(self._unfinished):
            last = self._alternatives.pop()
            if last.words[:-1] or last.pictures:
                self._alternatives.append(Term(last.words[:-1], last.pictures))

    def _end_alternative(self) -> None:
        if self._words or self._pictures:
            self._alternatives.append(Term(tuple(self._words), tuple(self._pictures)))
        self._words, self._pictures = [], []


def _spelled(value: str) -> str:
    """A value between quotation marks where it needs them; one that holds both marks and blanks cannot be typed."""
    return f'"{value}"' if _NEEDS_QUOTES.match(value) else value
