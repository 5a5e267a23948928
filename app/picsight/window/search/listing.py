"""All photos of the library as they were read last: reading 100,000 takes a second, showing them again nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Answer

FIRST = 400  # photos: more than a screen, read in a twentieth of the time


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a library; `is_begun` where only the newest photos are there yet."""

    answer: Answer
    is_begun: bool


class Listing:
    """Keeps all photos until they may have changed. Read in threads, forgotten on the GUI thread."""

    def __init__(self) -> None:
        self._kept: Answer | None = None
        self._is_new = True
        self._changes = 0

    def forget(self) -> None:
        """Photos came or went: read them anew next time."""
        self._kept = None
        self._changes += 1

    def photos(self, library: Library) -> Reading:
        """All photos, newest first; the very first time only the newest of many."""
        if self._kept is not None:
            return Reading(self._kept, is_begun=False)
        if self._is_new:
            self._is_new = False
            first = library.newest_photos(limit=FIRST)
            if len(first.results) == FIRST:
                return Reading(first, is_begun=True)
        changes = self._changes
        answer = library.all_photos()
        if changes == self._changes:  # else it may be of before
            self._kept = answer
        return Reading(answer, is_begun=False)
