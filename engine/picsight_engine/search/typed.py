"""What is being typed: the word or value at the cursor, and the words right before it that may belong to it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTE = '"“”„'
_TOKEN = re.compile(
    rf"(?P<dashes>-*)(?:(?P<key>(?ai:[a-z]+)):(?:[{_QUOTE}](?P<quoted>[^{_QUOTE}]*)(?P<closed>[{_QUOTE}]?)"
    rf"|(?P<value>[^\s|]*))|[{_QUOTE}](?P<text>[^{_QUOTE}]*)(?P<close>[{_QUOTE}]?)|(?P<word>[^\s|-][^\s|]*))|\S"
)
_PARTS = ("quoted", "value", "text", "word")
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


def typed_at(text: str, cursor: int) -> Typed | None:
    """What is being typed with the cursor behind so many characters; None between words and behind what is closed."""
    before: list[re.Match[str]] = []
    for token in _TOKEN.finditer(text):
        if token.start() < cursor <= token.end():
            return _typed(text, cursor, token, before)
        before.append(token)
    return None


def words_of(text: str) -> list[Phrase]:
    """The plain words of a query, without the dash of what is to be less."""
    return [
        Phrase(token["word"], text, token.start("word"), token.end("word"))
        for token in _TOKEN.finditer(text)
        if _is_word(token)
    ]


def _typed(text: str, cursor: int, token: re.Match[str], before: list[re.Match[str]]) -> Typed | None:
    name = next((name for name in _PARTS if token[name] is not None), None)
    if name is None or cursor < token.start(name) or (cursor == token.end() != token.end(name)):
        return None
    part = text[token.start(name) : cursor]
    if name == "word" and not part:
        return None
    if name != "word":
        value = Phrase(part, text, token.start() + len(token["dashes"]), token.end())
        return Typed((token["key"] or "text").lower(), (value,), None)
    word = Phrase(part, text, token.start(name), token.end())
    in_front = [] if token["dashes"] else _words_before(text, before, word.start)
    phrases = (Phrase(text[start:cursor], text, start, word.end) for start in (*in_front, word.start))
    whole = word if cursor == word.end and _is_word(token) else None
    return Typed(None, tuple(phrases), whole)


def _words_before(text: str, before: list[re.Match[str]], start: int) -> list[int]:
    """Where the words right before `start` begin, the first one first, with nothing but blanks between them."""
    begins: list[int] = []
    for token in reversed(before[-_MOST_WORDS + 1 :]):
        if not _is_word(token) or token["dashes"] or text[token.end() : start].strip():
            break
        start = token.start()
        begins.insert(0, start)
    return begins


def _is_word(token: re.Match[str]) -> bool:
    return token["word"] is not None and _WORD.fullmatch(token["word"]) is not None
