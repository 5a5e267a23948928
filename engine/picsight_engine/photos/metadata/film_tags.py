"""Reads the tags of films: the boxes of MP4 and QuickTime files, and the dates of Matroska and AVI files."""

from __future__ import annotations

import io
import re
import struct
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picsight_engine.photos.exif import Fact

# Names of facts; those of tags are ExifTool's.
WIDTH, HEIGHT, PACKET = "film width", "film height", "film XMP"
DURATION, UTC_DATE = "QuickTime:Duration", "QuickTime:CreateDate"
CONTENT_IDENTIFIER = "Keys:ContentIdentifier"

_POSITION = "position"  # stands for these three
_POSITION_TAGS = ("QuickTime:GPSLatitude", "QuickTime:GPSLongitude", "QuickTime:GPSAltitude")
_KEYS = {  # behind the name of QuickTime, where they have it
    b"creationdate": "Keys:CreationDate", b"date": "Keys:DateTimeOriginal", b"location.ISO6709": _POSITION,
    b"make": "Keys:Make", b"model": "Keys:Model", b"content.identifier": CONTENT_IDENTIFIER, b"title": "Keys:Title",
    b"description": "Keys:Description", b"comment": "Keys:Comment", b"keywords": "Keys:Keywords",
    b"rating.user": "Keys:UserRating", b"com.android.model": "Keys:Model", b"com.android.manufacturer": "Keys:Make",
}  # fmt: skip
_TEXTS = {
    b"\xa9day": "UserData:DateTimeOriginal", b"date": "UserData:DateTimeOriginal", b"\xa9xyz": _POSITION,
    b"\xa9mak": "UserData:Make", b"\xa9mod": "UserData:Model", b"\xa9nam": "UserData:Title",
    b"\xa9des": "UserData:Description", b"desc": "UserData:Description", b"\xa9cmt": "UserData:Comment",
    b"\xa9key": "UserData:Keywords", b"keyw": "UserData:Keywords", b"rate": "ItemList:RatingPercent",
}  # fmt: skip
_CONTAINERS = frozenset([b"moov", b"trak", b"udta", b"meta", b"mvex"])
_READ = frozenset(b"mvhd tkhd mehd keys ilst uuid XMP_ loci urat Xtra".split()) | _TEXTS.keys()
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MOST_BYTES = 4_000_000  # of a box that is read
_MOST_BOXES = 10_000  # in one place: more are damage
_ISO6709 = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)(?:([+-]\d+(?:\.\d+)?))?")
# A place in 3GP: flags, language, a name with its end, a role; then degrees east and north and metres, 16 bits before the point.
_LOCI = re.compile(rb".{6}(?:\xfe\xff(?:..)*?\0\0|.*?\0).(.{12})", re.DOTALL)
# Windows' stars: a name, one value, of eight bytes and this kind.
_STARS_IN_XTRA = re.compile(rb"WM/SharedUserRating\0\0\0\x01\0\0\0\x0e\0\x13(.{8})", re.DOTALL)
_SINCE_1904, _SINCE_2001 = datetime(1904, 1, 1), datetime(2001, 1, 1)  # noqa: DTZ001 - in UTC
_UNTIL_1970 = 2_082_844_800  # seconds; some programs count from 1970
_IN_MATROSKA = re.compile(rb"\x15\x49\xa9\x66.{0,999}?\x44\x61\x88(.{8})", re.DOTALL)  # Info, with DateUTC
# A tag near the start or the end of Matroska: its name, perhaps a language, its text.
_RECORDED = re.compile(rb"DATE_RECORDED.{0,40}?\x44\x87.{1,8}?(\d{4}[-:][-:.+\w ]+)", re.DOTALL)
_EDGE = 65_536  # bytes in which Matroska and AVI files have their dates
# What cameras (IDIT) and programs (ICRD) write: "Mon Mar 10 15:04:43 2003", "2003/03/10 15:04:43".
_IN_AVI = re.compile(
    rb"(?:IDIT|ICRD).{4}(\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}|\d{4}[-/][-/ :TZ\d]+)", re.DOTALL
)
# What tracks hold: in MP4 and QuickTime, in AVI, in Matroska.
_TRACK = re.compile(rb"(?:hdlr.{8}|strh.{4})(vid|sou|aud)|\x83\x81([\x01\x02])", re.DOTALL)
_SOUND = frozenset([b"sou", b"aud", b"\x02"])
_NUMBERS = frozenset([21, 22])  # the kinds of data that are whole numbers
# PQ or HLG (16 or 18 in ITU-T H.273): after the primaries in MP4 and QuickTime, an element in Matroska.
_HIGH_RANGE = re.compile(rb"(?:colrncl[cx]..\x00|\x55\xba\x81)[\x10\x12]", re.DOTALL)
_UNKNOWN_DURATION = frozenset([0, 2**32 - 1, 2**64 - 1])


