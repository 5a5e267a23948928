"""A query as the box shows it: words in a line, and pieces that stand beside it as chips. Pure.

Facts, less-of and pictures hold wherever they stand, so taking them out of the line changes nothing of what is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from picsight_engine.search.query import TOO_MANY, UNCLOSED, as_words, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from picsight_engine.search.query import Query


@dataclass(frozen=True, slots=True)
class Piece:
    """What becomes a chip: how it is typed, and its place in the line."""

    token: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """A query in its parts; `plain` are phrases of the line that are words whatever they would mean."""

    line: str = ""
    tokens: tuple[str, ...] = ()
    plain: frozenset[str] = frozenset()

    def __str__(self) -> str:
        line = self.line.strip()
        for phrase in sorted(self.plain, key=len, reverse=True):
            line = _phrase(phrase).sub(lambda found: as_words(found[0]), line)
        # What is still open at the end of the line would swallow what follows.
        is_open = line.endswith(":") or any(fault.message == UNCLOSED for fault in parse(line).faults)
        parts = (*self.tokens, line) if is_open else (line, *self.tokens)
        return " ".join(filter(None, parts))


def pieces_of(line: str, plain: Iterable[str] = ()) -> list[Piece]:
    """What of a line may stand as chips, in its order."""
    query = parse(line)
    if any(fault.message == TOO_MANY for fault in query.faults):
        return []
    taken = [place for phrase in plain for place in _places(phrase, line)]
    return [
        piece
        for piece in sorted(_all_pieces(query), key=lambda piece: piece.start)
        if not any(start <= piece.start < end for start, end in taken)
    ]


def finished(line: str, cursor: int, plain: Iterable[str] = ()) -> list[Piece]:
    """The pieces that were left by a space: nobody is typing them any more."""
    return [
        piece
        for piece in pieces_of(line, plain)
        if line[piece.end : piece.end + 1].isspace() and not piece.start < cursor <= piece.end
    ]


def separated(query: str) -> Pieces:
    """Any query in its parts; joined again they ask for the same."""
    pieces = pieces_of(query)
    tokens, line = tuple(piece.token for piece in pieces), without(query, pieces)
    asked = parse(query)
    for parts in (_shown_plainly(line, tokens), Pieces(" ".join(line.split()), tokens)):
        if parse(str(parts)) == asked:
            return parts
    return Pieces(query.strip())


def _shown_plainly(line: str, tokens: tuple[str, ...]) -> Pieces:
    """Words behind backslashes without them; right only where the same words do not stand there without, too."""
    words = [word for term in parse(line).alternatives for word in term.words]
    plain = set()
    for is_plain, group in groupby(words, key=lambda word: word.plain):
        if is_plain:
            plain.add(" ".join(word.text for word in group))
    for word in reversed(words):
        if word.plain:
            line = line[: word.start] + word.text + line[word.end :]
    return Pieces(" ".join(line.split()), tokens, frozenset(plain))


def without(line: str, pieces: Sequence[Piece]) -> str:
    """The line without these pieces, each with a blank behind it."""
    for piece in sorted(pieces, key=lambda piece: piece.start, reverse=True):
        start, end = extent(line, piece)
        line = line[:start] + line[end:]
    return line


def extent(line: str, piece: Piece) -> tuple[int, int]:
    """A piece's place with one of the blanks around it: the words before and behind stay apart by one."""
    start, end = piece.start, piece.end
    if line[end : end + 1].isspace() and (start == 0 or line[start - 1].isspace()):
        end += 1
    return start, end


def first_place(phrase: str, line: str) -> tuple[int, int] | None:
    """Where a phrase stands in a line as whole words."""
    return next(iter(_places(phrase, line)), None)


def _all_pieces(query: Query) -> list[Piece]:
    pieces = [Piece(str(fact), fact.start, fact.end) for fact in query.facts]
    pieces += [Piece(f"-{term}", term.start, term.end) for term in query.less]
    if len(query.alternatives) == 1:  # else each picture belongs to an alternative of its own
        pictures = query.alternatives[0].pictures
        pieces += [Piece(str(picture), picture.start, picture.end) for picture in pictures]
    return pieces


def _places(phrase: str, line: str) -> list[tuple[int, int]]:
    return [found.span() for found in _phrase(phrase).finditer(line)]


def _phrase(phrase: str) -> re.Pattern[str]:
    words = r"\s+".join(map(re.escape, phrase.split()))
    return re.compile(rf"(?<!\S){words or '(?!)'}(?!\S)", re.IGNORECASE)
