"""Reads an XMP packet: keywords with their parents, stars, and how the photo was taken.

Programs write packets into photo files and side-cars. This module imports lxml, which takes 33 ms: import it only when a
packet is found. Packets are untrusted, so no entity is resolved and nothing is downloaded.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from lxml import etree

from picsight_engine.foundation.errors import Message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from lxml.etree import _Element, _ElementTree

    from picsight_engine.photos.exif import Fact

MOST_BYTES = 50_000_000  # of a side-car; develop settings with painted masks reach some ten million
_MOST_PARTS = 130_000  # elements or attributes of a packet that is read with its photo, 350 bytes each

PREFIXES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "acdsee": "http://ns.acdsee.com/iptc/1.0/",
    "iptcExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "darktable": "http://darktable.sf.net/",
    "picsight": "urn:picsight:xmp:1.0/",
}


def qualified(name: str) -> str:
    """A name such as "dc:subject" as lxml writes it, with the address of its namespace."""
    prefix, _, local = name.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}"


RDF, DESCRIPTION, LI, VALUE, RESOURCE, ABOUT = (
    qualified(f"rdf:{name}") for name in ("RDF", "Description", "li", "value", "resource", "about")
)
BAG, SEQ = qualified("rdf:Bag"), qualified("rdf:Seq")
CONTAINERS = frozenset([BAG, SEQ, qualified("rdf:Alt")])
SUBJECT = qualified("dc:subject")
HIERARCHICAL = qualified("lr:hierarchicalSubject")
TAGS_LIST = qualified("digiKam:TagsList")
RATING = qualified("xmp:Rating")
REJECTED = qualified("picsight:Rejected")  # keywords of other programs that the user has rejected
# The lists that an export writes, each with the property in which a side-car notes our additions.
NOTED = {
    TAGS_LIST: qualified("picsight:TagsList"),
    HIERARCHICAL: qualified("picsight:HierarchicalSubject"),
    SUBJECT: qualified("picsight:Subject"),
}
RATED = qualified("picsight:Rating")  # the stars that we wrote into Rating
ORIGINAL = qualified("picsight:OriginalHash")  # the hash of the picture that a side-car was written for
COPIED = qualified("picsight:CopiedHash")  # the hash of the short-named side-car whose content was copied

# The lists of keywords, best first, and the separator of names in each. Windows writes its namespace with and without the
# final slash.
DIVIDERS: dict[str, str | None] = {
    TAGS_LIST: "/",
    HIERARCHICAL: "|",
    qualified("MicrosoftPhoto:LastKeywordXMP"): "/",
    "{http://ns.microsoft.com/photo/1.0}LastKeywordXMP": "/",
    SUBJECT: None,  # plain words
}
# The lists that darktable and Adobe's programs leave as they are.
LISTS_LEFT = tuple(name for name, divider in DIVIDERS.items() if divider == "/")
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
_REGION_LIST, _REGION_NAME = qualified("mwg-rs:RegionList"), qualified("mwg-rs:Name")
_FLASH, _FIRED = qualified("exif:Flash"), qualified("exif:Fired")
# Colour labels, of which the first of several counts, and the numbers that programs write for them in this order. Magenta in
# digiKam is the purple of other programs: it writes both.
_LABELS = ("Red", "Yellow", "Green", "Blue", "Purple", "Orange", "Gray", "Black", "White")
_NUMBERS_OF_LABELS = {
    qualified("darktable:colorlabels"): tuple("01234"),
    qualified("digiKam:ColorLabel"): tuple("134562789"),
}
_TOOLKIT = qualified("x:xmptk")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DECLARATION = b"<!DOCTYPE"
_WHOLE = (b"x:xmpmeta", b"x:xapmeta", b"rdf:RDF")  # the elements that hold a packet
_DARKTABLE = PREFIXES["darktable"]
_DARKTABLE_AND_WE = frozenset([  # the namespaces that these two write
    _DARKTABLE, "http://ns.adobe.com/exif/1.0/", "http://ns.adobe.com/xap/1.0/mm/", "http://ns.acdsee.com/iptc/1.0/",
    *(PREFIXES[prefix] for prefix in ("rdf", "dc", "xmp", "lr", "digiKam", "picsight")),
])  # fmt: skip
ORIGINAL_FACT, SUFFIX_FACT = "XMP-picsight:OriginalHash", "XMP-photoshop:SidecarForExtension"
_HASH = re.compile(r"[0-9a-f]{32}")
# Internal keywords of darktable and digiKam.
_INTERNAL = frozenset(["darktable", "_digikam_internal_tags_"])

Keyword = tuple[str, ...]  # its parents first, its own name last


class PacketError(ValueError):
    """These bytes contain no readable XMP; the message gives the reason as the end of a sentence."""


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


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of keywords by name, as written; `cut` restores names that darktable shortened: list, part, whole.

    `gone` entries were `noted` by an export in three of them and removed by other programs since, or stand only in a list
    that the last program does not write. `flat` plain words only name a part of a longer keyword: darktable writes the
    parents of each, and a program that removes a keyword may leave its name.
    """

    texts: dict[str, list[str]]
    noted: dict[str, list[str]]
    cut: list[tuple[str, str, str]]
    gone: list[Keyword]
    flat: set[str]

    def without(self, entries: Mapping[str, Collection[str]]) -> Lists:
        """The lists without these entries."""
        left = {name: set(texts) for name, texts in entries.items()}
        kept = {
            name: [text for text in texts if text not in left.get(name, ())]
            for name, texts in self.texts.items()
        }
        return replace(self, texts=kept)

    def keywords(self) -> list[Keyword]:
        """Every keyword once, without `flat` plain words and `gone` entries."""
        plain = (keyword_of(text, None) for text in self.texts[SUBJECT] if text not in self.flat)
        found: dict[Keyword, Keyword] = {}
        for path in (*keywords_with_parents(self.texts), *plain):
            found.setdefault(tuple(map(same_name, path)), path)
        left = {*self.gone}
        return [path for key, path in found.items() if key and key[0] not in _INTERNAL and path not in left]


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
    facts["XMP-exif:FlashFired"] = next(_values_within(tree, _FLASH, _FIRED), "")
    return facts


