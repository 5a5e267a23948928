r"""The query language: turns typed text into terms to search for, terms to see less of, and facts that must hold.

    query   = { term | "|" | fact }        sunset beach          one term: words side by side belong together
    term    = ["-"] ( word | picture )     sunset | sunrise      alternatives: either may match
    word    = text ["^" weight]            sunset -people        less of something
    picture = "like:" value                dog^2 beach           one word counts more than the others
    fact    = ["-"] ( key ":" value )      in:2019 folder:Trips  only photos for which this is true
            | ["-"] '"' text '"'           -"IMG_20"             only photos that do not have this text in names or pictures
    value   = text without spaces | '"' text '"'

Rules:
* "-" means less only at the start of a word: "well-known" is a word, and a single dash is ignored. Before a fact it
  excludes. Dashes join several words into one term: -old-man, golden-retriever^2.
* Terms to see less of and facts apply to the whole query, wherever they stand: a user who types "dog | cat -indoor
  in:2019" does not want indoor dogs of 2012. They do not end an alternative: "sunset -people beach" means "sunset beach".
* "|" needs no spaces; an alternative without words ("| a", "a | | b", "a |" while typing) is ignored.
* A quotation mark opens only at the start of a word or value, so 5" is a word; curly ones work too.
* A backslash makes everything up to the next space plain text: \-people, \in:2019, \2012 are only words.
* Text without a meaning in the language, such as "16:9" or "in: 2019", is plain text. But a key at the end of the query,
  or after "-", waits for its value and is ignored until then.

Parsing is pure and never raises. A printed query parses to an equal query. Text, positions and faults belong to one
spelling and are not compared. To change a query, edit its text by the positions of its parts and parse the result once;
otherwise pass the parsed value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast, get_args

from picsight_engine.foundation.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TypedKey = Literal[
    "in", "folder", "format", "is", "has", "at", "by", "lens", "iso", "f", "focal", "label", "rated", "tag", "people", "says", "colour", "color"
]  # fmt: skip
Key = Literal["text"] | _TypedKey

MOST = 16  # alternatives, terms to see less of, pictures, facts; each one costs a pass over data
LEAST_WEIGHT, MOST_WEIGHT = 0.1, 10.0

_PICTURE = "like"
_KEYS = "|".join((*get_args(_TypedKey), _PICTURE))
# Control characters and lone surrogates (undecodable bytes of a command line) separate words like spaces.
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
_CONTENTS = ("bar", "plain", "quoted", "value", "text", "word")
_KEY_ALONE = re.compile(f"(?ai:({_KEYS})):")
_OPEN = re.compile(rf"[{_QUOTE}]|:[\s|-]*$")  # text that may absorb what is appended
_WEIGHTED = re.compile(r"(?P<text>[^^]+)\^(?P<weight>[0-9]{1,6}(?:\.[0-9]{1,6})?)")
_NEEDS_QUOTES = re.compile(rf"[{_QUOTE}]|.*[{_BLANK}|]", re.DOTALL)

UNCLOSED = Message("The closing quotation mark is missing; everything after the first one was taken.")
ONLY_LESS = Message("Say first what to look for: asking for less of something alone finds nothing.")
TOO_MANY = Message(
    "More than {most} alternatives, things to see less of, or facts are too many; the rest was left out.", most=MOST
)  # fmt: skip
WEIGHT = Message(
    "A weight lies between {least:g} and {most:g}; the word was searched without it.", least=LEAST_WEIGHT, most=MOST_WEIGHT
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueryFault:
    """An ignored part of the query; `start` and `end` are character positions in it."""

    start: int
    end: int
    message: Message


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: a bar, or a word or value whose `content` begins at `inner`.

    `key` is "" without a key and "text" for quotation marks alone; `dashes` stand in front. A token that `is_open` lacks
    its value or its closing quotation mark.
    """

    kind: Literal["bar", "plain", "value", "word"]
    start: int
    end: int
    inner: int
    content: str
    key: str = ""
    dashes: int = 0
    is_open: bool = False
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One word; `start` and `end` are its position in the query. A `plain` word was typed after a backslash: never a date."""

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
    """A photo as part of a query: "#1234" is its id in the library, anything else is a path."""

    target: str
    start: int = field(compare=False)
    end: int = field(compare=False)

    def __str__(self) -> str:
        return f"{_PICTURE}:{spelled(self.target)}"


@dataclass(frozen=True, slots=True)
class Term:
    """One term: words that are embedded together, pictures, or both; never empty."""

    words: tuple[Word, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def text(self) -> str:
        """The text for the text tower: the words without weights and backslashes."""
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
    """A fact that must be true of a photo, or with `excluded` false; "text" is exact text in names, folders, keywords and pictures."""

    key: Key
    value: str
    excluded: bool
    start: int = field(compare=False)
    end: int = field(compare=False)

    def __str__(self) -> str:
        typed = f'"{self.value}"' if self.key == "text" else f"{self.key}:{spelled(self.value)}"
        return f"-{typed}" if self.excluded else typed


Aside = Fact | Picture | Term  # here a term is one to see less of


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: any of `alternatives` may match, all of `less` counts against a photo, all `facts` must hold.

    If a half-typed word was completed, `typed` holds the alternatives before that, because names may begin with them.
    Words in other languages are translated for the search unless it is `as_typed`.
    """

    alternatives: tuple[Term, ...] = ()
    less: tuple[Term, ...] = ()
    facts: tuple[Fact, ...] = ()
    faults: tuple[QueryFault, ...] = field(default=(), compare=False)
    text: str = field(default="", compare=False, repr=False)
    tokens: tuple[Token, ...] = field(default=(), compare=False, repr=False)
    typed: tuple[Term, ...] = field(default=(), compare=False, repr=False)
    as_typed: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        wanted = " | ".join(map(str, self.alternatives))
        return " ".join(filter(None, [wanted, *(f"-{term}" for term in self.less), *map(str, self.facts)]))

    @property
    def pictures(self) -> list[Picture]:
        """All pictures in the query, wanted ones first."""
        return [picture for term in (*self.alternatives, *self.less) for picture in term.pictures]

    def asides(self) -> list[Aside]:
        """The parts whose position does not matter, in order; none if the query has too many parts."""
        if any(fault.message == TOO_MANY for fault in self.faults):
            return []
        # With several alternatives, each picture belongs to one of them.
        pictures = self.alternatives[0].pictures if len(self.alternatives) == 1 else ()
        return sorted((*self.facts, *self.less, *pictures), key=lambda part: part.start)

    def replaced(self, start: int, end: int, text: str) -> Query:
        """The query with one part of its text replaced."""
        return parse(self.text[:start] + text + self.text[end:])


