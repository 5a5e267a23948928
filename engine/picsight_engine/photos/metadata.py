"""When a photo was taken, from its EXIF block.

Only EXIF is read here: dates that stand in XMP, IPTC or GPS alone are not taken (the GPS date is UTC and may be
hours or, after a cold start, years off).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.photos.exif import Exif

# Of all that is read from a file; where it grows, files of before are read again, without embedding. Since 2 stars,
# keywords and descriptions are read, since 3 a "/" in an IPTC keyword is a part of it, since 4 a "|"
# in a plain word of XMP is, too, and the star that darktable gives to every photo is none.
METADATA_RULE = 4

# (date tag, tag of its offset from UTC, name as ExifTool writes it), best first. IFD0's DateTime is left out:
# it says when the file was last changed.
_DATES = (
    (0x9003, 0x9011, "ExifIFD:DateTimeOriginal"),
    (0x9004, 0x9012, "ExifIFD:CreateDate"),
)
_DATE = re.compile(r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?!\d)")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


@dataclass(frozen=True, slots=True)
class Taken:
    """When a photo was taken: local time in ISO form, the offset from UTC where the file states one, and the tag."""

    local: str
    offset: str | None
    source: str

    @property
    def iso(self) -> str:
        """ISO 8601, with the offset where known: 2024-03-31T02:30:00+02:00."""
        return self.local + (self.offset or "")


def read_taken(exif: Exif) -> Taken | None:
    """The first valid date of taking; blank, zero and impossible dates are none at all."""
    for date_tag, offset_tag, source in _DATES:
        local = _local_time(exif.photo.get(date_tag))
        if local is not None:
            return Taken(local, _offset(exif.photo.get(offset_tag)), source)
    return None


def _local_time(value: int | str | None) -> str | None:
    match = _DATE.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        return datetime(year, month, day, hour, minute, second).isoformat()  # noqa: DTZ001 - a camera's local time
    except ValueError:
        return None


def _offset(value: int | str | None) -> str | None:
    if not isinstance(value, str):
        return None
    if value == "Z":
        return "+00:00"
    match = _OFFSET.fullmatch(value)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    return f"{match[1]}{match[2]}:{match[3]}"
