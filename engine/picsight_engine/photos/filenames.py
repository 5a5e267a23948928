"""What names of files tell, as cameras, phones and messengers give them: dates, and edited versions."""

from __future__ import annotations

import re
from datetime import datetime

# "IMG_20190714_153000", "PXL_20210101_123456789", "IMG-20190714-WA0003", "2019-07-14 15.30.00", "signal-2021-05-06-153000",
# "WhatsApp Image 2020-01-02 at 10.11.12", "Screenshot 2020-01-02 at 1.11.12 PM", "WP_20140714_15_30_00_Pro"
_DATE = re.compile(
    r"(?<!\d)(?P<year>19[89]\d|20[0-4]\d)(?P<between>[-._]?)(?P<month>\d\d)(?P=between)(?P<day>\d\d)"
    r"(?:(?:[ _T.-]{0,3}| \D{1,10} )(?P<hour>\d\d?)(?P<apart>[-.:_h ]?)(?P<minute>\d\d)[-.:_m ]?(?P<second>\d\d)"
    r"(?P<fraction>\d{3,6})?(?:\s?(?P<half>[AP])\.?M\b)?|)(?!\d)",
    re.IGNORECASE,
)

# "IMG_E1234.JPG", "photo-edited.jpg", "photo-edited(1).jpg"; Google's word is that of the language
EDITED_WORDS = "-(?:edited|bearbeitet|modifié|modificato|editado|bewerkt)"
_VERSION = re.compile(rf"^IMG_E\d{{4,}}\.|{EDITED_WORDS}(?:\(\d+\))?\.\w+$", re.IGNORECASE)


def date_in_name(name: str) -> tuple[str, str | None] | None:
    """Local ISO time and the digits behind its second; midnight where the name has no time. An impossible date is none."""
    for match in _DATE.finditer(name):
        parts = match.groupdict(default="")
        if parts["hour"] and not parts["apart"] and len(parts["hour"]) < 2:
            continue
        year, month, day, hour, minute, second = (
            int(parts[key] or 0) for key in ("year", "month", "day", "hour", "minute", "second")
        )
        if parts["half"]:
            hour = hour % 12 + 12 * (parts["half"].upper() == "P")
        try:
            local = datetime(year, month, day, hour, minute, second).isoformat()  # noqa: DTZ001 - a phone's local time
        except ValueError:
            continue
        return local, parts["fraction"] or None
    return None


def is_edited(name: str) -> bool:
    """Whether a program has saved an edited version under this name, beside the original: Apple's or Google's does so."""
    return _VERSION.search(name) is not None
