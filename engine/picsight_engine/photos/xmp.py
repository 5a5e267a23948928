"""What an XMP packet says of a photo: keywords with what stands above them, stars, title and description.

Programs write one into photo files and into side-cars beside them. This module imports lxml, which takes 33 ms: import it
where a packet is at hand. Packets come from strangers, so no entity is resolved and nothing is fetched.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from lxml.etree import _Element, _ElementTree

    Lists = Mapping[str, Collection[str]]  # of keywords as they are written, by the name of the list

MOST_BYTES = 50_000_000  # of a side-car; develop settings with painted masks reach some ten million

PREFIXES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
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
ADDED = qualified("picsight:TagsList")  # what a side-car of ours notes that we added to TagsList
REJECTED = qualified("picsight:Rejected")  # keywords of other programs that a person has rejected
# The lists that an export writes, each with the name under which a side-car notes what we added to it.
NOTED = {
    TAGS_LIST: ADDED,
    HIERARCHICAL: qualified("picsight:HierarchicalSubject"),
    SUBJECT: qualified("picsight:Subject"),
}
RATED = qualified("picsight:Rating")  # the stars that we wrote into Rating
ORIGINAL = qualified("picsight:OriginalHash")  # `bytes_hash` of the file that a side-car was written for

# The lists of keywords, best first, and what parts the names in them. Windows writes the address of its namespace with
# and without the last stroke.
DIVIDERS: dict[str, str | None] = {
    TAGS_LIST: "/",
    HIERARCHICAL: "|",
    qualified("MicrosoftPhoto:LastKeywordXMP"): "/",
    "{http://ns.microsoft.com/photo/1.0}LastKeywordXMP": "/",
    SUBJECT: None,  # plain words
}
_TITLE, _DESCRIPTION_TEXT = qualified("dc:title"), qualified("dc:description")
_FOR_SUFFIX = qualified("photoshop:SidecarForExtension")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DECLARATION = b"<!DOCTYPE"
_WITHIN = re.compile(rb"<(x:x[am]pmeta|rdf:RDF)[\s>].*</\1\s*>", re.DOTALL)
_DARKTABLE = "http://darktable.sf.net/"
_DARKTABLE_AND_WE = frozenset([  # the namespaces that these two write
    _DARKTABLE, "http://ns.adobe.com/exif/1.0/", "http://ns.adobe.com/xap/1.0/mm/", "http://ns.acdsee.com/iptc/1.0/",
    *(PREFIXES[prefix] for prefix in ("rdf", "dc", "xmp", "lr", "digiKam", "picsight")),
])  # fmt: skip
_HASH = re.compile(r"[0-9a-f]{32}")
# What darktable and digiKam note for themselves among the keywords.
_INTERNAL = frozenset(["darktable", "_digikam_internal_tags_"])

Keyword = tuple[str, ...]  # its own name last, before it those that stand above


class PacketError(ValueError):
    """These bytes hold no XMP that could be read; the message says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What one packet says.

    In a name "|" stands for "/", which parts names. `rating` is -1 (rejected) to 5, 0 means unrated. A side-car of ours notes
    what was `added` to the keywords, of which another program has taken out those that are `gone`, and to how many stars it was `rated`, whatever became of that since, which keywords of others
    a person has `rejected`, and the `original`, the hash of the file that it was written for. `for_suffix` is the kind of file that one of Adobe's speaks of.
    """

    keywords: tuple[Keyword, ...] = ()
    rating: int | None = None
    title: str | None = None
    description: str | None = None
    added: tuple[Keyword, ...] = ()
    gone: tuple[Keyword, ...] = ()
    rejected: tuple[Keyword, ...] = ()
    rated: int | None = None
    original: bytes | None = None
    for_suffix: str | None = None


def read_packet(data: bytes) -> Packet:
    """Reads a packet, also one with something else before or behind it; raises PacketError."""
    try:
        tree = parse(data)
    except PacketError:
        within = _WITHIN.search(data)
        if within is None or _declares(data):
            raise
        tree = parse(within[0])
    original = said(tree, ORIGINAL) or ""
    lists = {name: items(tree, name) for name in DIVIDERS}
    noted = {name: items(tree, own) for name, own in NOTED.items()}
    for name, there, whole in cut_entries(lists, noted):
        lists[name] = [whole if text == there else text for text in lists[name]]
    gone = gone_keywords(lists, noted)
    return Packet(
        keywords=tuple(keyword for keyword in keywords_of(lists) if keyword not in gone),
        rating=given_rating(tree),
        title=said(tree, _TITLE),
        description=said(tree, _DESCRIPTION_TEXT),
        added=_paths(noted[TAGS_LIST]),
        gone=tuple(gone),
        rejected=_paths(items(tree, REJECTED)),
        rated=rating(tree, RATED),
        original=bytes.fromhex(original) if _HASH.fullmatch(original) else None,
        for_suffix=said(tree, _FOR_SUFFIX),
    )


def _paths(texts: Iterable[str]) -> tuple[Keyword, ...]:
    return tuple(keyword_of(text, DIVIDERS[TAGS_LIST]) for text in texts)


def parse(data: bytes) -> _ElementTree:
    """The packet's tree, which holds an rdf:RDF; raises PacketError."""
    if not data.strip():
        raise PacketError("it is empty")
    if _declares(data):
        raise PacketError("it declares things of its own, which XMP does not")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.ElementTree(
            etree.fromstring(data.strip(b" \t\r\n") if data[:1] < b"\x80" else data, parser)
        )
    except (etree.XMLSyntaxError, ValueError) as fault:
        where = f" (line {fault.lineno})" if isinstance(fault, etree.XMLSyntaxError) else ""
        raise PacketError(f"it is not XML as it should be{where}") from fault
    if tree.docinfo.internalDTD is not None:
        raise PacketError("it declares things of its own, which XMP does not")
    if next(tree.getroot().iter(RDF), None) is None:
        raise PacketError("it is XML, but holds no XMP")
    return tree


