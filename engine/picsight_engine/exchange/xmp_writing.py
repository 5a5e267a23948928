"""Writes a photo's tags and stars into an XMP packet and keeps everything else in it.

The three lists of keywords are written together or not at all, with the same content, because a program that knows several
trusts one of them alone. Our own entries are noted under our own namespace, so that they can be removed again, while the
entries of other programs stay. Of the latter, rejected ones are noted too, and are not copied to other lists.
A note on a subject that this library never decided belongs to another library, and stays with its entries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lxml import etree

from picsight_engine.exchange.history import DecisionHistory
from picsight_engine.photos.identity import bytes_hash
from picsight_engine.photos.metadata.keyword_lists import (
    DIVIDERS,
    HIERARCHICAL,
    LISTS_LEFT,
    NOTED,
    SUBJECT,
    TAGS_LIST,
    Keyword,
    keyword_of,
    keywords_with_parents,
    read_lists,
    same_name,
    written_form,
)
from picsight_engine.photos.metadata.xmp import COPIED, ORIGINAL, REJECTED
from picsight_engine.photos.metadata.xmp_tree import (
    ABOUT,
    BAG,
    CONTAINERS,
    DESCRIPTION,
    LI,
    PREFIXES,
    RATED,
    RATING,
    RDF,
    SEQ,
    content,
    given_rating,
    items,
    nodes,
    parse,
    properties,
    qualified,
    rating,
    value_of,
)
from picsight_engine.store.tagging.tags import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element, _ElementTree

    from picsight_engine.photos.metadata.keyword_lists import Lists

_EMPTY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<x:xmpmeta xmlns:x="{x}" x:xmptk="Picsight">\n'
    ' <rdf:RDF xmlns:rdf="{rdf}">\n </rdf:RDF>\n</x:xmpmeta>\n'
).format(**PREFIXES)
_KINDS = {TAGS_LIST: SEQ, HIERARCHICAL: BAG, SUBJECT: BAG}
_RATED_BEFORE = qualified("picsight:RatingBefore")
_NOTES = (*NOTED.values(), REJECTED, RATED, _RATED_BEFORE, ORIGINAL)
_PREFIXES = ("rdf", "dc", "xmp", "lr", "digiKam", "picsight")
_IMPOSSIBLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML


@dataclass(frozen=True, slots=True)
class SidecarContent:
    """The content of a side-car: the paths of the photo's tags, the user's stars, the hash of its picture, and the tags
    from which it is excluded. `history` is what this library ever stated about it; only that may be removed again. `copied` is
    the hash of the short-named side-car with which a new one begins.
    """

    tags: tuple[str, ...]
    stars: int | None
    original: bytes | None
    rejected: tuple[str, ...] = ()
    history: DecisionHistory = field(default_factory=DecisionHistory)
    copied: bytes | None = None


def update_packet(data: bytes | None, sidecar: SidecarContent) -> bytes | None:
    """The packet with this content, or a new packet; None if nothing changes, or the content is empty. Raises PacketError if
    the existing packet cannot be read and must not be overwritten.
    """
    tree = parse(_EMPTY.encode() if data is None else data)
    if not (sidecar.tags or sidecar.stars is not None or sidecar.rejected or sidecar.history):
        return None
    lists = read_lists(tree)
    ours = _ours(lists, sidecar)
    foreign = lists.without(ours)
    refused = _refused(tree, foreign, sidecar)
    has_notes = any(value_of(tree, name) is not None for name in _NOTES)
    if not (sidecar.tags or sidecar.stars is not None or refused or has_notes):
        return None
    before = etree.tostring(tree)
    for name, part, whole in lists.cut:
        _change_list(tree, name, _KINDS[name], {part}, [whole])
    _state_tags(tree, foreign, sidecar.tags, refused, ours)
    _state_stars(tree, sidecar.stars, sidecar.history)
    speaks = any(value_of(tree, name) is not None for name in _NOTES if name != ORIGINAL)
    _set(tree, ORIGINAL, sidecar.original.hex() if speaks and sidecar.original else None)
    if sidecar.copied is not None:
        _set(tree, COPIED, sidecar.copied.hex())
    for node in nodes(tree):
        if _is_ours(node) and _is_empty(node):
            _detach(node)
    if data is not None and etree.tostring(tree) == before:
        return None
    return _whole(tree, declared=data is None or b"<?xml" in data[:80].replace(b"\0", b""))


def merge_packets(long: bytes, short: bytes) -> tuple[bytes, bool]:
    """The newer packet of a short-named side-car, with what only the long-named one holds and the additions that this notes.

    Keywords are one list, stars another. A list that the short one lacks was removed there only if the long one began as its
    copy. Also returns whether stars changed. Raises PacketError if one of them cannot be read.
    """
    older, tree = parse(long), parse(short)
    lists, theirs, is_copy = read_lists(older), read_lists(tree), value_of(older, COPIED) is not None
    known = set(map(_path_key, theirs.keywords()))
    has_ours = value_of(older, RATED) is not None and value_of(older, RATING) == value_of(older, RATED)
    before, now = rating(older, _RATED_BEFORE) if has_ours else given_rating(older), rating(tree)
    is_rated = (is_copy or now is not None) and (now or 0) != (before or 0)
    is_default = not has_ours and before is None  # darktable's star
    stars = value_of(tree if is_rated or is_default else older, RATING)
    foreign = lists.without(lists.noted).keywords()
    _add_rest(tree, older, {RATING, *(DIVIDERS if known or is_copy else ())})
    _set(tree, RATING, stars)
    for name, noted in lists.noted.items() if known or is_copy else ():
        _change_list(tree, NOTED[name], BAG, {*theirs.texts[name]}, [])
        _change_list(tree, name, _KINDS[name], set(), [text for text in noted if text in lists.texts[name]])
    if is_copy:  # a noted addition that some list lacks counts as removed
        gone = [written_form(path, TAGS_LIST) for path in foreign if _path_key(path) not in known]
        _change_list(tree, NOTED[TAGS_LIST], BAG, set(), gone)
    if is_copy or not ((foreign and not known) or (before is not None and now is None)):
        _set(tree, COPIED, bytes_hash(short).hex())
    return _whole(tree, declared=True), is_rated


def _add_rest(tree: _ElementTree, older: _ElementTree, replaced: set[str]) -> None:
    """Adds the descriptions of an older packet without the properties that the newer one has or replaces."""
    newer = nodes(tree)
    names = replaced.union(*((*node.attrib, *(child.tag for child in node)) for node in newer)) - {ABOUT}
    for node in nodes(older):
        for child in [child for child in node if child.tag in names]:
            _detach(child)
        for name in names.intersection(node.attrib):
            del node.attrib[name]
        if newer:
            node.set(ABOUT, newer[0].get(ABOUT, ""))  # all describe one photo
        if not _is_empty(node):
            _append(next(tree.getroot().iter(RDF)), node)


def strip_notes(data: bytes) -> bytes | None:
    """The packet without the notes of any library; None if nothing else is left. Raises PacketError if it cannot be read."""
    rest = update_packet(data, SidecarContent((), None, None, history=DecisionHistory(of_all=True))) or data
    return None if all(map(_is_empty, nodes(parse(rest)))) else rest


def _is_empty(node: _Element) -> bool:
    return not len(node) and set(node.attrib) <= {ABOUT}


def keywords_by_path(tags: Iterable[str]) -> list[Keyword]:
    """The tags' paths as names, without characters that XML does not allow."""
    return [path for tag in tags if (path := keyword_of(_IMPOSSIBLE.sub("", tag), "/"))]


