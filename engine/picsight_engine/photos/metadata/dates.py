"""Reads when a photo was taken from each kind of tag and from file names; and recognises names of edited versions."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from picsight_engine.photos.exif import Fact, Facts

    Date = tuple[str, str | None, str | None]  # local ISO time, offset, digits after the second

_DATE = re.compile(r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})(?!\d)")
_TIME = re.compile(r"[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9})\d*)?)?(?!\d)\s*(.*)")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_IPTC_DATE, _IPTC_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)"), re.compile(r"(\d\d):?(\d\d):?(\d\d)(.*)")
# "IMG_20190714_153000", "PXL_20210101_123456789", "IMG-20190714-WA0003", "2019-07-14 15.30.00", "signal-2021-05-06-153000",
# "WhatsApp Image 2020-01-02 at 10.11.12", "Screenshot 2020-01-02 at 1.11.12 PM", "WP_20140714_15_30_00_Pro"
_IN_NAME = re.compile(
    r"(?<!\d)(?P<year>19[89]\d|20[0-4]\d)(?P<between>[-._]?)(?P<month>\d\d)(?P=between)(?P<day>\d\d)"
    r"(?:(?:[ _T.-]{0,3}| \D{1,10} )(?P<hour>\d\d?)(?P<apart>[-.:_h ]?)(?P<minute>\d\d)[-.:_m ]?(?P<second>\d\d)"
    r"(?P<fraction>\d{3,6})?(?:\s?(?P<half>[AP])\.?M\b)?|)(?!\d)",
    re.IGNORECASE,
)

# "IMG_E1234.JPG", "photo-edited.jpg", "photo-edited(1).jpg"; Google translates the word
EDITED_WORDS = "-(?:edited|bearbeitet|modifié|modificato|editado|bewerkt)"
_VERSION = re.compile(rf"^IMG_E\d{{4,}}\.|{EDITED_WORDS}(?:\(\d+\))?\.\w+$", re.IGNORECASE)


def date(facts: Facts, name: str) -> Date | None:
    """A date in XMP's form; midnight if it has no time."""
    written = str(facts[name]).strip()
    day = _DATE.match(written)
    clock = _TIME.match(written, day.end()) if day else None
    if day is None or (clock is None and len(written) > day.end()):
        return None
    *time, fraction, offset = clock.groups() if clock else (0, 0, 0, None, "")
    return _valid((*day.groups(), *time), offset, fraction)


def mail_date(facts: Facts, name: str) -> Date | None:
    """A date in the form of mail, "Sat, 7 Nov 2009 14:16:21 +0100", or in XMP's."""
    from email.utils import parsedate_to_datetime  # lazy: few files need it

    with suppress(ValueError):
        return date({name: str(parsedate_to_datetime(str(facts[name])))}, name)
    return date(facts, name)


def exif_date(facts: Facts, name: str) -> Date | None:
    """A date in EXIF's form; the offset and the digits after the second are in separate tags."""
    found = date(facts, name) if ":" in str(facts[name])[10:] else None
    kind = "Original" if name.endswith("Original") else "Digitized"
    fraction = str(facts.get(f"ExifIFD:SubSecTime{kind}", "")).strip()
    offset = _offset(str(facts.get(f"ExifIFD:OffsetTime{kind}", "")))
    return found and (found[0], offset, fraction[:9] if fraction.isdecimal() else None)


def iptc_date(facts: Facts, name: str) -> Date | None:
    """A date in IPTC's form; the time is in a separate field and is ignored without the date."""
    day = _IPTC_DATE.match(_line(facts[name]))
    clock = _IPTC_TIME.match(_line(facts.get(name.replace("Date", "Time"), "")))
    *time, offset = clock.groups() if clock else (0, 0, 0, "")
    return day and _valid((*day.groups(), *time), offset)


def gps_date(facts: Facts, name: str) -> Date | None:
    """The UTC date of a GPS receiver; None without the time of day."""
    day, time = _DATE.match(str(facts[name])), facts.get("GPS:GPSTimeStamp")
    if day is None or not isinstance(time, tuple) or len(time) != 3:
        return None
    return _valid((*day.groups(), *time), "Z")


def utc_date(facts: Facts, name: str) -> Date | None:
    """A date that is in UTC unless it has an offset."""
    found = date(facts, name)
    return found and (found[0], found[1] or "+00:00", found[2])


def name_date(facts: Facts, name: str) -> Date | None:
    """The date in a file's name, midnight if the name has no time; None for an impossible date."""
    for match in _IN_NAME.finditer(str(facts[name])):
        parts = match.groupdict(default="")
        if parts["hour"] and not parts["apart"] and len(parts["hour"]) < 2:
            continue
        hour = int(parts["hour"] or 0)
        if parts["half"]:
            hour = hour % 12 + 12 * (parts["half"].upper() == "P")
        time = (hour, parts["minute"], parts["second"])
        found = _valid((parts["year"], parts["month"], parts["day"], *time), "", parts["fraction"] or None)
        if found is not None:
            return found
    return None


def _valid(parts: tuple[Any, ...], offset: str, fraction: str | None = None) -> Date | None:
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        second -= second == 60
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


def _line(value: Fact) -> str:
    return str(value[0] if isinstance(value, tuple) and value else value)


def is_edited(name: str) -> bool:
    """Whether this is the name of an edited version beside the original, as Apple's and Google's programs save them."""
    return _VERSION.search(name) is not None
