"""What changed behind a wall while someone looks at it: photos that came, photos that are gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight.window.search.look import Shown, look

if TYPE_CHECKING:
    from picsight.window.grid.arrangement import Arrangement
    from picsight.window.search.listing import Listing
    from picsight.window.search.place import Place
    from picsight_engine.library import Library


@dataclass(frozen=True, slots=True)
class News:
    """The place as it is now, how many photos are new in it, whether shown ones are gone, and the wall with the new
    photos at its end (None where photos are ranked, or none is new).
    """

    newer: Shown
    count: int
    are_gone: bool
    grown: Shown | None


def compare(library: Library, place: Place, shown: Shown, arrangement: Arrangement, listing: Listing) -> News:
    """Look at a place again and say what is new; runs in a thread."""
    newer = look(library, place, arrangement, listing)
    count = shown.wall.new_in(newer.wall)
    # In a ranking a photo may also be missing because better ones came: then nothing is known to be gone.
    are_gone = newer.wall.new_in(shown.wall) > 0 and not (place.is_search and count)
    grown = None
    if count and not place.is_search:
        grown = replace(newer, wall=shown.wall.followed_by(newer.wall))
    return News(newer, count, are_gone, grown)
