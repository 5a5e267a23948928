"""How a tag is read: from what a program wrote to a value, or to None where that is nothing or nonsense.

Tags have the names that ExifTool gives them. A reader gets all facts of a file, because some tags mean something only together.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from picsight_engine.photos.cameras import camera_name
from picsight_engine.photos.exif import decoded
from picsight_engine.photos.filenames import date_in_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Fact = int | float | str | bytes | tuple[float, ...] | tuple[str, ...]
if TYPE_CHECKING:
    Facts = Mapping[str, Fact]
    Reader = Callable[[Facts, str], Any]
    Date = tuple[str, str | None, str | None]  # local ISO time, offset, digits behind the second

_DATE = re.compile(r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})(?!\d)")
_TIME = re.compile(r"[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9})\d*)?)?(?!\d)\s*(.*)")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_IPTC_DATE, _IPTC_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)"), re.compile(r"(\d\d):?(\d\d):?(\d\d)(.*)")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_NO_ISO = 65535  # the number is too large for its field
_HIGHEST_ISO = 10_000_000
_UNCALIBRATED, _ADOBE = 65535, "R03"
_EXIF_COLOURS = {1: "sRGB", 2: "Adobe RGB (1998)"}
_PRIMARIES = {1: "sRGB", 9: "BT.2020", 12: "Display P3"}  # of HEIF and AVIF
# What cameras write in place of a description.
_EMPTY_WORDS = re.compile(
    r".*digital camera|(sony|minolta) dsc|dcf|exif.?jpeg.*|jpeg|samsung|my beautiful picture|\W*",
    re.IGNORECASE,
)


def date(facts: Facts, name: str) -> Date | None:
    """A date as XMP writes it; midnight where it has no time."""
    written = str(facts[name]).strip()
    day = _DATE.match(written)
    clock = _TIME.match(written, day.end()) if day else None
    if day is None or (clock is None and len(written) > day.end()):
        return None
    *time, fraction, offset = clock.groups() if clock else (0, 0, 0, None, "")
    return _valid((*day.groups(), *time), offset, fraction)


def exif_date(facts: Facts, name: str) -> Date | None:
    """The offset and the digits behind the second stand in tags of their own."""
    found = date(facts, name) if ":" in str(facts[name])[10:] else None
    kind = "Original" if name.endswith("Original") else "Digitized"
    fraction = str(facts.get(f"ExifIFD:SubSecTime{kind}", "")).strip()
    offset = _offset(str(facts.get(f"ExifIFD:OffsetTime{kind}", "")))
    return found and (found[0], offset, fraction[:9] if fraction.isdecimal() else None)


def iptc_date(facts: Facts, name: str) -> Date | None:
    """The time stands in a field of its own, and counts for nothing without the date."""
    day = _IPTC_DATE.match(_line(facts[name]))
    clock = _IPTC_TIME.match(_line(facts.get("IPTC:TimeCreated", "")))
    *time, offset = clock.groups() if clock else (0, 0, 0, "")
    return day and _valid((*day.groups(), *time), offset)


def gps_date(facts: Facts, name: str) -> Date | None:
    """In UTC, as a receiver has it; nothing without the time of the day."""
    day, time = _DATE.match(str(facts[name])), facts.get("GPS:GPSTimeStamp")
    if day is None or not isinstance(time, tuple) or len(time) != 3:
        return None
    return _valid((*day.groups(), *time), "Z")


def utc_date(facts: Facts, name: str) -> Date | None:
    """A date in UTC where it does not say otherwise."""
    found = date(facts, name)
    return found and (found[0], found[1] or "+00:00", found[2])


def name_date(facts: Facts, name: str) -> Date | None:
    """The date in a file's name."""
    found = date_in_name(str(facts[name]))
    return found and (found[0], None, found[1])


def _valid(parts: tuple[Any, ...], offset: str, fraction: str | None = None) -> Date | None:
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        local = datetime(year, month, day, hour, minute, second).isoformat()  # noqa: DTZ001 - a camera's local time
    except (ValueError, OverflowError):
        return None
    return local, _offset(offset), fraction


def _offset(written: str) -> str | None:
    if written == "Z":
        return "+00:00"
    match = _OFFSET.fullmatch(written)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    return f"{match[1]}{match[2]}:{match[3]}"


def position(facts: Facts, name: str) -> tuple[float, float] | None:
    """Degrees north and east; where both are 0 a receiver had none."""
    other = name.replace("Latitude", "Longitude")
    lat, lon = (_degrees(facts.get(each), facts.get(f"{each}Ref")) for each in (name, other))
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180 or (lat == 0 and lon == 0):
        return None
    return lat, lon


