"""Where one is: all photos, one folder, or the answer to a query. A value to go back to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from picsight.window.search.pieces import Pieces
from picsight_engine.search.query import parse

if TYPE_CHECKING:
    from pathlib import Path

MEANING_FROM = 3  # letters: fewer find noise


@dataclass(frozen=True, slots=True)
class Place:
    """What the wall is asked to show; everything empty is all photos. Words are looked for inside of the folder."""

    words: str = ""
    folder: Path | None = None
    cursor: int | None = field(default=None, compare=False)  # behind a word that may not be whole yet

    @property
    def is_search(self) -> bool:
        """True where the library is asked for an answer: such a wall is never appended to."""
        return bool(self.words)

    @property
    def has_pictures(self) -> bool:
        """True where photos are looked for that are like others: how well they match is not known."""
        query = parse(self.words)
        return any(term.pictures for term in (*query.alternatives, *query.less))

    @property
    def scope(self) -> str:
        """The folder as the query language spells it."""
        return f'folder:"{self.folder.as_posix()}/"' if self.folder is not None else ""

    @property
    def query(self) -> str:
        """The words with the folder."""
        return str(Pieces(self.words, (self.scope,) if self.scope else ()))


def ready(text: str) -> str | None:
    """The words to search for, "" for none, or None while too little is typed: meaning needs three letters or a whole word."""
    words = " ".join(text.split())
    if not words:
        return ""
    finished = len(words) > 1 and text[-1:].isspace()
    return words if len(words) >= MEANING_FROM or finished else None