def _values_within(tree: _ElementTree, outer: str, name: str) -> Iterator[str]:
    """The values of a property, written as attribute or element, inside the first element `outer`."""
    for found in islice(tree.getroot().iter(outer), 1):
        for part in found.iter():
            if value := part.get(name) or (part.text if part.tag == name else None):
                yield value


def _plain_facts(tree: _ElementTree) -> Iterator[tuple[str, str]]:
    """The properties that are read unchanged, in one pass, in the default language; the first node comes last."""
    for node in reversed(nodes(tree)):
        for element in reversed([child for child in node if child.tag in _FACTS]):
            parts = sorted(_items(element), key=lambda item: item.get(_LANGUAGE) != "x-default")
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
        if not end or _declares(data):
            raise
        return parse(data[start : data.find(b">", end) + 1], recover=recover)


def parse(data: bytes, *, recover: bool = False) -> _ElementTree:
    """The packet's tree, which contains rdf:RDF; `recover` reads what it can of a broken one. Raises PacketError."""
    if not data.strip():
        raise PacketError(Message("it is empty"))
    if _declares(data):
        raise PacketError(Message("it declares a document type, which XMP does not allow"))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=recover)
    try:
        tree = etree.ElementTree(
            etree.fromstring(data.strip(b" \t\r\n") if data[:1] < b"\x80" else data, parser)
        )
    except (etree.XMLSyntaxError, ValueError) as fault:
        where = f" (line {fault.lineno})" if isinstance(fault, etree.XMLSyntaxError) else ""
        raise PacketError(Message("it is not well-formed XML{where}", where=where)) from fault
    if tree.getroot() is None:
        raise PacketError(Message("it is not XML"))
    if tree.docinfo.internalDTD is not None:
        raise PacketError(Message("it declares a document type, which XMP does not allow"))
    if next(tree.getroot().iter(RDF), None) is None:
        raise PacketError(Message("it is XML, but holds no XMP"))
    return tree


def nodes(tree: _ElementTree) -> list[_Element]:
    """The elements that hold the photo's properties, as attributes and as children; usually one."""
    return [node for rdf in tree.getroot().iter(RDF) for node in rdf if isinstance(node.tag, str)]


def properties(tree: _ElementTree, name: str) -> Iterator[_Element]:
    """All elements of a property."""
    for node in nodes(tree):
        yield from node.findall(name)


def items(tree: _ElementTree, name: str) -> list[str]:
    """All values of a property in any form, without surrounding white space; those in the default language first."""
    found = [item for element in properties(tree, name) for item in _items(element)]
    found.sort(key=lambda item: item.get(_LANGUAGE) != "x-default")
    values = (*(node.get(name) for node in nodes(tree)), *map(content, found))
    return [text for text in ((value or "").strip() for value in values) if text]


def keyword_of(text: str, divider: str | None) -> Keyword:
    """A keyword from a program's spelling, `divider` None for a plain word; our own separator never stays in a name."""
    names = (name.strip().replace("/", "|") for name in (text.split(divider) if divider else [text]))
    return tuple(name for name in names if name)


def written_form(path: Keyword, name: str) -> str:
    """A keyword in the form of one of the lists; within a name "/" and "|" are swapped if "|" separates names there."""
    divider = DIVIDERS[name]
    if divider is None:
        return path[-1]
    return divider.join(part.replace("|", "/") if divider == "|" else part for part in path)


