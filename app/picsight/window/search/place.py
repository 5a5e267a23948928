"""Where one is: all photos, one folder, or the answer to a query. A value to go back to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from picsight.window.grid.arrangement import Order
from picsight_engine.language.query import Fact, Query, joined, parse

if TYPE_CHECKING:
    from pathlib import Path

    from picsight.window.grid.arrangement import Arrangement

MEANING_FROM = 3  # letters: fewer find noise


@dataclass(frozen=True, slots=True)
class Place:
    """What the wall is asked to show; everything empty is all photos. Words are looked for inside of the folder.

    `order` is that of a search, None for the usual one; in another one than by match, `weaker` includes weaker photos.
    """

    words: str = ""
    folder: Path | None = None
    cursor: int | None = field(default=None, compare=False)  # behind a word that may not be whole yet
    asked: Query = field(default=Query(), compare=False, repr=False)
    order: Order | None = None
    weaker: bool = False

    def __post_init__(self) -> None:
        """Words are parsed once."""
        if self.asked.text != self.words:
            object.__setattr__(self, "asked", parse(self.words))

    @property
    def is_search(self) -> bool:
        """True where the library is asked for an answer: such a wall is never appended to."""
        return bool(self.words)

    @property
    def has_pictures(self) -> bool:
        """True where photos are looked for that are like others: how well they match is not known."""
        return bool(self.asked.pictures)

    def arranged(self, usual: Arrangement) -> Arrangement:
        """How its photos lie: a search by match, or by date if it has facts alone, until a person says otherwise."""
        if not self.is_search:
            return usual
        by_match = self.order in (None, Order.MATCH)
        weaker = usual.weaker if by_match else self.weaker
        listed, ranked = self.order or Order.DATE, self.order or Order.MATCH
        return replace(usual, ranked=ranked, listed=listed, weaker=weaker)

    @property
    def scoped(self) -> Query:
        """What is asked, with the folder, which has no place in the text: its fact stands at the end, without length."""
        return replace(self.asked, facts=(*self.asked.facts, *self._scope()))

    @property
    def query(self) -> str:
        """The words with the folder, to be kept."""
        return joined(self.words, map(str, self._scope()))[0]

    def _scope(self) -> list[Fact]:
        if self.folder is None:
            return []
        end = len(self.words)
        return [Fact("folder", f"{self.folder.as_posix()}/", excluded=False, start=end, end=end)]


def ready(text: str) -> str | None:
    """The words to search for, "" for none, or None while too little is typed: meaning needs three letters or a whole word."""
    words = " ".join(text.split())
    if not words:
        return ""
    finished = len(words) > 1 and text[-1:].isspace()
    return words if len(words) >= MEANING_FROM or finished else None
