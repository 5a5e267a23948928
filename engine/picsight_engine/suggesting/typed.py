"""What is being typed: the word or value at the cursor, and the words right before it that may belong to it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.language.query import Query, Token

_MOST_WORDS = 3
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")  # a plain one: no operator stands in it


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of the query `of` that may be replaced: what of it is typed up to the cursor, and its place as a whole."""

    text: str
    of: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands at the cursor: the value of a `key`, of "text" between quotation marks, else words, `key` being None.

    `phrases` are the same text with ever fewer words in front, three to one; behind a dash there is one. `word` is the plain
    word that ends at the cursor, if one does.
    """

    key: str | None
    phrases: tuple[Phrase, ...]
    word: Phrase | None


def typed_at(query: Query, cursor: int) -> Typed | None:
    """What is being typed with the cursor behind so many characters; None between words and behind what is closed."""
    for place, token in enumerate(query.tokens):
        if token.start < cursor <= token.end:
            return _typed(query, cursor, place)
    return None


def words_of(query: Query) -> list[Phrase]:
    """The plain words of a query, without the dash of what is to be less."""
    return [
        Phrase(token.content, query.text, token.inner, token.end) for token in query.tokens if _is_word(token)
    ]


def _typed(query: Query, cursor: int, place: int) -> Typed | None:
    token = query.tokens[place]
    is_closed = token.is_quoted and not token.is_open
    if token.kind in {"bar", "plain"} or cursor < token.inner or (is_closed and cursor == token.end):
        return None
    text = query.text
    part = text[token.inner : cursor]
    if token.key:
        value = Phrase(part, text, token.start + token.dashes, token.end)
        return Typed(token.key, (value,), None)
    if not part:
        return None
    word = Phrase(part, text, token.inner, token.end)
    in_front = [] if token.dashes else _words_before(query, place)
    phrases = (Phrase(text[start:cursor], text, start, word.end) for start in (*in_front, word.start))
    return Typed(None, tuple(phrases), word if cursor == word.end and _is_word(token) else None)


def _words_before(query: Query, place: int) -> list[int]:
    """Where the words right before a token begin, the first one first, with nothing but blanks between them."""
    begins: list[int] = []
    start = query.tokens[place].inner
    for token in reversed(query.tokens[max(place - _MOST_WORDS + 1, 0) : place]):
        if not _is_word(token) or token.dashes or query.text[token.end : start].strip():
            break
        start = token.start
        begins.insert(0, start)
    return begins


def _is_word(token: Token) -> bool:
    return token.kind == "word" and _WORD.fullmatch(token.content) is not None
