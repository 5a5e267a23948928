"""What a photo is besides a picture, as a few letters on its tile and as words: a film, a Live Photo, one of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight.exposure import film_time
from picsight.texts import marked, tr

if TYPE_CHECKING:
    from picsight_engine.foundation.suffixes import Companion
    from picsight_engine.search.answer import Result

_BADGES: dict[Companion, str] = {"RAW": marked("RAW"), "original": marked("EDITED")}
BESIDE: dict[Companion, str] = {  # what a file behind a photo is
    "RAW": marked("RAW"), "film": marked("film"), "original": marked("original"),
}  # fmt: skip
_SPOKEN: dict[Companion, str] = {
    "RAW": marked("a photo and its RAW file"),
    "original": marked("an edit and its original"),
}


def can_play(photo: Result) -> bool:
    """Whether a film is in a photo's file or beside it."""
    return photo.duration is not None or photo.is_live


def badge(photo: Result) -> str:
    """The letters on a photo's tile: the time in a film, RAW, LIVE; empty for a plain picture."""
    seconds = photo.duration if photo.moment is None else photo.moment
    parts = [
        "" if photo.duration is None or seconds is None else film_time(seconds),
        *(tr(_BADGES[kind]) for kind in dict.fromkeys(photo.companions) if kind in _BADGES),
        tr("LIVE") if photo.is_live else "",
    ]
    return " ".join(filter(None, parts))


def spoken_badge(photo: Result) -> str:
    """The same for tooltips and screen readers."""
    parts = [
        tr("film of {time}", time=film_time(photo.duration)) if photo.duration is not None else "",
        tr("found at {time}", time=film_time(photo.moment)) if photo.moment is not None else "",
        *(tr(_SPOKEN[kind]) for kind in dict.fromkeys(photo.companions) if kind in _SPOKEN),
        tr("Live Photo") if photo.is_live else "",
    ]
    return ", ".join(filter(None, parts))