def nodes(tree: _ElementTree) -> list[_Element]:
    """The elements that hold the photo's properties, as attributes and as children; usually one."""
    return [node for rdf in tree.getroot().iter(RDF) for node in rdf if isinstance(node.tag, str)]


def properties(tree: _ElementTree, name: str) -> Iterator[_Element]:
    """A property in every place where it stands as an element."""
    for node in nodes(tree):
        yield from node.findall(name)


def items(tree: _ElementTree, name: str) -> list[str]:
    """All values of a property, outer blanks removed, in whichever form they stand."""
    attributes = [node.get(name) for node in nodes(tree)]
    elements = [content(item) for element in properties(tree, name) for item in _items(element)]
    return [text for text in ((value or "").strip() for value in (*attributes, *elements)) if text]


def keyword_of(text: str, divider: str | None) -> Keyword:
    """A keyword as a program wrote it, None for a plain word; what parts names for us is no part of one."""
    names = (name.strip().replace("/", "|") for name in (text.split(divider) if divider else [text]))
    return tuple(name for name in names if name)


def written_form(path: Keyword, name: str) -> str:
    """A keyword as it stands in one of the lists; within a name "/" and "|" change places where "|" parts names."""
    divider = DIVIDERS[name]
    if divider is None:
        return path[-1]
    return divider.join(part.replace("|", "/") if divider == "|" else part for part in path)


def cut_entries(lists: Lists, noted: Lists) -> Iterator[tuple[str, str, str]]:
    """What is left of noted keywords that darktable cut, as it does at the first comma: the list, what stands there, the whole."""
    for path, cut in _noted_paths(noted).items():
        for name in NOTED if cut else ():
            there, whole = written_form(cut, name), written_form(path, name)
            if there in lists[name] and whole not in lists[name] and there not in noted[name]:
                yield name, there, whole


def gone_keywords(lists: Lists, noted: Lists) -> list[Keyword]:
    """The noted keywords that another program took out: an export writes all three lists, and others know but some of them."""
    there = {name: set(map(_letters, lists[name])) for name in NOTED}
    return [
        path
        for path, cut in _noted_paths(noted).items()
        if any(
            there[name].isdisjoint(_letters(written_form(each, name)) for each in (path, cut) if each)
            for name in NOTED
        )
    ]


