"""The place that the wall shows: all photos, one folder, or the answer to a query. A value, kept for going back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from picsight.window.grid.arrangement import Order
from picsight_engine.language.query import Fact, Query, joined, parse

if TYPE_CHECKING:
    from pathlib import Path

    from picsight.window.grid.arrangement import Arrangement
    from picsight_engine.tags.tree import Tag

_LIKE = re.compile("like:#([0-9]{1,18})")
MEANING_FROM = 3  # letters: fewer find noise


@dataclass(frozen=True, slots=True)
class Place:
    """What the wall shows; an empty place is all photos. A query searches the folder only.

    `order` is that of a search, None for the default; in an order other than by match, `weaker` includes weaker photos.
    `as_typed`: words in other languages are not translated.
    """

    words: str = ""
    folder: Path | None = None
    cursor: int | None = field(default=None, compare=False)  # behind a possibly unfinished word
    asked: Query = field(default=Query(), compare=False, repr=False)
    order: Order | None = None
    weaker: bool = False
    as_typed: bool = False

    def __post_init__(self) -> None:
        """Parse the words once."""
        if self.asked.text != self.words:
            object.__setattr__(self, "asked", parse(self.words))

    @property
    def is_search(self) -> bool:
        """True for a search: new photos are never appended to its wall."""
        return bool(self.words)

    @property
    def has_pictures(self) -> bool:
        """True for a search by similar photos, whose matches are not calibrated."""
        return bool(self.asked.pictures)

    @property
    def like(self) -> int | None:
        """The photo of the library to which nothing but likeness is asked; None in any other search."""
        found = _LIKE.fullmatch(self.words)
        return int(found[1]) if found else None

    def arranged(self, usual: Arrangement) -> Arrangement:
        """The arrangement: for a search by match, or by date if it has only facts, unless the user chose another."""
        if not self.is_search:
            return usual
        by_match = self.order in (None, Order.MATCH)
        weaker = usual.weaker if by_match else self.weaker
        listed, ranked = self.order or Order.DATE, self.order or Order.MATCH
        return replace(usual, ranked=ranked, listed=listed, weaker=weaker)

    @property
    def scoped(self) -> Query:
        """The query with the folder, which is not in the text: its fact is at the end and has length 0."""
        facts = (*self.asked.facts, *self._scope())
        return replace(self.asked, facts=facts, as_typed=self.as_typed)

    @property
    def query(self) -> str:
        """The query's text with the folder, for saving."""
        return joined(self.words, map(str, self._scope()))[0]

    def _scope(self) -> list[Fact]:
        if self.folder is None:
            return []
        end = len(self.words)
        return [Fact("folder", f"{self.folder.as_posix()}/", excluded=False, start=end, end=end)]


def ready(text: str) -> str | None:
    """The words to search for, "" for none, None while too few are typed: a search needs three letters or a whole word."""
    words = " ".join(text.split())
    if not words:
        return ""
    finished = len(words) > 1 and text[-1:].isspace()
    return words if len(words) >= MEANING_FROM or finished else None


FAVOURITES = "is:favourite"


_QUOTES = re.compile('["“”„]')


def query_of(tag: Tag) -> str:
    """The search that shows a tag's photos, as typed."""
    if tag.kind == "favourite":
        return FAVOURITES
    path = _QUOTES.sub("'", tag.path)  # equivalent to the quotation marks that the query language reserves
    return str(Fact("tag", path, excluded=False, start=0, end=0))