def _degrees(value: Fact | None, reference: Fact | None) -> float | None:
    """Degrees, minutes and seconds, each of which may have a fraction; XMP writes "50,23.5N"."""
    if isinstance(value, str):
        reference = value[-1:] if value[-1:] in {*"NSEW"} else reference
        value = tuple(float(number) for number in _NUMBER.findall(value))
    numbers = value if isinstance(value, tuple) else (value,)
    parts = [part for part in numbers if isinstance(part, (int, float)) and math.isfinite(part)]
    if not parts or len(parts) < len(numbers):
        return None
    size = float(sum(abs(part) / (1, 60, 3600)[power] for power, part in enumerate(parts[:3])))
    return -size if parts[0] < 0 or str(reference)[:1] in {"S", "W"} else size


def altitude(facts: Facts, name: str) -> float | None:
    """Metres above the sea; a tag of its own tells that they are below."""
    height = number(facts, name)
    is_below = facts.get(f"{name}Ref") in {1, "1"}
    return -height if height and height > 0 and is_below else height


def direction(facts: Facts, name: str) -> float | None:
    """Degrees from 0, and less than 360."""
    degrees = number(facts, name)
    return degrees % 360 if degrees is not None and 0 <= degrees <= 360 else None


def camera(facts: Facts, name: str) -> str | None:
    """Maker and model, either of which may be all that there is."""
    make, model = (text(facts, re.sub("Make|Model", each, name)) for each in ("Make", "Model"))
    return camera_name(make, model)


def number(facts: Facts, name: str) -> float | None:
    """A number, also one that XMP writes as "28/10"; of several the first."""
    value = facts[name]
    if isinstance(value, str):
        above, _, below = value.partition("/")
        try:
            value = float(above) / float(below or 1)
        except (ValueError, ZeroDivisionError):
            return None
    value = value[0] if isinstance(value, tuple) and value else value
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def positive(facts: Facts, name: str) -> float | None:
    """A number above 0, which stands for unknown."""
    value = number(facts, name)
    return value if value is not None and value > 0 else None


def iso(facts: Facts, name: str) -> int | None:
    """The sensitivity, but for the number that stands for a larger one."""
    value = positive(facts, name)
    return None if value is None or value == _NO_ISO or value > _HIGHEST_ISO else round(value)


def flash(facts: Facts, name: str) -> bool | None:
    """Whether it fired, which the first bit tells; XMP writes True or False."""
    value = {"False": 0, "True": 1}.get(str(facts[name]).capitalize(), facts[name])
    return bool(value & 1) if isinstance(value, int) else None


def stars(facts: Facts, name: str) -> int | None:
    """Stars from -1 to 5; some programs write 3.0."""
    value = number(facts, name)
    return round(value) if value is not None and -1 <= value <= 5 else None


def percent(facts: Facts, name: str) -> int | None:
    """Stars as Windows writes them: 1, 25, 50, 75 and 99; cameras write 0, which means nothing."""
    value = number(facts, name)
    return min(round(value / 25) + 1, 5) if value and 0 < value <= 100 else None


def text(facts: Facts, name: str) -> str | None:
    """A text without blanks around it; several are divided by ";"."""
    value = facts.get(name, "")
    value = decoded(value) if isinstance(value, bytes) else value
    written = "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return written.replace("\0", "").strip() or None


def description(facts: Facts, name: str) -> str | None:
    """A text, but for what cameras write there."""
    written = text(facts, name)
    return None if written is None or _EMPTY_WORDS.fullmatch(written) else written


def paths(facts: Facts, name: str) -> tuple[str, ...] | None:
    """Keywords that have those above them in front: "Birds/Waders"."""
    value = facts[name]
    return tuple(map(str, value)) or None if isinstance(value, tuple) else None


def words(facts: Facts, name: str) -> tuple[str, ...] | None:
    """Keywords that stand below nothing: "B/W" is "B|W" here, as it is from XMP."""
    value = facts[name]
    parts = map(str, value) if isinstance(value, tuple) else ()
    return tuple(dict.fromkeys(word.strip().replace("/", "|") for word in parts if word.strip())) or None


def primaries(facts: Facts, name: str) -> str | None:
    """The colour space that a number stands for in HEIF and AVIF."""
    value = facts[name]
    return _PRIMARIES.get(value) if isinstance(value, int) else None


def exif_colours(facts: Facts, name: str) -> str | None:
    """The colour space by EXIF's number; cameras tell Adobe's in another tag."""
    value = facts[name]
    if value == _UNCALIBRATED and facts.get("InteropIFD:InteropIndex") == _ADOBE:
        value = 2
    return _EXIF_COLOURS.get(value) if isinstance(value, int) else None


def _line(value: Fact) -> str:
    return str(value[0] if isinstance(value, tuple) and value else value)
