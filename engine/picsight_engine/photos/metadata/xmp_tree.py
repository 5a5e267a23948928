"""Parses an XMP packet, and reads the properties of its photo in any form.

This module imports lxml, which takes 33 ms. Packets are untrusted, so no entity is resolved and nothing is downloaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from picsight_engine.foundation.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element, _ElementTree


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
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
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
RATING = qualified("xmp:Rating")
RATED = qualified("picsight:Rating")  # the stars that we wrote into Rating
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DECLARATION = b"<!DOCTYPE"
_DARKTABLE = PREFIXES["darktable"]
_DARKTABLE_AND_WE = frozenset([  # the namespaces that these two write
    _DARKTABLE, "http://ns.adobe.com/exif/1.0/", "http://ns.adobe.com/xap/1.0/mm/", "http://ns.acdsee.com/iptc/1.0/",
    *(PREFIXES[prefix] for prefix in ("rdf", "dc", "xmp", "lr", "digiKam", "picsight")),
])  # fmt: skip


class PacketError(ValueError):
    """These bytes contain no readable XMP; the message gives the reason as the end of a sentence."""


def parse(data: bytes, *, recover: bool = False) -> _ElementTree:
    """The packet's tree, which contains rdf:RDF; `recover` reads what it can of a broken one. Raises PacketError."""
    if not data.strip():
        raise PacketError(Message("it is empty"))
    if declares(data):
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
    found = [item for element in properties(tree, name) for item in all_items(element)]
    found.sort(key=lambda item: item.get(LANGUAGE) != "x-default")
    values = (*(node.get(name) for node in nodes(tree)), *map(content, found))
    return [text for text in ((value or "").strip() for value in values) if text]


def all_items(element: _Element) -> list[_Element]:
    """The entries of a list, or the element of a plain value."""
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


def declares(data: bytes) -> bool:
    """Whether a document type is declared, in any encoding that XMP allows."""
    return _DECLARATION in data or _DECLARATION in data.replace(b"\0", b"")
