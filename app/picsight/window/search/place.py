"""Where one is: all photos, one folder, the answer to words, or photos like another. A value to go back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight.window.grid.wall import Wall

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result

BEST = 100  # photos that a search shows; without calibration nobody can say where good ends
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
    """What a place holds: the wall, how many photos were looked through, what of the words could not be used."""

    wall: Wall
    photos: int
    faults: tuple[str, ...] = ()


def ready(text: str) -> str | None:
    """The words to search for, "" for none, or None while too little is typed: meaning needs three letters or a whole word."""
    words = " ".join(text.split())
    if not words:
        return ""
    finished = len(words) > 1 and text[-1:].isspace()
    return words if len(words) >= MEANING_FROM or finished else None


def look(library: Library, place: Place) -> Shown:
    """Ask the library for what a place holds; runs in a thread."""
    if place.like is not None:
        answer = library.similar(place.like.id, limit=BEST)
    elif place.words:
        answer = library.search(place.words, limit=BEST)
    else:
        answer = library.all_photos()
    results: Iterable[Result] = answer.results
    if place.folder is not None and not place.is_search:
        start = f"{place.folder}/".replace("//", "/")
        results = [photo for photo in results if photo.path.as_posix().startswith(start)]
    return Shown(Wall.of(results), answer.photos, tuple(fault.message for fault in answer.faults))
