"""Converts tags to values, or to None if a tag is absent or nonsense.

Tags have ExifTool's names. A reader gets all facts of a file, because some tags are meaningful only together.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from picsight_engine.photos.exif import decoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsight_engine.photos.exif import Fact, Facts

    Reader = Callable[[Facts, str], Any]


_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_NO_ISO = 65535  # the number is too large for its field
_HIGHEST_ISO = 10_000_000
_UNCALIBRATED, _ADOBE = 65535, "R03"
_USER_COMMENT = "ExifIFD:UserComment"
_HIGHEST_APEX = 40  # no shutter and no lens reaches it
_LENS_NUMBERS = 4  # shortest and longest focal length, lowest f-number at both
_PLACES = 7  # of degrees: a centimetre
_EXIF_COLOURS: dict[Fact, str] = {1: "sRGB", 2: "Adobe RGB (1998)"}
_PRIMARIES: dict[Fact, str] = {1: "sRGB", 9: "BT.2020", 12: "Display P3"}  # of HEIF and AVIF
# Default texts that cameras write instead of a description.
_EMPTY_WORDS = re.compile(
    r".*digital camera|(sony|minolta) dsc|dcf|exif.?jpeg.*|jpeg|samsung|my beautiful picture|\W*",
    re.IGNORECASE,
)
# What programs write as a comment in a JPEG.
_PROGRAM = re.compile(
    r"(creator|lead tech|created with|comment in gimp|file written by adobe|lavc|intel\(r\) jpeg|applemark|handmade software"
    r"|processed by|optimized by|compressed by).*",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
# Words in the names of companies that are not part of a brand.
_COMPANY = re.compile(
    r"[\s,.]+(?:corporation|corp|company|co|ltd|inc|gmbh|ag|imaging|optical|camera|cameras|computer|electric|electronics"
    r"|techwin|technology|technologies|mobile communications|communications|photo film)\b[\s,.]*",
    re.IGNORECASE,
)
_CALLED = {
    "eastman kodak": "Kodak",
    "fuji": "Fujifilm",
    "hewlett-packard": "HP",
    "lge": "LG",
    "om digital solutions": "OM System",
    "research in motion": "BlackBerry",
    "seiko epson": "Epson",
}
_LONGEST = 100  # characters of a maker's name or of degrees
_SHORT = 3  # letters of a name that stays in capitals: HTC, DJI
# Makers whose cameras carry another name, by which they are known.
_KNOWN_ALONE = frozenset(["apple", "arashi vision"])
_BRANDS = frozenset(["pentax", "leica", "blackberry", "kodak", "mamiya"])


def position(facts: Facts, name: str) -> tuple[float, float] | None:
    """Degrees north and east; None if both are 0, which means that the receiver had no fix."""
    other = name.replace("Latitude", "Longitude")
    lat, lon = (_degrees(facts.get(each), facts.get(f"{each}Ref")) for each in (name, other))
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180 or (lat == 0 and lon == 0):
        return None
    return lat, lon


def _degrees(value: Fact | None, reference: Fact | None) -> float | None:
    """Degrees from degrees, minutes and seconds, each with an optional fraction; XMP writes "50,23.5N"."""
    if isinstance(value, str):
        reference = value[-1:] if value[-1:] in {*"NSEW"} else reference
        value = tuple(map(float, _NUMBER.findall(value))) if len(value) <= _LONGEST else ()
    numbers = value if isinstance(value, tuple) else (value,)
    parts = [part for part in numbers if isinstance(part, (int, float)) and math.isfinite(part)]
    if not parts or len(parts) < len(numbers):
        return None
    pieces = (abs(part) / unit for part, unit in zip(parts, (1, 60, 3600), strict=False))
    size = round(sum(pieces, 0.0), _PLACES)
    return -size if parts[0] < 0 or str(reference)[:1] in {"S", "W"} else size


def altitude(facts: Facts, name: str) -> float | None:
    """Metres above sea level; a separate tag marks depths below it."""
    height = number(facts, name)
    is_below = facts.get(f"{name}Ref") in {1, "1"}
    return -height if height and height > 0 and is_below else height


def direction(facts: Facts, name: str) -> float | None:
    """Degrees from 0 to below 360."""
    degrees = number(facts, name)
    return degrees % 360 if degrees is not None and 0 <= degrees <= 360 else None


def camera(facts: Facts, name: str) -> str | None:
    """Maker and model, or the one that is present."""
    make, model = (text(facts, re.sub("Make|Model", each, name)) for each in ("Make", "Model"))
    return camera_name(make, model)


def camera_name(make: str | None, model: str | None) -> str | None:
    """The model as the file has it, with its maker in front once: "Canon EOS 600D", "Nikon D70", "iPhone 13 Pro"."""
    maker = _maker(make or "")
    model = (model or "").strip()
    if not model or not maker:
        return model or maker or None
    first, _, rest = model.partition(" ")
    known = {maker.casefold(), maker.split()[0].casefold()} | _BRANDS
    if model.casefold().startswith(f"{maker.casefold()} "):
        return f"{maker}{model[len(maker) :]}"
    if first.casefold() in known:
        return f"{_styled(first)} {rest}" if rest else _styled(first)
    if maker.casefold() in _KNOWN_ALONE or model.casefold().startswith(maker.casefold()):
        return model
    return f"{maker} {model}"


def _maker(make: str) -> str:
    name = " ".join(make[:_LONGEST].split())
    while (shorter := _COMPANY.sub(" ", name).strip(" ,.")) != name:
        name = shorter
    return _CALLED.get(name.casefold(), " ".join(map(_styled, name.split())))


def _styled(word: str) -> str:
    """Capitals are for short names; the other names of makers have one."""
    return word.capitalize() if word.islower() or (word.isupper() and len(word) > _SHORT) else word


def number(facts: Facts, name: str) -> float | None:
    """A number, also in XMP's form "28/10"; the first of several."""
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
    """A number above 0; 0 means unknown."""
    value = number(facts, name)
    return value if value is not None and value > 0 else None


