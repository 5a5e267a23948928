"""Photos that move: films inside a photo's file, and films beside the photo whose moving part they are."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from picsight_engine.errors import ImageError
from picsight_engine.metadata import is_same_time
from picsight_engine.photos.decode import read_header
from picsight_engine.photos.film_tags import CONTENT_IDENTIFIER, DURATION, UTC_DATE
from picsight_engine.photos.reading import Limits, read_photo
from picsight_engine.photos.tag_precedence import read_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from picsight_engine.photos.exif import Facts

_MOST_SECONDS = 6.0  # of a film that belongs to a photo by its name alone; a Live Photo's has three
_APPLE_NOTES = b"Apple iOS\0"  # the start of an iPhone's notes, which hold the identifier


def is_moving_part(facts: Facts, stills: Iterable[Path]) -> bool:
    """Whether a film with these facts is the moving part of one of the stills beside it.

    Both have one content identifier; where one of them has none, their names, times and the film's length decide.
    """
    for still in stills:
        with suppress(ImageError):
            if _belong_together(facts, still):
                return True
    return False


def _belong_together(facts: Facts, still: Path) -> bool:
    data = read_photo(still, Limits())
    identifier = str(facts.get(CONTENT_IDENTIFIER, "")).encode()
    if identifier and identifier in data:
        return True
    if identifier and _APPLE_NOTES in data:  # of another Live Photo, or of none
        return False
    duration = facts.get(DURATION)
    if not isinstance(duration, float) or duration > _MOST_SECONDS:
        return False
    film = read_metadata(facts, {})
    # A time in UTC is that of writing the film.
    taken = None if film.taken_source == UTC_DATE else film.taken
    return is_same_time(taken, read_header(data, still).metadata.taken)