def film_facts(file: BinaryIO, size: int) -> dict[str, Fact]:
    """The facts of an MP4 or QuickTime file of `size` bytes, by ExifTool's names; of another file at most its date. Never
    raises for what a file holds.
    """
    facts = _dates_of(file, size)
    keys: list[bytes] = []
    scale = 0
    for kind, content in _contents(file, 0, size):
        with suppress(struct.error, OverflowError, ValueError, IndexError):
            if kind == b"mvhd":
                scale = _add_header(facts, content)
            elif kind == b"mehd" and scale and DURATION not in facts:
                facts[DURATION] = struct.unpack_from(">Q" if content[0] else ">I", content, 4)[0] / scale
            elif kind == b"tkhd":
                _add_size(facts, content)
            elif kind == b"keys":
                places = boxes(io.BytesIO(content), 8, len(content))
                keys = [content[start:end].removeprefix(b"com.apple.quicktime.") for _, start, end in places]
            elif kind == b"ilst":
                _add_items(facts, content, keys)
            else:
                _add_user_data(facts, kind, content)
    return facts


def _dates_of(file: BinaryIO, size: int) -> dict[str, Fact]:
    """The dates of a Matroska file, that of its header in UTC, or of an AVI file."""
    head = file.read(_EDGE)
    facts: dict[str, Fact] = {}
    if head.startswith(b"\x1aE\xdf\xa3"):
        if found := _IN_MATROSKA.search(head):
            since = timedelta(microseconds=int.from_bytes(found[1], "big", signed=True) // 1000)
            facts["Matroska:DateTimeOriginal"] = str(_SINCE_2001 + since)
        file.seek(max(0, size - _EDGE))
        if found := _RECORDED.search(head) or _RECORDED.search(file.read(_EDGE)):
            facts["Matroska:DateRecorded"] = found[1].decode("ascii", "replace")
    with suppress(ValueError):
        if head[8:12] == b"AVI " and (found := _IN_AVI.search(head)):
            text = found[1].decode()
            known = text if text[0].isdigit() else datetime.strptime(text, "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007
            facts["RIFF:DateTimeOriginal"] = str(known)
    return facts


def lacks_index(file: BinaryIO, size: int) -> bool:
    """Whether an MP4 or QuickTime file of `size` bytes ends before the box that says where its frames are."""
    kinds = [kind for kind, _, _ in boxes(file, 0, size)]
    return kinds[:1] in ([b"ftyp"], [b"mdat"], [b"wide"]) and b"moov" not in kinds


def is_sound(file: BinaryIO, size: int) -> bool:
    """Whether an MP4, QuickTime, AVI or Matroska file has tracks of sound and no other."""
    kinds = {known or other for known, other in _TRACK.findall(_description(file, size))}
    return bool(kinds) and kinds <= _SOUND


def is_high_range(file: BinaryIO, size: int) -> bool:
    """Whether an MP4, QuickTime or Matroska file names PQ or HLG as how its pictures code light."""
    return bool(_HIGH_RANGE.search(_description(file, size)))


def _description(file: BinaryIO, size: int) -> bytes:
    """What describes the tracks of a film: its first bytes, or an MP4's index."""
    start, length = next(
        ((begin, end - begin) for kind, begin, end in boxes(file, 0, size) if kind == b"moov"), (0, _EDGE)
    )
    file.seek(start)
    return file.read(min(length, _MOST_BYTES))


def _contents(file: BinaryIO, start: int, end: int, levels: int = 4) -> Iterator[tuple[bytes, bytes]]:
    """The boxes that are read, with their content, in the order of the file."""
    for kind, begin, after in boxes(file, start, end):
        if kind in _CONTAINERS and levels:
            file.seek(begin + 4)
            # in MP4, a version and flags come first
            skipped = 4 * (kind == b"meta" and file.read(4) != b"hdlr")
            yield from _contents(file, begin + skipped, after, levels - 1)
        elif kind in _READ and after - begin <= _MOST_BYTES:
            file.seek(begin)
            yield kind, file.read(after - begin)


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each box, and where its content begins and ends."""
    for _ in range(_MOST_BOXES):
        file.seek(start)
        head = file.read(16)
        length, begin = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, begin = int.from_bytes(head[8:], "big"), 16
        length = length or end - start
        if length < begin or start + begin > end:
            return
        after = min(start + length, end)
        yield head[4:8], start + begin, after
        start = after


def _add_header(facts: dict[str, Fact], content: bytes) -> int:
    """Adds date and duration; returns the units of time in a second."""
    created, _, scale, duration = struct.unpack_from(">QQIQ" if content[0] else ">IIII", content, 4)
    if created:
        created -= _UNTIL_1970 if created < _UNTIL_1970 else 0
        date = _SINCE_1904 + timedelta(seconds=created)
        facts[UTC_DATE] = f"{date:%Y:%m:%d %H:%M:%S}"
    if scale and duration not in _UNKNOWN_DURATION:
        facts[DURATION] = duration / scale
    return int(scale)


def _add_size(facts: dict[str, Fact], content: bytes) -> None:
    """Adds the size of a track's picture, upright by its matrix; tracks of sound have none."""
    a, b, _, c, d = struct.unpack_from(">5i", content, 52 if content[0] else 40)
    width, height = struct.unpack_from(">II", content, 88 if content[0] else 76)
    if width and height and WIDTH not in facts:
        across, down = (abs(a * width) + abs(c * height)) / 2**32, (abs(b * width) + abs(d * height)) / 2**32
        facts[WIDTH], facts[HEIGHT] = round(across), round(down)


def _add_user_data(facts: dict[str, Fact], kind: bytes, content: bytes) -> None:
    """Adds what programs and people have written beside the film's structure."""
    if kind in _TEXTS:
        _add(facts, _TEXTS[kind], _text(content))
    elif kind == b"XMP_" or content.startswith(XMP_BOX):
        facts[PACKET] = content[16 * (kind == b"uuid") :]
    elif kind == b"urat":
        facts["UserData:UserRating"], *_ = struct.unpack_from(">7xB", content)
    elif kind == b"Xtra" and (stars := _STARS_IN_XTRA.search(content)):
        facts["Microsoft:SharedUserRating"] = int.from_bytes(stars[1], "little")
    elif kind == b"loci" and (place := _LOCI.match(content)):
        east, north, height = (number / 65_536 for number in struct.unpack(">3i", place[1]))
        _add_position(facts, (round(north, 5), round(east, 5), height or None))  # 0 is unknown


def _add_items(facts: dict[str, Fact], content: bytes, keys: list[bytes]) -> None:
    """Adds the items of a list: QuickTime names them by their place among `keys`, others by a kind."""
    for kind, start, end in boxes(io.BytesIO(content), 0, len(content)):
        place = int.from_bytes(kind, "big") - 1
        name = _TEXTS.get(kind) or (_KEYS.get(keys[place]) if 0 <= place < len(keys) else None)
        if name:
            _add(facts, name, _text(content[start:end]))


def _add(facts: dict[str, Fact], name: str, text: str) -> None:
    if name != _POSITION:
        facts.setdefault(name, text)
    elif match := _ISO6709.match(text):
        _add_position(facts, match.groups())


def _add_position(facts: dict[str, Fact], numbers: Iterable[str | float | None]) -> None:
    for tag, number in zip(_POSITION_TAGS, numbers, strict=True):
        if number is not None:
            facts.setdefault(tag, float(number))


def _text(content: bytes) -> str:
    """The text of a "data" box, also of a number there; QuickTime's, behind a length and a language in two bytes each; or all."""
    length = int.from_bytes(content[:2], "big")
    if content[4:8] == b"data":
        text = content[16 : int.from_bytes(content[:4], "big")]
        if content[11] in _NUMBERS:
            return str(int.from_bytes(text, "big"))
    else:
        text = content if length > len(content) else content[4 : 4 + length]
    return text.decode("utf-8", "replace").strip("\0 ")
