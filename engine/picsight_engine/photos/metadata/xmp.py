"""Reads an XMP packet: keywords with their parents, stars, and how the photo was taken.

Programs write packets into photo files and side-cars. This module imports lxml, which takes 33 ms: import it only when a
packet is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message
from picsight_engine.photos.metadata.keyword_lists import TAGS_LIST, Keyword, keyword_of, read_lists
from picsight_engine.photos.metadata.regions import DIMENSIONS, RECTANGLES, REGIONS
from picsight_engine.photos.metadata.xmp_tree import (
    LANGUAGE,
    LI,
    RATED,
    PacketError,
    all_items,
    content,
    declares,
    given_rating,
    items,
    nodes,
    parse,
    qualified,
    rating,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element, _ElementTree

    from picsight_engine.photos.exif import Fact

MOST_BYTES = 50_000_000  # of a side-car; develop settings with painted masks reach some ten million
_MOST_PARTS = 130_000  # elements or attributes of a packet that is read with its photo, 350 bytes each
REJECTED = qualified("picsight:Rejected")  # keywords of other programs that the user has rejected
ORIGINAL = qualified("picsight:OriginalHash")  # the hash of the picture that a side-car was written for
COPIED = qualified("picsight:CopiedHash")  # the hash of the short-named side-car whose content was copied
_FOR_SUFFIX = qualified("photoshop:SidecarForExtension")
_DESCRIPTION = qualified("dc:description")
_CREATOR = qualified("dc:creator")  # there may be several
# Properties that are read unchanged, by ExifTool's names.
_FACTS = {
    qualified(name): f"XMP-{name}"
    for name in (
        "dc:title", "dc:description", "dc:creator", "dc:rights", "xmp:Label", "xmp:CreateDate", "xmp:MetadataDate",
        "MicrosoftPhoto:Rating", "photoshop:DateCreated", "tiff:Make", "tiff:Model", "aux:Lens", "aux:LensID", "aux:LensInfo",
        "exifEX:LensModel", "acdsee:rating", "exif:ApertureValue", "exif:ShutterSpeedValue",
        "exifEX:PhotographicSensitivity", "exif:DateTimeOriginal", "exif:DateTimeDigitized", "exif:ExposureTime",
        "exif:FNumber", "exif:FocalLength", "exif:FocalLengthIn35mmFilm", "exif:ISOSpeedRatings", "exif:GPSLatitude",
        "exif:GPSLongitude", "exif:GPSAltitude", "exif:GPSAltitudeRef", "exif:GPSImgDirection",
        "photoshop:SidecarForExtension", "picsight:OriginalHash",
    )
} | {
    qualified("exif:GPSTimeStamp"): "XMP-exif:GPSDateTime",
    "{http://ns.microsoft.com/photo/1.0}Rating": "XMP-MicrosoftPhoto:Rating",
}  # fmt: skip
_PEOPLE = qualified("iptcExt:PersonInImage")
_AREA = [qualified(f"stArea:{side}") for side in "xywh"]
_REGION_TYPE, _APPLIED = qualified("mwg-rs:Type"), qualified("mwg-rs:AppliedToDimensions")
_SIZE = [qualified(f"stDim:{side}") for side in "wh"]
_RECTANGLES, _RECTANGLE, _PERSON = map(
    qualified, ("MPRI:Regions", "MPReg:Rectangle", "MPReg:PersonDisplayName")
)
_REGION_LIST, _REGION_NAME = qualified("mwg-rs:RegionList"), qualified("mwg-rs:Name")
_FLASH, _FIRED = qualified("exif:Flash"), qualified("exif:Fired")
# Colour labels, of which the first of several counts, and the numbers that programs write for them in this order. Magenta in
# digiKam is the purple of other programs: it writes both.
_LABELS = ("Red", "Yellow", "Green", "Blue", "Purple", "Orange", "Gray", "Black", "White")
_NUMBERS_OF_LABELS = {
    qualified("darktable:colorlabels"): tuple("01234"),
    qualified("digiKam:ColorLabel"): tuple("134562789"),
}
_WHOLE = (b"x:xmpmeta", b"x:xapmeta", b"rdf:RDF")  # the elements that hold a packet
ORIGINAL_FACT, SUFFIX_FACT = "XMP-picsight:OriginalHash", "XMP-photoshop:SidecarForExtension"
_HASH = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Packet:
    """The content of one packet.

    In a name "|" replaces "/", which separates names. `rating` is -1 (rejected) to 5, 0 means unrated. Our side-cars note the
    keywords that we `added` (those that other programs removed since are `gone`), how the photo was `rated`, which keywords of
    others the user has `rejected`, and the `original`, the hash of the picture for which the side-car was written.
    `for_suffix` is the kind of file to which an Adobe side-car belongs.
    """

    keywords: tuple[Keyword, ...] = ()
    rating: int | None = None
    description: str | None = None
    added: tuple[Keyword, ...] = ()
    gone: tuple[Keyword, ...] = ()
    rejected: tuple[Keyword, ...] = ()
    rated: int | None = None
    original: bytes | None = None
    for_suffix: str | None = None


def read_packet(data: bytes) -> Packet:
    """Reads a packet, also with other data before or after it; raises PacketError."""
    tree = _parse_within(data, recover=False)
    original = value_of(tree, ORIGINAL) or ""
    lists = read_lists(tree)
    return Packet(
        keywords=tuple(lists.keywords()),
        rating=given_rating(tree),
        description=value_of(tree, _DESCRIPTION),
        added=tuple(keyword_of(text, "/") for text in lists.noted[TAGS_LIST]),
        gone=tuple(lists.gone),
        rejected=tuple(keyword_of(text, "/") for text in items(tree, REJECTED)),
        rated=rating(tree, RATED),
        original=bytes.fromhex(original) if _HASH.fullmatch(original) else None,
        for_suffix=value_of(tree, _FOR_SUFFIX),
    )


def read_facts(data: bytes) -> dict[str, Fact]:
    """The facts in a packet, by ExifTool's names, without keywords and stars that our export added; raises PacketError.

    Includes the hash of the picture for which a side-car was written, and its kind of file.
    """
    if max(data.count(b"<"), data.count(b"=")) > _MOST_PARTS:
        raise PacketError(Message("it has too many elements"))
    tree = _parse_within(data, recover=True)
    try:
        return _facts(tree)
    except ValueError as fault:  # of names that only a broken packet has
        raise PacketError(Message("it is not well-formed XML")) from fault


def _facts(tree: _ElementTree) -> dict[str, Fact]:
    lists = read_lists(tree)
    facts: dict[str, Fact] = dict(_plain_facts(tree))
    facts["XMP-dc:Subject"] = tuple("/".join(path) for path in lists.without(lists.noted).keywords())
    stars = given_rating(tree)
    if stars is not None and stars != rating(tree, RATED):
        facts["XMP-xmp:Rating"] = stars
    labels = [
        known.index(number)
        for name, known in _NUMBERS_OF_LABELS.items()
        for number in items(tree, name)
        if number in known
    ]
    if labels:
        facts.setdefault("XMP-xmp:Label", _LABELS[min(labels)])
    facts["XMP-iptcExt:PersonInImage"] = tuple(items(tree, _PEOPLE))
    facts["XMP-mwg-rs:RegionName"] = tuple(_values_within(tree, _REGION_LIST, _REGION_NAME))
    facts["XMP-MP:RegionPersonDisplayName"] = tuple(_values_within(tree, _RECTANGLES, _PERSON))
    facts[REGIONS] = _lines_of(tree, _REGION_LIST, [*_AREA, _REGION_NAME], _REGION_TYPE)
    facts[DIMENSIONS] = next(iter(_lines_of(tree, _APPLIED, _SIZE)), "")
    facts[RECTANGLES] = _lines_of(tree, _RECTANGLES, [_RECTANGLE, _PERSON])
    facts["XMP-exif:FlashFired"] = next(_values_within(tree, _FLASH, _FIRED), "")
    return facts


def _values_within(tree: _ElementTree, outer: str, name: str) -> Iterator[str]:
    """The values of a property, written as attribute or element, inside the first element `outer`."""
    for found in islice(tree.getroot().iter(outer), 1):
        yield from _values_in(found, name)


def _values_in(element: _Element, name: str) -> Iterator[str]:
    for part in element.iter():
        if value := part.get(name) or (part.text if part.tag == name else None):
            yield value


def _lines_of(
    tree: _ElementTree, outer: str, names: Sequence[str], face: str | None = None
) -> tuple[str, ...]:
    """The values of properties of each item in the first element `outer`, in one line; of regions only those of a `face`."""
    lines = []
    for found in islice(tree.getroot().iter(outer), 1):
        for item in [*found.iter(LI)] or [found]:
            values = [next(_values_in(item, name), "").strip() for name in names]
            kind = "Face" if face is None else next(_values_in(item, face), "Face")
            if all(values) and kind == "Face":
                *numbers, last = values
                lines.append(" ".join([*" ".join(numbers).replace(",", " ").split(), last]))
    return tuple(lines)


def _plain_facts(tree: _ElementTree) -> Iterator[tuple[str, str]]:
    """The properties that are read unchanged, in one pass, in the default language; the first node comes last."""
    for node in reversed(nodes(tree)):
        for element in reversed([child for child in node if child.tag in _FACTS]):
            parts = sorted(all_items(element), key=lambda item: item.get(LANGUAGE) != "x-default")
            texts = [text for text in ((content(part) or "").strip() for part in parts) if text]
            if texts:
                yield _FACTS[element.tag], "; ".join(texts) if element.tag == _CREATOR else texts[0]
        for key, fact in _FACTS.items():  # lxml takes a minute to list many attributes with their values
            if text := (node.get(key) or "").strip():
                yield fact, text


def _parse_within(data: bytes, *, recover: bool) -> _ElementTree:
    """The tree of a packet that may have other data around it; raises PacketError."""
    try:
        return parse(data)
    except PacketError:
        found = ((data.find(b"<" + name), data.rfind(b"</" + name)) for name in _WHOLE)
        start, end = next((ends for ends in found if 0 <= ends[0] < ends[1]), (0, 0))
        if not end or declares(data):
            raise
        return parse(data[start : data.find(b">", end) + 1], recover=recover)
