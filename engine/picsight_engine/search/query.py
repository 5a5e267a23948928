"""The query language: what a person types becomes alternatives to look for and things to see less of.

    query  = { term | "|" }          sunset beach        one thing to look for, as its words stand together
    term   = ["-"] ( word | phrase ) sunset | sunrise    alternatives: either may be there
    word   = no blank, no "|"        sunset -people      less of something
    phrase = '"' anything '"'        "a | b"  -"old man" words that are never operators, taken together

What is decided here, so that it reads as it is meant:
* "-" asks for less only at the start of a word; "well-known" is a word, a dash that stands alone says nothing.
* Less of something holds for the whole query, wherever it stands: nobody who types "dog | cat -indoor" wants
  indoor dogs. Its words do not end an alternative: "sunset -people beach" looks for "sunset beach".
* "|" needs no spaces; an alternative without words ("| a", "a | | b", "a |" while typing) is left out.
* A quotation mark opens a phrase at the start of a word only, so 5" is a word; curly ones count too.
* Whatever means nothing to the language, such as "16:9", is plain text.

Parsing is pure and never raises. Printing a query gives text that parses to an equal query; positions and faults,
which belong to one spelling, take no part in equality.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from picsight_engine.search.answer import QueryFault

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TERMS = 16  # alternatives, and as many to see less of: each one costs a pass through the text tower

# Control characters and lone surrogates (undecodable bytes of a command line) separate words as blanks do.
_BLANK = r"\s\x00-\x1f\x7f-\x9f\ud800-\udfff"
_QUOTE = '"“”„'
_BLANKS = re.compile(f"[{_BLANK}]+")
_TOKEN = re.compile(
    rf"(?P<bar>\|)|(?P<dashes>-*)(?:[{_QUOTE}](?P<phrase>[^{_QUOTE}]*)(?P<close>[{_QUOTE}]?)|(?P<word>[^{_BLANK}|]*))"
)

UNCLOSED = "The closing quotation mark is missing; the rest was taken as one phrase."
ONLY_LESS = "Say first what to look for: asking for less of something alone finds nothing."
TOO_MANY = f"More than {MOST_TERMS} alternatives or words to see less of are too many; the rest was left out."


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or one phrase as it stood between quotation marks; `start` and `end` are its place in the query."""

    text: str
    quoted: bool
    start: int = field(compare=False)
    end: int = field(compare=False)

    def __str__(self) -> str:
        return f'"{self.text}"' if self.quoted else self.text


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand for one thing and are embedded together; never empty."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """What the text tower reads: the words without their quotation marks."""
        return " ".join(word.text for word in self.words)

    def __str__(self) -> str:
        return " ".join(map(str, self.words))


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: any of `alternatives` is looked for, everything in `less` counts against a photo."""

    alternatives: tuple[Term, ...] = ()
    less: tuple[Term, ...] = ()
    faults: tuple[QueryFault, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        wanted = " | ".join(map(str, self.alternatives))
        return " ".join(filter(None, [wanted, *(f"-{term}" for term in self.less)]))


@dataclass(frozen=True, slots=True)
class _Token:
    """A "|" (`word` is None) or a word, wanted or to see less of."""

    word: Word | None
    less: bool
    start: int
    end: int
    unclosed: bool = False


def parse(text: str) -> Query:
    """Parses any text in time proportional to its length; what cannot be used is named in `faults`."""
    alternatives: list[Term] = []
    less: list[Term] = []
    faults: list[QueryFault] = []
    words: list[Word] = []
    surplus: list[_Token] = []
    for token in _tokens(text):
        if token.unclosed:
            faults.append(QueryFault(token.start, token.end, UNCLOSED))
        if token.word is None:
            if words:
                alternatives.append(Term(tuple(words)))
            words = []
        elif len(less if token.less else alternatives) == MOST_TERMS:
            surplus.append(token)
        elif token.less:
            less.append(Term((token.word,)))
        else:
            words.append(token.word)
    if words:
        alternatives.append(Term(tuple(words)))
    if less and not alternatives:
        faults.append(QueryFault(less[0].words[0].start, less[-1].words[-1].end, ONLY_LESS))
    if surplus:
        faults.append(QueryFault(surplus[0].start, surplus[-1].end, TOO_MANY))
    return Query(tuple(alternatives), tuple(less), tuple(faults))


def _tokens(text: str) -> Iterator[_Token]:
    """The bars and words in order; empty phrases and dashes that stand alone are passed over."""
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if match["bar"]:
            yield _Token(None, less=False, start=start, end=end)
            continue
        quoted = match["word"] is None
        content = _BLANKS.sub(" ", match["phrase"]).strip() if quoted else match["word"]
        if content:
            yield _Token(
                Word(content, quoted, start, end),
                less=bool(match["dashes"]),
                start=start,
                end=end,
                unclosed=quoted and not match["close"],
            )