def read_lists(tree: _ElementTree) -> Lists:
    """The lists, compared with the notes of an export; darktable writes two of the three, and cuts an entry at its first comma."""
    texts = {name: items(tree, name) for name in DIVIDERS}
    noted = {name: items(tree, note) for name, note in NOTED.items()}
    ours = [keyword_of(text, DIVIDERS[name]) for name in (TAGS_LIST, HIERARCHICAL) for text in noted[name]]
    left_over = _left_over(tree, texts)
    there, kept = ({name: set(lists[name]) for name in NOTED} for lists in (texts, noted))
    letters = {name: set(map(_letters, there[name])) for name in NOTED if any(ours) or left_over}
    cut, gone = [], []
    for path in filter(None, dict.fromkeys((*ours, *left_over))):
        left = keyword_of(written_form(path, HIERARCHICAL).partition(",")[0], "|") or path
        forms = [(name, written_form(left, name), written_form(path, name)) for name in NOTED]
        cut += [
            (name, part, whole)
            for name, part, whole in forms
            if part in there[name] and whole not in there[name] and part not in kept[name]
        ]
        rewritten = NOTED if path in ours else {HIERARCHICAL}
        if any(letters[name].isdisjoint(map(_letters, parts)) for name, *parts in forms if name in rewritten):
            gone.append(path)
    for name in NOTED:
        wholes = {part: whole for each, part, whole in cut if each == name}
        texts[name] = [wholes.get(text, text) for text in texts[name]]
    paths = keywords_with_parents(texts)
    parents = {same_name(part) for path in paths if len(path) > 1 for part in path}
    halves = {same_name(path[-1]) for path in gone if len(path) > 1}
    alone = {same_name(path[0]) for path in paths if len(path) == 1}
    flat = {
        text
        for text in texts[SUBJECT]
        if same_name(text) in (parents | halves if text in kept[SUBJECT] else parents) - alone
    }
    return Lists(texts, noted, cut, gone, flat)


def _left_over(tree: _ElementTree, texts: Mapping[str, Sequence[str]]) -> list[Keyword]:
    """The keywords in lists of digiKam and Windows, if a program that leaves these lists as they are wrote last.

    darktable adds keywords with its own name to the lists that it writes, Adobe's programs name their toolkit.
    """
    left = [keyword_of(text, "/") for name in LISTS_LEFT for text in texts[name]]
    heads = {path[0] for path in left if path}
    is_darktable = (
        any(text.startswith("darktable|") for text in texts[HIERARCHICAL]) and "darktable" not in heads
    )
    is_adobe = tree.getroot().get(_TOOLKIT, "").startswith("Adobe XMP Core") and bool(texts[HIERARCHICAL])
    return left if is_darktable or is_adobe else []


def keywords_with_parents(texts: Mapping[str, Sequence[str]]) -> list[Keyword]:
    """The entries of all lists except the plain words."""
    return [
        keyword_of(text, divider) for name, divider in DIVIDERS.items() if divider for text in texts[name]
    ]


def same_name(name: str) -> str:
    """A key of a name; names with equal keys are one keyword."""
    return name.strip().replace("/", "|").casefold()


def _letters(text: str) -> str:
    """The common part of all spellings of a keyword: its letters and digits, without accents, if it has any."""
    found = filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold())
    return "".join(found) or same_name(text)


def _items(element: _Element) -> list[_Element]:
    container = next((child for child in element if child.tag in CONTAINERS), None)
    return [element] if container is None else container.findall(LI)


def content(element: _Element) -> str | None:
    """The text of an element, or of its value if it has qualifiers."""
    for name in (VALUE, f"{DESCRIPTION}/{VALUE}"):
        qualified_value = element.find(name)
        if qualified_value is not None:
            return qualified_value.text
    return element.get(VALUE) or element.get(RESOURCE) or element.text


def value_of(tree: _ElementTree, name: str) -> str | None:
    """The single value of a property, in the default language."""
    return next(iter(items(tree, name)), None)


def rating(tree: _ElementTree, name: str = RATING) -> int | None:
    """Whole stars; some programs write 3.0."""
    try:
        stars = round(float(value_of(tree, name) or ""))
    except (ValueError, OverflowError):
        return None
    return stars if -1 <= stars <= 5 else None


def given_rating(tree: _ElementTree) -> int | None:
    """The rating, without darktable's default star: one star in a packet that no other program wrote."""
    found = rating(tree)
    if found != 1 or value_of(tree, RATED) is not None:
        return found
    names = [name for node in nodes(tree) for name in (*node.attrib, *(child.tag for child in node))]
    spaces = {etree.QName(name).namespace for name in names if isinstance(name, str)}
    return None if _DARKTABLE in spaces and spaces <= _DARKTABLE_AND_WE else found


def _declares(data: bytes) -> bool:
    """Whether a document type is declared, in any encoding that XMP allows."""
    return _DECLARATION in data or _DECLARATION in data.replace(b"\0", b"")