def _ours(lists: Lists, sidecar: SidecarContent) -> dict[str, set[str]]:
    """The noted additions to each list, without tags that this library never decided."""
    # Additions that only equalise the lists refer to a keyword in another list, not to a tag of a library.
    foreign = lists.without(lists.noted).keywords()
    known = {_path_key(path) for path in (*foreign, *keywords_by_path(sidecar.tags))}
    paths = [keyword_of(text, DIVIDERS[TAGS_LIST]) for text in lists.noted[TAGS_LIST]]
    # One that is not in all notes only equalised the lists; where it is gone, its copies go, too.
    copies = {
        path
        for path in lists.gone
        if any(written_form(path, name) not in lists.noted[name] for name in NOTED)
    }
    known |= set(map(_path_key, copies))
    others = [path for path in paths if _path_key(path) not in known and not sidecar.history.of(path)]
    kept = {name: {_key(written_form(path, name), name) for path in others} for name in NOTED}
    ours = {
        name: {_spelled(text, name) for text in noted if _key(text, name) not in kept[name]}
        for name, noted in lists.noted.items()
    }
    return {  # also in other spellings: darktable writes AC/DC for AC|DC among the plain keywords
        name: {text for text in (*noted, *lists.texts[name]) if _spelled(text, name) in ours[name]}
        for name, noted in lists.noted.items()
    }


