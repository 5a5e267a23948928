"""What the older fields of IPTC say, in whatever letters they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.photos.exif import decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsight_engine.photos.facts import Fact

_CODING, _UTF_8 = (1, 90), b"\x1b%G"
_FIELDS = {
    (2, 5): "ObjectName", (2, 25): "Keywords", (2, 55): "DateCreated", (2, 60): "TimeCreated", (2, 80): "By-line",
    (2, 116): "CopyrightNotice", (2, 120): "Caption-Abstract",
}  # fmt: skip


def iptc_facts(fields: Mapping[tuple[int, int], bytes | list[bytes] | None]) -> dict[str, Fact]:
    """The values of each field, each once, by the names that ExifTool gives to the fields."""
    coding = "utf-8" if fields.get(_CODING) == _UTF_8 else None
    facts: dict[str, Fact] = {}
    for number, name in _FIELDS.items():
        values = fields.get(number) or []  # an empty field is None
        texts = [
            _text(value, coding) for value in ([values] if isinstance(values, bytes) else values) if value
        ]
        if found := tuple(dict.fromkeys(text for text in texts if text)):
            facts[f"IPTC:{name}"] = found
    return facts


def _text(value: bytes, coding: str | None) -> str:
    """What is not said to be UTF-8 may be that all the same."""
    text = value.decode(coding, "replace") if coding else decoded(value)
    return text.replace("\0", "").strip()