def parse(text: str | Query) -> Query:
    """Parses any text in linear time; `faults` lists the parts that cannot be used.

    Returns a parsed query unchanged.
    """
    if isinstance(text, Query):
        return text
    tokens = tuple(_tokens(text))
    gathering = _Gathering()
    for token in tokens:
        gathering.take(token)
    return gathering.query(text, tokens)


def spelled_aside(part: Aside) -> str:
    """How a part is typed."""
    return f"-{part}" if isinstance(part, Term) else str(part)


def joined(words: str, asides: Iterable[str]) -> tuple[str, int]:
    """Joins words and `asides` to one text, the words first unless they may absorb what follows; also returns where the
    words begin.
    """
    words, parts = words.strip(), " ".join(asides)
    if parts and _OPEN.search(words):
        return f"{parts} {words}", len(parts) + 1
    return " ".join(filter(None, (words, parts))), 0


def as_words(text: str) -> str:
    """The same words with backslashes, so that they are searched as plain text."""
    return " ".join(f"\\{word}" for word in re.split(f"[{_BLANK}]+", text) if word)


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        group = next(name for name in _CONTENTS if match[name] is not None)
        content = match[group]
        if group == "word" and not content and not match["dashes"]:
            continue  # a space
        (start, end), inner = match.span(), match.start(group)
        is_quoted = group in {"quoted", "text"}
        key = "text" if group == "text" else (match["key"] or "").lower()
        is_open = is_quoted and not match["value_close" if group == "quoted" else "text_close"]
        kind: Literal["bar", "plain", "value", "word"] = (
            "value" if key else cast('Literal["bar", "plain", "word"]', group)
        )
        if kind == "word" and (alone := _KEY_ALONE.fullmatch(content)):
            key, is_open, inner = alone[1].lower(), True, end
        yield Token(kind, start, end, inner, content, key, len(match["dashes"] or ""), is_open, is_quoted)


