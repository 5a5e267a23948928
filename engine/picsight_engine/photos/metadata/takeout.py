"""Reads Google Takeout's JSON files beside photos, and finds the photo of each."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from picsight_engine.photos.metadata.dates import EDITED_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picsight_engine.photos.exif import Fact

SUFFIX = ".json"
MOST_BYTES = 500_000  # of a file that has two thousand
_ENDING = ".supplemental-metadata"
_LONGEST = 46  # characters: what is longer is cut, and a number may count
_SURE = 40  # of those that are left
_NUMBERED = re.compile(r"(.+)(\(\d+\))")
_EDITED = re.compile(f"{EDITED_WORDS}$", re.IGNORECASE)
_LONE = re.compile("[\0\ud800-\udfff]")  # what JSON can hold and no text should
_MOST = 100_000  # degrees or metres
_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


def files_of_photos(photos: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """The JSON files among the names of a directory, by photo.

    "photo.jpg" has "photo.jpg.json" or "photo.jpg.supplemental-metadata.json", which may be cut; "photo(1).jpg" has
    "photo.jpg(1).json", and "photo-edited.jpg" shares the file of "photo.jpg".
    """
    called = defaultdict(list)  # by the name that a file has, and its number
    beginning = defaultdict(list)  # names, by how they begin and their number
    for photo in photos:
        stem, dot, suffix = photo.rpartition(".")
        base, number = _parted(stem)
        original = _EDITED.sub("", base) if "-" in base else base
        for key in {(photo, ""), (f"{base}{dot}{suffix}", number), (f"{original}{dot}{suffix}", number)}:
            called[key].append(photo)
            beginning[key[0][:_SURE], key[1]].append(key)
    found: dict[str, str] = {}
    for file in names:
        base, number = _parted(file[: -len(SUFFIX)])
        name, dot, ending = base.rpartition(".")
        keys = [(base, number)] if (base, number) in called else []
        if not keys and _ENDING.startswith(dot + ending):
            keys = [(name, number)]
        if not keys and len(base + number) >= _LONGEST:
            keys = [key for key in beginning.get((base[:_SURE], number), ()) if key[0].startswith(base)]
        for photo in (photo for key in keys for photo in called.get(key, ())):
            if photo not in found or file.startswith(photo):
                found[photo] = file
    return found


def _parted(stem: str) -> tuple[str, str]:
    """A name and the number in brackets after it."""
    numbered = _NUMBERED.fullmatch(stem) if stem.endswith(")") else None
    return (numbered[1], numbered[2]) if numbered else (stem, "")


def read_takeout(data: bytes) -> dict[str, Fact]:
    """The facts in such a file, by our own names; empty if it is another file or damaged."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    facts: dict[str, Fact] = {}
    if (taken := _taken(document.get("photoTakenTime"))) is not None:
        facts["Takeout:photoTakenTime"] = taken
    for part in ("geoDataExif", "geoData"):
        place = document.get(part)
        if isinstance(place, dict) and (place.get("latitude") or place.get("longitude")):
            for key in ("Latitude", "Longitude", "Altitude"):
                if isinstance(number := place.get(key.lower()), (int, float)) and abs(number) < _MOST:
                    facts[f"Takeout:GPS{key}"] = float(number)
    if isinstance(text := document.get("description"), str):
        facts["Takeout:description"] = _LONE.sub("\ufffd", text)
    people = document.get("people")
    known = [person for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    names = [person.get("name") for person in known]
    facts["Takeout:people"] = tuple(_LONE.sub("\ufffd", name) for name in names if isinstance(name, str))
    facts["Takeout:favorited"] = int(document.get("favorited") is True)
    return facts


def _taken(time: object) -> str | None:
    """A time in ISO form, in UTC; None for the Unix epoch, which means unknown."""
    try:
        seconds = int(time["timestamp"]) if isinstance(time, dict) else 0
        return (_SINCE + timedelta(seconds=seconds)).isoformat() if seconds else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
