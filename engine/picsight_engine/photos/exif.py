"""Reads the EXIF and IPTC fields that Picsight uses, also from damaged blocks.

This is not left to an image library, because identity depends on it: the orientation of a photo must not change with the
version of a library.
"""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


ORIENTATION = 0x0112

BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262

_EXIF_IFD, _GPS_IFD, _INTEROP_IFD, _SUB_IFDS = 0x8769, 0x8825, 0xA005, 0x014A
_ASCII, _UNDEFINED = 2, 7
# The types of values: struct format, and size in bytes.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_RATIONALS = {5: "II", 10: "ii"}
_BYTES = {_ASCII: 1, _UNDEFINED: 1} | {
    kind: struct.calcsize(f"<{form}") for kind, form in (_NUMBERS | _RATIONALS).items()
}
_MAX_ENTRIES = 1024  # a directory that claims more is damaged
_MAX_NUMBERS = 8  # a position has three; longer values belong to the picture, or are damaged
_MAX_BYTES = 65_536  # of a text
_ORIENTING_TEXT = 256  # bytes; a longer text in place of the orientation has always been ignored

# The fields that other modules use, by ExifTool's names.
_MAIN_TAGS = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x013B: "Artist", 0x4746: "Rating",
    0x4749: "RatingPercent", 0x8298: "Copyright", 0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9E: "XPKeywords",
    0xC630: "DNGLensInfo",
}  # fmt: skip
_PHOTO_TAGS = {
    0x829A: "ExposureTime", 0x829D: "FNumber", 0x8827: "ISO", 0x8832: "RecommendedExposureIndex", 0x8833: "ISOSpeed",
    0x9003: "DateTimeOriginal", 0x9004: "CreateDate", 0x9011: "OffsetTimeOriginal", 0x9012: "OffsetTimeDigitized",
    0x9201: "ShutterSpeedValue", 0x9202: "ApertureValue", 0x9209: "Flash", 0x920A: "FocalLength", 0x9286: "UserComment",
    0x9291: "SubSecTimeOriginal", 0x9292: "SubSecTimeDigitized",
    0xA001: "ColorSpace", 0xA405: "FocalLengthIn35mmFormat", 0xA432: "LensInfo", 0xA434: "LensModel",
}  # fmt: skip
_GPS_TAGS = {
    1: "GPSLatitudeRef", 2: "GPSLatitude", 3: "GPSLongitudeRef", 4: "GPSLongitude", 5: "GPSAltitudeRef", 6: "GPSAltitude",
    7: "GPSTimeStamp", 17: "GPSImgDirection", 29: "GPSDateStamp",
}  # fmt: skip

_INTEROP_TAGS = {1: "InteropIndex"}

Value = int | float | str | bytes | tuple[float, ...]
Fact = Value | tuple[str, ...]  # what any reader of tags gives
if TYPE_CHECKING:
    Facts = Mapping[str, Fact]  # by ExifTool's names, such as "IFD0:Make"


@dataclass(frozen=True, slots=True)
class Exif:
    """The values of the directories IFD0, Exif, GPS and interoperability, and of those of further pictures, by tag number.

    A single number is an int or a float, several are a tuple; a rational number is a float, NaN for a division by zero.
    """

    main: Mapping[int, Value] = field(default_factory=dict)
    photo: Mapping[int, Value] = field(default_factory=dict)
    gps: Mapping[int, Value] = field(default_factory=dict)
    interop: Mapping[int, Value] = field(default_factory=dict)
    pictures: Sequence[Mapping[int, Value]] = ()

    @property
    def orientation(self) -> int:
        """1 to 8; 1 if the tag is absent or invalid."""
        value = self.main.get(ORIENTATION)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1

    def facts(self) -> dict[str, Value]:
        """The used fields, by ExifTool's names; some programs put fields of the Exif directory into the main one."""
        groups = (
            ("IFD0", _MAIN_TAGS, self.main),
            ("ExifIFD", _PHOTO_TAGS, {**self.main, **self.photo}),
            ("GPS", _GPS_TAGS, self.gps),
            ("InteropIFD", _INTEROP_TAGS, self.interop),
        )
        return {
            f"{group}:{name}": values[tag]
            for group, tags, values in groups
            for tag, name in tags.items()
            if tag in values
        }


