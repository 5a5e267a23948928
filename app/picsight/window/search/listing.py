"""All photos of the library as they were read last: reading 100,000 takes a second, showing them again nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight.window.grid.arrangement import Arrangement
    from picsight.window.search.look import Shown
    from picsight.window.search.place import Place
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Answer

FIRST = 400  # photos: more than a screen, read in a twentieth of the time


class Listing:
    """Keeps all photos while the library stays as it is, and the wall that was made of them last. Used in threads."""

    def __init__(self) -> None:
        self._kept: tuple[int, Answer] | None = None
        self._shown: tuple[Place, Arrangement, Shown] | None = None
        self._is_new = True

    def photos(self, library: Library) -> tuple[Answer, bool]:
        """All photos, newest first, and whether that is only the beginning: the very first time the newest of many."""
        revision, kept = library.revision, self._kept
        if kept is not None and kept[0] == revision:
            return kept[1], False
        if self._is_new:
            self._is_new = False
            first = library.newest_photos(limit=FIRST)
            if len(first.results) == FIRST:
                return first, True
        answer = library.all_photos()
        self._kept = revision, answer  # what came meanwhile has another number
        return answer, False

    def shown_before(self, place: Place, arrangement: Arrangement) -> Shown | None:
        """What was shown of it last, if it was that place, lying so."""
        kept = self._shown
        return kept[2] if kept is not None and kept[:2] == (place, arrangement) else None

    def remember(self, place: Place, arrangement: Arrangement, shown: Shown) -> None:
        """Keep what is shown."""
        self._shown = (place, arrangement, shown)
