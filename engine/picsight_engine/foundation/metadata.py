"""The metadata of one file, as it is read and stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_MOST_APART = 2.0  # seconds between the files of one shot


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of one file, not of other files with the same picture; unknown values are None.

    `taken` is local ISO time to the second, `taken_subsecond` the digits after it; `lat`, `lon` and `direction` are degrees,
    `altitude` is in metres above sea level, `focal` and `focal35` (35-mm equivalent) are in mm, `exposure` is in seconds;
    `rating` is -1 (rejected) to 5, 0 for unrated; a nested keyword is "Birds/Waders"; `bits` is per channel; `edited` means
    that the file is an edited version of an original, or that edits lie beside it; `duration` is that of a film in seconds;
    `live` means that a film is inside a photo, or that a film is the moving part of the photo beside it.
    """

    taken: str | None = None
    taken_offset: str | None = None
    taken_source: str | None = None
    lat: float | None = None
    lon: float | None = None
    place: str | None = None
    camera: str | None = None
    lens: str | None = None
    rating: int | None = None
    taken_subsecond: str | None = None
    altitude: float | None = None
    direction: float | None = None
    focal: float | None = None
    focal35: float | None = None
    aperture: float | None = None
    exposure: float | None = None
    iso: int | None = None
    flash: bool | None = None
    label: str | None = None
    title: str | None = None
    description: str | None = None
    creator: str | None = None
    copyright: str | None = None
    bits: int | None = None
    colour_space: str | None = None
    edited: bool | None = None
    duration: float | None = None
    live: bool | None = None
    keywords: tuple[str, ...] = ()


def is_same_time(taken: str | None, other: str | None) -> bool:
    """Whether two files of one name may be of one shot by when they were taken, as far as that is known."""
    if taken is None or other is None:
        return True
    gap = datetime.fromisoformat(taken) - datetime.fromisoformat(other)
    return abs(gap.total_seconds()) <= _MOST_APART
