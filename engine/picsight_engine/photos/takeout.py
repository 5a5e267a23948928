"""What Google Takeout says of a photo in a JSON file beside it, and which of these files speaks of which photo."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from picsight_engine.photos.filenames import EDITED_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsight_engine.photos.facts import Fact

SUFFIX = ".json"
MOST_BYTES = 500_000  # of a file that has two thousand
_ENDING = ".supplemental-metadata"
_LONGEST = 46  # characters before the number and the suffix: what is longer is cut
_NUMBERED = re.compile(r"(.+)(\(\d+\))")
_EDITED = re.compile(f"{EDITED_WORDS}$", re.IGNORECASE)
_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


def json_of(photo: str, found: Mapping[str, str]) -> str | None:
    """The one of these files, by their names without suffix, that speaks of a photo.

    "photo.jpg" has "photo.jpg.json" or "photo.jpg.supplemental-metadata.json", which may be cut; "photo(1).jpg" has
    "photo.jpg(1).json", and "photo-edited.jpg" shares the file of "photo.jpg".
    """
    stem, dot, suffix = photo.rpartition(".")
    numbered = _NUMBERED.fullmatch(stem)
    for base, number in ((stem, ""), (numbered[1], numbered[2]) if numbered else ("", "")):
        for name in dict.fromkeys((base, _EDITED.sub("", base))):
            whole = f"{name}{dot}{suffix}{_ENDING}"
            shortest = min(len(whole) - len(_ENDING), _LONGEST)
            for length in range(len(whole), shortest - 1, -1) if name else ():
                if (file := found.get(whole[:length] + number)) is not None:
                    return file
    return None


def read_takeout(data: bytes) -> dict[str, Fact]:
    """What such a file says, by names of our own; nothing where it is none, or damaged."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    facts: dict[str, Fact] = {}
    if (taken := _taken(said.get("photoTakenTime"))) is not None:
        facts["Takeout:photoTakenTime"] = taken
    for part in ("geoDataExif", "geoData"):
        place = said.get(part)
        if isinstance(place, dict) and (place.get("latitude") or place.get("longitude")):
            for key in ("Latitude", "Longitude", "Altitude"):
                if isinstance(number := place.get(key.lower()), (int, float)):
                    facts[f"Takeout:GPS{key}"] = float(number)
    if isinstance(text := said.get("description"), str):
        facts["Takeout:description"] = text
    people = said.get("people")
    names = (
        [person.get("name") for person in people if isinstance(person, dict)]
        if isinstance(people, list)
        else []
    )
    facts["Takeout:people"] = tuple(name for name in names if isinstance(name, str) and name.strip())
    facts["Takeout:favorited"] = int(said.get("favorited") is True)
    return facts


def _taken(time: object) -> str | None:
    """In ISO form, in UTC; the second at which Unix clocks begin stands for none."""
    try:
        seconds = int(time["timestamp"]) if isinstance(time, dict) else 0
        return (_SINCE + timedelta(seconds=seconds)).isoformat() if seconds else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