def iso(facts: Facts, name: str) -> int | None:
    """The sensitivity; None for the number that means a larger one."""
    value = positive(facts, name)
    return None if value is None or value == _NO_ISO or value > _HIGHEST_ISO else round(value)


def apex_time(facts: Facts, name: str) -> float | None:
    """Seconds from an APEX value."""
    value = number(facts, name)
    return 2**-value if value is not None and abs(value) < _HIGHEST_APEX else None


def apex_aperture(facts: Facts, name: str) -> float | None:
    """The f-number from an APEX value; 0 means unknown."""
    value = positive(facts, name)
    return round(2 ** (value / 2), 1) if value is not None and value < _HIGHEST_APEX else None


def lens_name(facts: Facts, name: str) -> str | None:
    """The text of a lens; a bare number is a maker's code."""
    written = text(facts, name)
    return None if written is None or written.isdecimal() else written


def lens_range(facts: Facts, name: str) -> str | None:
    """The range of a lens, as ExifTool writes it: "18-55mm f/3.5-5.6"; XMP has four fractions in a text."""
    value = facts[name]
    parts = value.split()[:5] if isinstance(value, str) else value if isinstance(value, tuple) else ()
    numbers = [positive({name: part}, name) for part in parts]
    if len(numbers) != _LENS_NUMBERS or not numbers[0]:
        return None
    ranges = (dict.fromkeys(f"{each:g}" for each in pair if each) for pair in (numbers[:2], numbers[2:]))
    length, aperture = map("-".join, ranges)
    return f"{length}mm f/{aperture}" if aperture else f"{length}mm"


def flash(facts: Facts, name: str) -> bool | None:
    """Whether the flash fired, by the lowest bit; XMP writes True or False."""
    value = {"False": 0, "True": 1}.get(str(facts[name]).capitalize(), facts[name])
    return bool(value & 1) if isinstance(value, int) else None


def stars(facts: Facts, name: str) -> int | None:
    """Stars from -1 to 5; some programs write 3.0."""
    value = number(facts, name)
    return round(value) if value is not None and -1 <= value <= 5 else None


def percent(facts: Facts, name: str) -> int | None:
    """Stars of 20 percent each, or in Windows' form: 1, 25, 50, 75 and 99; cameras write 0, which is ignored."""
    value = number(facts, name)
    return math.ceil(value / 20) if value and 0 < value <= 100 else None


def text(facts: Facts, name: str) -> str | None:
    """A text without surrounding white space; several are joined by ";"."""
    value = facts.get(name, "")
    value = decoded(value) if isinstance(value, bytes) else value
    written = "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return written.replace("\0", "").strip() or None


def description(facts: Facts, name: str) -> str | None:
    """A text, without the default texts of cameras."""
    written = text(facts, name)
    return None if written is None or _EMPTY_WORDS.fullmatch(written) else written


def comment(facts: Facts, name: str) -> str | None:
    """A text, without the default texts of cameras and programs; that of EXIF names its encoding in eight bytes."""
    value = facts[name]
    if isinstance(value, bytes) and name == _USER_COMMENT:
        coding, value = value[:8], value[8:]
        value = _utf_16(value) if coding == b"UNICODE\0" else decoded(value)
    written = description({name: value}, name)
    return None if written is None or _PROGRAM.match(written) or _CONTROL.search(written) else written


def windows_text(facts: Facts, name: str) -> str | None:
    """A text of Windows, in UTF-16."""
    value = facts[name]
    return description({name: _utf_16(value)}, name) if isinstance(value, bytes) else None


def windows_words(facts: Facts, name: str) -> tuple[str, ...] | None:
    """Keywords of Windows: a text in UTF-16, with ";" between them."""
    return words({name: tuple((windows_text(facts, name) or "").split(";"))}, name)


def _utf_16(value: bytes) -> str:
    """A text in UTF-16, in the order of bytes in which more of the high ones are 0."""
    order = "be" if value[::2].count(0) > value[1::2].count(0) else "le"
    return value.decode(f"utf-16-{order}", "replace").removeprefix("\ufeff")


def paths(facts: Facts, name: str) -> tuple[str, ...] | None:
    """Keywords with their parents in front: "Birds/Waders"."""
    value = facts[name]
    return tuple(map(str, value)) or None if isinstance(value, tuple) else None


def words(facts: Facts, name: str) -> tuple[str, ...] | None:
    """Keywords without parents: "B/W" becomes "B|W", as from XMP."""
    value = facts[name]
    parts = map(str, value) if isinstance(value, tuple) else ()
    return tuple(dict.fromkeys(word.strip().replace("/", "|") for word in parts if word.strip())) or None


def listed_words(facts: Facts, name: str) -> tuple[str, ...] | None:
    """Keywords in one text, with "," or ";" between them."""
    return words({name: tuple(re.split("[,;]", str(facts[name])))}, name)


def primaries(facts: Facts, name: str) -> str | None:
    """The colour space of a number in HEIF and AVIF."""
    return _PRIMARIES.get(facts[name])


def exif_colours(facts: Facts, name: str) -> str | None:
    """The colour space by EXIF's number; cameras mark Adobe RGB in another tag."""
    value = facts[name]
    if value == _UNCALIBRATED and facts.get("InteropIFD:InteropIndex") == _ADOBE:
        value = 2
    return _EXIF_COLOURS.get(value)