def read_exif(block: bytes) -> Exif:
    r"""Reads a TIFF structure ("II" or "MM" first, with or without "Exif\0\0" before it).

    Never raises; unreadable values are absent.
    """
    tiff = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return Exif()
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)

    def directory(at: Value | None) -> dict[int, Value]:
        return dict(_directory(tiff, order, at)) if isinstance(at, int) else {}

    main = directory(first)
    photo = directory(main.get(_EXIF_IFD))
    others = main.get(_SUB_IFDS)
    pictures = tuple(map(directory, others if isinstance(others, tuple) else (others,)))
    return Exif(main, photo, directory(main.get(_GPS_IFD)), directory(photo.get(_INTEROP_IFD)), pictures)


def _directory(tiff: bytes, order: str, offset: int) -> Iterator[tuple[int, Value]]:
    if not 8 <= offset <= len(tiff) - 2:
        return
    (count,) = struct.unpack_from(f"{order}H", tiff, offset)
    for entry in range(offset + 2, offset + 2 + 12 * min(count, _MAX_ENTRIES), 12):
        if entry + 12 > len(tiff):
            return
        tag, kind, length = struct.unpack_from(f"{order}HHI", tiff, entry)
        if tag == ORIENTATION and not _orients(kind, length):
            continue
        value = _value(tiff, order, entry, kind, length)
        if value is not None:
            yield tag, value


def _orients(kind: int, length: int) -> bool:
    """Whether an entry counts as an orientation. Identity depends on this rule, so it never changes."""
    return (kind in {3, 4} and length == 1) or (kind == _ASCII and length <= _ORIENTING_TEXT)


def _value(tiff: bytes, order: str, entry: int, kind: int, length: int) -> Value | None:
    size = _BYTES.get(kind, 0) * length
    if not 0 < size <= _MAX_BYTES:
        return None
    at = entry + 8 if size <= 4 else struct.unpack_from(f"{order}I", tiff, entry + 8)[0]
    raw = tiff[at : at + size]
    if kind == _ASCII:
        return _text(raw)
    if kind == _UNDEFINED or (kind == 1 and length > 1):
        return raw
    if length > _MAX_NUMBERS or len(raw) < size:
        return None
    if kind in _NUMBERS:
        numbers = struct.unpack(f"{order}{length}{_NUMBERS[kind]}", raw)
    else:
        parts = struct.iter_unpack(f"{order}{_RATIONALS[kind]}", raw)
        numbers = tuple(above / below if below else math.nan for above, below in parts)
    return numbers[0] if length == 1 else numbers


def _text(raw: bytes) -> str:
    """The text before the first NUL; if the photographer's copyright is blank, the editor's, which follows it."""
    first, _, rest = decoded(raw).partition("\0")
    return first.strip() or (rest.partition("\0")[0].strip() if first else "")


def decoded(raw: bytes) -> str:
    """Decodes a text of unknown encoding: UTF-8 if valid, otherwise Windows-1252."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


_CODING, _UTF_8 = (1, 90), b"\x1b%G"
_EXTENDED = 0x8000  # marks a size that gives the number of bytes of the actual size
_FIELDS = {
    (2, 5): "ObjectName", (2, 25): "Keywords", (2, 55): "DateCreated", (2, 60): "TimeCreated",
    (2, 62): "DigitalCreationDate", (2, 63): "DigitalCreationTime", (2, 80): "By-line",
    (2, 116): "CopyrightNotice", (2, 120): "Caption-Abstract",
}  # fmt: skip


def iptc_facts(block: bytes) -> dict[str, Fact]:
    """The distinct values of each field, by ExifTool's names; nothing after damaged data."""
    fields = _fields(block)
    coding = "utf-8" if _UTF_8 in fields.get(_CODING, ()) else None
    facts: dict[str, Fact] = {}
    for number, name in _FIELDS.items():
        values = fields.get(number, ())
        texts = (value.decode(coding, "replace") if coding else decoded(value) for value in values)
        if found := tuple(dict.fromkeys(filter(None, (text.replace("\0", "").strip() for text in texts)))):
            facts[f"IPTC:{name}"] = found
    return facts


def _fields(block: bytes) -> dict[tuple[int, int], list[bytes]]:
    """The values by record and field number; each field begins with a mark, these numbers and its size."""
    found = defaultdict(list)
    at = 0
    while block[at : at + 1] == b"\x1c" and at + 5 <= len(block):
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        at += 5
        if size & _EXTENDED:
            start = at + size - _EXTENDED
            at, size = start, int.from_bytes(block[at:start], "big")
        found[record, number].append(block[at : at + size])
        at += size
    return found
