"""What the older fields of IPTC say, in whatever letters they are written."""

from __future__ import annotations

import struct
from collections import defaultdict
from typing import TYPE_CHECKING

from picsight_engine.photos.exif import decoded

if TYPE_CHECKING:
    from picsight_engine.photos.facts import Fact

_CODING, _UTF_8 = (1, 90), b"\x1b%G"
_EXTENDED = 0x8000  # a size that tells how many bytes the size itself has
_FIELDS = {
    (2, 5): "ObjectName", (2, 25): "Keywords", (2, 55): "DateCreated", (2, 60): "TimeCreated", (2, 80): "By-line",
    (2, 116): "CopyrightNotice", (2, 120): "Caption-Abstract",
}  # fmt: skip


def iptc_facts(block: bytes) -> dict[str, Fact]:
    """The values of each field, each once, by the names that ExifTool gives to the fields; nothing from behind a damage."""
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
    """Each field begins with a mark, the numbers of record and field, and its size."""
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
