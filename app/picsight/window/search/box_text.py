"""The query in the box: a line of words, then chips for the parts whose position does not matter. Pure.

Every edit makes a new entry, whose text is parsed once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.language.query import Query, joined, parse, spelled_aside

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from picsight_engine.language.query import Aside

_WORD = re.compile(r"\S+")
PLAIN = re.compile(r"(?<!\S)\\(?=\S)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the line that may become a chip, and its typed form; an open one lacks its closing quotation mark."""

    token: str
    start: int
    end: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class BoxText:
    """The query, the line as shown, and the chips as typed.

    A word of the line that begins at a position in `plain` has a hidden backslash before it in the query.
    The line's words begin at `start` in the query's text.
    """

    query: Query = Query()  # noqa: RUF009 - a frozen value
    line: str = ""
    tokens: tuple[str, ...] = ()
    plain: frozenset[int] = frozenset()
    start: int = 0

    @classmethod
    def from_text(cls, text: str) -> BoxText:
        """An entry for a query, with all possible chips."""
        query = parse(text)
        parts = query.asides()
        line = shortened(query.text, [(part.start, part.end) for part in parts])
        plain = [found.start() - before for before, found in enumerate(PLAIN.finditer(line))]
        entry = _entry(PLAIN.sub("", line), map(spelled_aside, parts), plain)
        return entry if entry.query == query else _entry(query.text.strip())

    def place(self, position: int) -> int:
        """Map a position in the line to the query's text; one behind trailing spaces maps to one behind the words."""
        hidden = sum(at < position for at in self.plain)
        return min(self.start + max(position - self._indent, 0) + hidden, self._end + 1)

    @property
    def _indent(self) -> int:
        return len(self.line) - len(self.line.lstrip())

    @property
    def _end(self) -> int:
        return self.start + len(self.line.strip()) + len(self.plain)

    def chips(self) -> dict[str, Aside | None]:
        """The chips by their typed form; None for one that does not fit into the query."""
        parts = {self.query.text[part.start : part.end]: part for part in self.query.asides()}
        return {token: parts.get(token) for token in self.tokens}

    def pieces(self) -> list[Piece]:
        """The parts of the line that may become chips."""
        parts = [part for part in self.query.asides() if self.start <= part.start < self._end]
        ends = {token.end for token in self.query.tokens if token.is_open}
        return [
            Piece(spelled_aside(part), self._shown_at(part.start), self._shown_at(part.end), part.end in ends)
            for part in parts
        ]

    def _shown_at(self, place: int) -> int:
        position = place - self.start + self._indent
        for at in sorted(self.plain):
            position -= at < position
        return position

    def finished(self, cursor: int) -> list[Piece]:
        """The finished pieces: those followed by a space."""
        return [
            piece
            for piece in self.pieces()
            if self.line[piece.end : piece.end + 1].isspace()
            and not (piece.is_open or piece.start < cursor <= piece.end)
        ]

    def edited(self, line: str) -> BoxText:
        """Replace the line by one that differs in one place; a changed plain word is no longer plain."""
        shift = len(line) - len(self.line)
        moved = ((at, now) for at in self.plain for now in (at, at + shift))
        return _entry(
            line, self.tokens, [now for at, now in moved if _word(line, now) == _word(self.line, at)]
        )

    def folded(self, pieces: Sequence[Piece], cursor: int) -> tuple[BoxText, int]:
        """Turn pieces of the line into chips; the cursor stays between the same words."""
        line, plain = self.line, self.plain
        for piece in reversed(pieces):
            start, end = extent(line, piece.start, piece.end)
            line = line[:start] + line[end:]
            plain = frozenset(at - (end - start) if at >= end else at for at in plain)
            cursor -= max(0, min(end, cursor) - start)
        return _entry(line, (*self.tokens, *(piece.token for piece in pieces)), plain), cursor

    def opened(self, token: str) -> BoxText:
        """Turn a chip into text at the end of the line."""
        line = f"{self.line.rstrip()} {token}" if self.line.strip() else token
        return _entry(line, (each for each in self.tokens if each != token), self.plain)

    def without(self, token: str) -> BoxText:
        """Remove a chip."""
        return _entry(self.line, (each for each in self.tokens if each != token), self.plain)

    def with_chip(self, token: str) -> BoxText:
        """Add a chip."""
        return _entry(self.line, (*self.tokens, token), self.plain)

    def as_words(self, start: int, end: int) -> BoxText:
        """Turn a part of the line into plain words, whatever it means."""
        plain = (found.start() for found in _WORD.finditer(self.line, start, end))
        return _entry(self.line, self.tokens, self.plain.union(plain))


def _entry(line: str, chips: Iterable[str] = (), plain: Iterable[int] = ()) -> BoxText:
    tokens, places = tuple(dict.fromkeys(chips)), frozenset(plain)
    spelled = line
    for at in sorted(places, reverse=True):
        spelled = f"{spelled[:at]}\\{spelled[at:]}"
    text, start = joined(spelled, tokens)
    return BoxText(parse(text), line, tokens, places, start)


def _word(line: str, at: int) -> str:
    """The word that begins at a position, "" for none."""
    found = _WORD.match(line, at) if at == 0 or (at > 0 and line[at - 1 : at].isspace()) else None
    return found[0] if found else ""


def extent(line: str, start: int, end: int) -> tuple[int, int]:
    """A range with one of the spaces around it: one space remains between its neighbours."""
    if line[end : end + 1].isspace() and (start == 0 or line[start - 1].isspace()):
        end += 1
    return start, end


def shortened(text: str, places: Iterable[tuple[int, int]]) -> str:
    """The text without some ranges, with single spaces."""
    for start, end in sorted(places, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    return " ".join(text.split())


def first_place(phrase: str, line: str) -> tuple[int, int] | None:
    """The first range of a line that holds a phrase as whole words."""
    words = r"\s+".join(map(re.escape, phrase.split()))
    found = re.search(rf"(?<!\S){words or '(?!)'}(?!\S)", line, re.IGNORECASE)
    return found.span() if found else None


class EntryHistory:
    """The undo history of the box: its entries and their cursors."""

    def __init__(self, entry: BoxText) -> None:
        self._steps = [(entry, len(entry.line))]
        self._at = 0
        self._growing: bool | None = None  # consecutive letters are one step

    def note(self, entry: BoxText, cursor: int, *, typed: bool) -> None:
        """Add an entry; a letter `typed` right behind the last one joins its step."""
        (before, stood), step = self._steps[self._at], (entry, cursor)
        shift = len(entry.line) - len(before.line)
        joins = typed and self._growing == (shift > 0) and cursor - shift == stood
        self._steps[self._at + (not joins) :] = [step]
        self._at = len(self._steps) - 1
        self._growing = shift > 0 if typed else None

    def step(self, by: int) -> tuple[BoxText, int] | None:
        """The entry one step back or forward; None if there is none."""
        if not 0 <= self._at + by < len(self._steps):
            return None
        self._at, self._growing = self._at + by, None
        return self._steps[self._at]
