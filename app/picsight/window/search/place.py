"""Where one is: all photos, one folder, the answer to words, or photos like another. A value to go back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight.window.grid.arrangement import Tally, arrange_all, arrange_answer, tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight.window.grid.arrangement import Arrangement
    from picsight.window.grid.wall import Wall
    from picsight.window.search.listing import Listing
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result

MOST = 1000  # photos that a search brings; who looks for one of more says more
MEANING_FROM = 3  # letters: fewer find noise


@dataclass(frozen=True, slots=True)
class Place:
    """What the wall is asked to show; everything empty is all photos."""

    words: str = ""
    like: Result | None = None
    folder: Path | None = None

    @property
    def is_search(self) -> bool:
        """True where photos are ranked: such a wall is never appended to."""
        return bool(self.words) or self.like is not None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a place holds: the wall, the photos that it was made of, how many match, how many were looked through, what
    of the words could not be used.
    """

    wall: Wall
    results: tuple[Result, ...]
    tally: Tally
    photos: int
    faults: tuple[str, ...] = ()

    is_search: bool = True
    is_begun: bool = False  # there are more photos, which are still being read

    @property
    def finds_nothing(self) -> bool:
        """True where a search has no photo that may match."""
        return self.is_search and self.tally.finds_nothing

    @property
    def is_cut(self) -> bool:
        """True where more photos match than a search brings."""
        return len(self.results) == MOST and self.results[-1].match != "none"


def ready(text: str) -> str | None:
    """The words to search for, "" for none, or None while too little is typed: meaning needs three letters or a whole word."""
    words = " ".join(text.split())
    if not words:
        return ""
    finished = len(words) > 1 and text[-1:].isspace()
    return words if len(words) >= MEANING_FROM or finished else None


def look(library: Library, place: Place, arrangement: Arrangement, listing: Listing) -> Shown:
    """Ask the library for what a place holds; runs in a thread."""
    if place.like is not None:
        answer = library.similar(place.like.id, limit=MOST)
    elif place.words:
        answer = library.search(place.words, limit=MOST)
    else:
        return _listed(library, place, arrangement, listing)
    wall = arrange_answer(answer.results, arrangement)
    faults = tuple(fault.message for fault in answer.faults)
    return Shown(wall, answer.results, tally(answer.results), answer.photos, faults)


def _listed(library: Library, place: Place, arrangement: Arrangement, listing: Listing) -> Shown:
    reading = listing.photos(library)
    photos: Sequence[Result] = reading.answer.results
    if place.folder is not None:
        start = f"{place.folder}/".replace("//", "/")
        photos = [photo for photo in photos if photo.path.as_posix().startswith(start)]
    wall = arrange_all(photos, arrangement)
    return Shown(wall, (), Tally(), reading.answer.photos, is_search=False, is_begun=reading.is_begun)