class _Gathering:
    """Collects the parts of a query, without empty quotes and lone dashes."""

    def __init__(self) -> None:
        self._alternatives: list[Term] = []
        self._less: list[Term] = []
        self._facts: list[Fact] = []
        self._faults: list[QueryFault] = []
        self._words: list[Word] = []
        self._pictures: list[Picture] = []
        self._surplus: list[tuple[int, int]] = []
        self._unfinished = 0  # keys at the end without values

    def query(self, text: str, tokens: tuple[Token, ...]) -> Query:
        self._end_alternative()
        self._drop_unfinished()
        if self._surplus:
            self._faults.append(QueryFault(self._surplus[0][0], self._surplus[-1][1], TOO_MANY))
        parts = tuple(self._alternatives), tuple(self._less), tuple(self._facts), tuple(self._faults)
        return Query(*parts, text, tokens)

    def take(self, token: Token) -> None:
        if token.kind == "bar":
            self._end_alternative()
        elif token.kind == "value":
            self._take_value(token)
        elif token.content:
            self._take_term(Term(words=(self._word(token),)), token)

    def _take_value(self, token: Token) -> None:
        value = token.content
        if token.is_quoted:
            value = _UNTYPED_RUN.sub(" ", value)
            if not value.strip():
                return
            if token.is_open:
                self._faults.append(QueryFault(token.start, token.end, UNCLOSED))
        if token.key == _PICTURE:
            self._take_term(Term(pictures=(Picture(value, token.start, token.end),)), token)
        elif len(self._facts) == MOST:
            self._surplus.append((token.start, token.end))
        else:
            self._facts.append(Fact(cast("Key", token.key), value, token.dashes > 0, token.start, token.end))
            self._unfinished = 0

    def _word(self, token: Token) -> Word:
        weighted = None if token.kind == "plain" else _WEIGHTED.fullmatch(token.content)
        if weighted is None:
            return Word(token.content, token.start, token.end, plain=token.kind == "plain")
        weight = float(weighted["weight"])
        if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
            self._faults.append(QueryFault(token.end - len(weighted["weight"]) - 1, token.end, WEIGHT))
            weight = 1.0
        return Word(weighted["text"], token.start, token.end, weight)

    def _take_term(self, term: Term, token: Token) -> None:
        known = sum(len(wanted.pictures) for wanted in self._alternatives) + len(self._pictures)
        kept = self._less if token.dashes else self._alternatives
        if len(kept) == MOST or (term.pictures and known == MOST):
            self._surplus.append((token.start, token.end))
            return
        waits = token.kind == "word" and token.is_open
        if token.dashes and waits:
            return
        self._unfinished = self._unfinished + 1 if waits else 0
        if token.dashes:
            self._less.append(term)
        else:
            self._words += term.words
            self._pictures += term.pictures

    def _drop_unfinished(self) -> None:
        """Removes keys without a value from the end of the query, where they were parsed as words."""
        for _ in range(self._unfinished):
            last = self._alternatives.pop()
            if last.words[:-1] or last.pictures:
                self._alternatives.append(Term(last.words[:-1], last.pictures))

    def _end_alternative(self) -> None:
        if self._words or self._pictures:
            self._alternatives.append(Term(tuple(self._words), tuple(self._pictures)))
        self._words, self._pictures = [], []


def spelled(value: str) -> str:
    """A value, in quotation marks if it needs them; a value with both marks and spaces cannot be typed."""
    return f'"{value}"' if _NEEDS_QUOTES.match(value) else value
