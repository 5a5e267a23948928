"""The words that photo programs write into a photo's XMP, or into the .xmp beside it: its description, and its keywords.

Lightroom, digiKam, darktable, Apple's Photos on export and Windows write them there. Nothing else of XMP is looked at, and what
stands in IPTC alone is not found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from mctrain.data.words import Words, described
from mctrain.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_PACKET = re.compile(rb"<rdf:RDF.*?</rdf:RDF>", re.DOTALL)
_WITHIN = 1 << 20  # bytes: it stands before the picture
_DESCRIPTION, _SUBJECT = (
    f"{{http://purl.org/dc/elements/1.1/}}{name}" for name in ("description", "subject")
)
_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"


def words_inside(photo: Path) -> Words:
    """Descriptions as captions and keywords as searches, of the file beside a photo and of the photo's own.

    Raises:
        DataError: one of them cannot be read.
    """
    words = Words()
    for path in (photo.with_name(f"{photo.name}.xmp"), photo.with_suffix(".xmp"), photo):
        if path.is_file():
            words = words.joined(_words(path))
    return words


def _words(path: Path) -> Words:
    try:
        with path.open("rb") as file:
            packet = _PACKET.search(file.read(_WITHIN))
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}.") from fault
    if packet is None:
        return Words()
    try:
        root = ET.fromstring(packet[0])  # noqa: S314 (what comes before it stays out, and so no entity is declared)
    except ET.ParseError:  # of a packet that is cut or damaged the photo has no words
        return Words()
    captions, queries = (
        [item.text or "" for own in root.iter(name) for item in own.iter(_ITEM)]
        for name in (_DESCRIPTION, _SUBJECT)
    )
    return described({"captions": captions, "queries": queries})