def _spelled(text: str, name: str) -> Keyword:
    """The key of an entry's spelling: "a/b" is two names in a list where "/" separates names, otherwise one."""
    return tuple(map(same_name, keyword_of(text, DIVIDERS[name])))


def _refused(tree: _ElementTree, foreign: Lists, sidecar: SidecarContent) -> list[Keyword]:
    """The keywords of other programs whose tags exclude the photo, here or by another library's note."""
    noted = [keyword_of(text, DIVIDERS[TAGS_LIST]) for text in items(tree, REJECTED)]
    unwanted = {
        *map(_path_key, keywords_by_path(sidecar.rejected)),
        *(_path_key(path) for path in noted if not sidecar.history.of(path)),
    }
    unwanted -= set(map(_path_key, keywords_by_path(sidecar.tags)))
    return [path for path in foreign.keywords() if _path_key(path) in unwanted]


def _state_tags(
    tree: _ElementTree,
    foreign: Lists,
    tags: tuple[str, ...],
    refused: list[Keyword],
    ours: dict[str, set[str]],
) -> None:
    """Adds tags to the lists, copies others' keywords to lists that lack them, and notes those that the user rejected."""
    has_others = any(set(texts) - ours[name] for name, texts in foreign.noted.items())
    others = [path for path in foreign.keywords() if path not in refused]
    keywords = [*others, *keywords_by_path(tags)] if tags or has_others else []
    # The parents that darktable wrote for a keyword are removed with it.
    left = keywords_with_parents(foreign.texts)
    parts = {same_name(part) for path in (*keywords, *left) for part in path}
    loose = {text for text in foreign.flat if same_name(text) not in parts}
    for name, note in NOTED.items():
        known = {_key(text, name) for text in foreign.texts[name]}
        wanted: dict[Keyword, str] = {}
        for text in (written_form(path, name) for path in keywords):
            wanted.setdefault(_key(text, name), text)  # in the spelling of the list that has it
        added = [text for key, text in wanted.items() if key not in known]
        gone = ours[name] - set(added)
        _change_list(tree, name, _KINDS[name], gone | loose if name == SUBJECT else gone, added)
        _change_list(tree, note, BAG, gone, added)
    for name in LISTS_LEFT if keywords else ():
        stale = {text for text in foreign.texts[name] if keyword_of(text, DIVIDERS[name]) in foreign.gone}
        _change_list(tree, name, BAG, stale - {*foreign.noted.get(name, ())}, [])
    unwanted = [written_form(path, TAGS_LIST) for path in refused]
    _change_list(tree, REJECTED, BAG, set(items(tree, REJECTED)) - set(unwanted), unwanted)


def _state_stars(tree: _ElementTree, stars: int | None, history: DecisionHistory) -> None:
    """Sets the user's stars; if they were withdrawn, restores the value from before, unless another library's are noted."""
    current, noted, before = value_of(tree, RATING), rating(tree, RATED), value_of(tree, _RATED_BEFORE)
    is_ours = history.gave(noted) and current == value_of(tree, RATED)
    if stars is None and history.gave(noted):
        if is_ours:
            _set(tree, RATING, before)
        _set(tree, RATED, None)
        _set(tree, _RATED_BEFORE, None)
    elif stars is not None and given_rating(tree) != stars:
        _set(tree, RATING, str(stars))
        _set(tree, RATED, str(stars))
        _set(tree, _RATED_BEFORE, before if is_ours else current)


def _path_key(path: Keyword) -> Keyword:
    """The key of a path; equal keys name the same tag."""
    return tuple(map(name_key, path))


def _key(text: str, name: str) -> Keyword:
    """The key of a list entry; equal keys name the same tag."""
    path = (text.replace("/", "|"),) if name == SUBJECT else keyword_of(text, DIVIDERS[name])
    return _path_key(path)


