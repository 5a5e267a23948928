"""Finds the word or value at the cursor, and the words right before it that may belong to it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.language.query import Query, Token

_MOST_WORDS = 3
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")  # a plain word, without operators


@dataclass(frozen=True, slots=True)
class Phrase:
    """A replaceable part of the query `of`: its text up to the cursor, and its whole position."""

    text: str
    of: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TypedText:
    """The text at the cursor: the value of a `key`, "text" in quotation marks, or words, with `key` None.

    `phrases` are the same text with fewer and fewer words in front, from three to one; after a dash there is only one.
    `word` is the plain word that ends at the cursor, if any.
    """

    key: str | None
    phrases: tuple[Phrase, ...]
    word: Phrase | None


def typed_at(query: Query, cursor: int) -> TypedText | None:
    """The text being typed with `cursor` characters before the cursor; None between words and after a closed value."""
    for place, token in enumerate(query.tokens):
        if token.start < cursor <= token.end:
            return _typed(query, cursor, place)
    return None


def words_of(query: Query) -> list[Phrase]:
    """The plain words of a query, without leading dashes."""
    return [
        Phrase(token.content, query.text, token.inner, token.end) for token in query.tokens if _is_word(token)
    ]


def _typed(query: Query, cursor: int, place: int) -> TypedText | None:
    token = query.tokens[place]
    is_closed = token.is_quoted and not token.is_open
    if token.kind in {"bar", "plain"} or cursor < token.inner or (is_closed and cursor == token.end):
        return None
    text = query.text
    part = text[token.inner : cursor]
    if token.key:
        value = Phrase(part, text, token.start + token.dashes, token.end)
        return TypedText(token.key, (value,), None)
    if not part:
        return None
    word = Phrase(part, text, token.inner, token.end)
    in_front = [] if token.dashes else _words_before(query, place)
    phrases = (Phrase(text[start:cursor], text, start, word.end) for start in (*in_front, word.start))
    return TypedText(None, tuple(phrases), word if cursor == word.end and _is_word(token) else None)


def _words_before(query: Query, place: int) -> list[int]:
    """The start positions, in order, of the words right before a token, with only spaces between them."""
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