def _noted_paths(noted: Lists) -> dict[Keyword, Keyword]:
    """The keywords that an export added to a list that tells paths, with what darktable cuts them to, () for nothing."""
    texts = [(text, DIVIDERS[name]) for name in (TAGS_LIST, HIERARCHICAL) for text in noted[name]]
    paths = {tuple(map(same_name, path)): path for path in (keyword_of(*text) for text in texts) if path}
    cuts = {path: written_form(path, HIERARCHICAL).partition(",") for path in paths.values()}
    return {
        path: keyword_of(cut, DIVIDERS[HIERARCHICAL]) if comma else ()
        for path, (cut, comma, _) in cuts.items()
    }


def flat_words(lists: Lists) -> set[str]:
    """The plain words that name a part of a longer keyword, and are none themselves: darktable writes those that stand above so."""
    paths = [keyword_of(text, DIVIDERS[name]) for name in DIVIDERS if name != SUBJECT for text in lists[name]]
    parts = {same_name(part) for path in paths if len(path) > 1 for part in path}
    parts -= {same_name(path[0]) for path in paths if len(path) == 1}
    return {text for text in lists[SUBJECT] if same_name(text) in parts}


def keywords_of(lists: Lists) -> list[Keyword]:
    """Every keyword that these lists hold, once. A plain word that names a part of a longer keyword is that, in short."""
    paths = [keyword_of(text, DIVIDERS[name]) for name in DIVIDERS for text in lists[name] if name != SUBJECT]
    parts = {same_name(part) for path in paths for part in path}
    plain = [text for text in lists[SUBJECT] if same_name(text) not in parts]
    found: dict[Keyword, Keyword] = {}
    for path in (*paths, *(keyword_of(text, DIVIDERS[SUBJECT]) for text in plain)):
        found.setdefault(tuple(map(same_name, path)), path)
    return [path for key, path in found.items() if key and key[0] not in _INTERNAL]


def same_name(name: str) -> str:
    """Two names of which this is equal are one keyword."""
    return name.strip().replace("/", "|").casefold()


def _letters(text: str) -> str:
    """What every spelling of a keyword has in common: its letters and digits, without accents, where it has any."""
    found = filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold())
    return "".join(found) or same_name(text)


def _items(element: _Element) -> list[_Element]:
    container = next((child for child in element if child.tag in CONTAINERS), None)
    return [element] if container is None else container.findall(LI)


def content(element: _Element) -> str | None:
    """What an element says: its text, or that of the value beside qualifiers."""
    for name in (VALUE, f"{DESCRIPTION}/{VALUE}"):
        qualified_value = element.find(name)
        if qualified_value is not None:
            return qualified_value.text
    return element.get(VALUE) or element.get(RESOURCE) or element.text


def said(tree: _ElementTree, name: str) -> str | None:
    """The one value of a property; of several languages the one that stands for all."""
    found = [item for element in properties(tree, name) for item in _items(element)]
    found.sort(key=lambda item: item.get(_LANGUAGE) != "x-default")
    values = [*(node.get(name) for node in nodes(tree)), *map(content, found)]
    return next((text for text in ((value or "").strip() for value in values) if text), None)


def rating(tree: _ElementTree, name: str = RATING) -> int | None:
    """Whole stars; some programs write 3.0."""
    try:
        stars = round(float(said(tree, name) or ""))
    except (ValueError, OverflowError):
        return None
    return stars if -1 <= stars <= 5 else None


def given_rating(tree: _ElementTree) -> int | None:
    """The rating, but for the one star that darktable gives to every photo, which it is where nobody else wrote a word."""
    found = rating(tree)
    if found != 1 or said(tree, RATED) is not None:
        return found
    names = [
        *(name for node in nodes(tree) for name in node.attrib),
        *(e.tag for node in nodes(tree) for e in node),
    ]
    spaces = {etree.QName(name).namespace for name in names if isinstance(name, str)}
    return None if _DARKTABLE in spaces and spaces <= _DARKTABLE_AND_WE else found


def _declares(data: bytes) -> bool:
    """Whether a document type is declared, in any encoding that XMP allows."""
    return _DECLARATION in data or _DECLARATION in data.replace(b"\0", b"")