def _change_list(tree: _ElementTree, name: str, kind: str, gone: set[str], wanted: list[str]) -> None:
    """Removes entries from a list and adds missing ones; removes an empty list."""
    there = set(items(tree, name))
    missing = [text for text in wanted if text not in there]
    for element in list(properties(tree, name)):
        for entry in list(element.iterdescendants(LI)):
            if (content(entry) or "").strip() in gone:
                _detach(entry)
    if missing:
        container = _container(tree, name, kind)
        for text in missing:
            _append_entry(container, text)
    for element in list(properties(tree, name)):
        if gone and next(element.iterdescendants(LI), None) is None and not (element.text or "").strip():
            _detach(element)


def _container(tree: _ElementTree, name: str, kind: str) -> _Element:
    """The element that holds the list's entries, created if needed; a plain value becomes an entry."""
    element = next(properties(tree, name), None)
    if element is None:
        element = _new_property(tree, name)
    container = next((child for child in element if child.tag in CONTAINERS), None)
    if container is not None:
        return container
    attributes = [str(node.attrib.pop(name)) for node in nodes(tree) if name in node.attrib]
    bare = [text for text in (*attributes[-1:], (element.text or "").strip()) if text]
    element.text = None
    container = _element(kind)
    _append(element, container)
    for text in bare:
        _append_entry(container, text)
    return container


def _set(tree: _ElementTree, name: str, text: str | None) -> None:
    """Sets a single-valued property in its existing place and form; None removes it."""
    if value_of(tree, name) == text:
        return
    elements = list(properties(tree, name))
    for element in elements if text is None else elements[1:]:
        _detach(element)
    holders = [node for node in nodes(tree) if node.get(name) is not None]
    for node in holders:
        if text is None or elements:
            del node.attrib[name]
        else:
            node.set(name, text)
    if text is None or (holders and not elements):
        return
    element = elements[0] if elements else _new_property(tree, name)
    tail = element.tail
    element.clear()
    element.text, element.tail = text, tail


def _new_property(tree: _ElementTree, name: str) -> _Element:
    """A new empty property in our description, which is created after all others if needed."""
    known = nodes(tree)
    home = next((node for node in known if _is_ours(node)), None)
    if home is None:
        home = etree.Element(DESCRIPTION, nsmap={prefix: PREFIXES[prefix] for prefix in _PREFIXES})
        home.set(ABOUT, known[0].get(ABOUT, "") if known else "")
        _append(next(tree.getroot().iter(RDF)), home)
    element = _element(name)
    _append(home, element)
    return element


def _is_ours(node: _Element) -> bool:
    return PREFIXES["picsight"] in node.nsmap.values()


def _whole(tree: _ElementTree, *, declared: bool) -> bytes:
    """The file in UTF-8; processing instructions around the packet get their own lines."""
    root = tree.getroot()
    parts = [*reversed(list(root.itersiblings(preceding=True))), root, *root.itersiblings()]
    texts = [etree.tostring(part, encoding="unicode", with_tail=False) for part in parts]
    head = ['<?xml version="1.0" encoding="UTF-8"?>'] if declared else []
    return "\n".join([*head, *texts, ""]).encode()


def _append_entry(container: _Element, text: str) -> None:
    entry = _element(LI)
    entry.text = text
    _append(container, entry)


def _element(name: str) -> _Element:
    """A new element with the usual prefix of its namespace."""
    space = etree.QName(name).namespace
    return etree.Element(
        name, nsmap={prefix: address for prefix, address in PREFIXES.items() if address == space}
    )


def _append(parent: _Element, child: _Element) -> None:
    """Appends a child, on its own line if the others have one."""
    depth = len(list(parent.iterancestors()))
    last = next(parent.iterchildren(reversed=True), None)  # len() counts all of them
    if last is not None:
        child.tail, last.tail = last.tail, parent.text
    elif parent.text is None or not parent.text.strip():
        parent.text, child.tail = "\n" + " " * (depth + 1), "\n" + " " * depth
    parent.append(child)


def _detach(element: _Element) -> None:
    """Removes an element; the line break after the last element stays after the previous one."""
    parent, previous = element.getparent(), element.getprevious()
    assert parent is not None, "only parts of a description are taken out"
    if element.getnext() is None and previous is not None:
        previous.tail = element.tail
    parent.remove(element)
