"""What people wrote into a photo file: stars, keywords and a description, from its XMP, its IPTC and its EXIF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsight_engine.photos.exif import Exif
    from picsight_engine.photos.xmp import Packet

    Iptc = Mapping[tuple[int, int], bytes | list[bytes] | None]

_EXIF_RATING = 0x4746
_IPTC_KEYWORDS, _IPTC_CAPTION, _IPTC_CODING = (2, 25), (2, 120), (1, 90)
_MOST_BYTES = 4_000_000  # of a packet inside a photo, whose words go from process to process
_UTF_8 = b"\x1b%G"


@dataclass(frozen=True, slots=True)
class Written:
    """Stars from -1 (rejected) to 5, 0 for unrated; keywords, those below others as "Birds/Waders"; a description."""

    rating: int | None = None
    keywords: tuple[str, ...] = ()
    description: str | None = None


def read_written(xmp: bytes, iptc: Iptc, exif: Exif) -> Written:
    """Each from the first that has it: XMP before IPTC and EXIF, which older programs left behind. Never raises."""
    packet = _read(xmp)
    keywords = tuple("/".join(path) for path in packet.keywords) if packet else ()
    rating = packet.rating if packet else None
    return Written(
        rating=_exif_rating(exif) if rating is None else rating,
        keywords=keywords or _plain(_texts(iptc, _IPTC_KEYWORDS)),
        description=_description(packet) or next(iter(_texts(iptc, _IPTC_CAPTION)), None),
    )


def _read(xmp: bytes) -> Packet | None:
    if not xmp or len(xmp) > _MOST_BYTES:
        return None
    from picsight_engine.photos.xmp import PacketError, read_packet  # 33 ms, and most photos hold no XMP

    try:
        return read_packet(xmp)
    except PacketError:  # of a photo that can be shown nobody wants to hear this
        return None


def _plain(texts: list[str]) -> tuple[str, ...]:
    """Keywords that stand below nothing: "B/W" is "B|W" here, as it is from XMP."""
    return tuple(dict.fromkeys(text.replace("/", "|") for text in texts))


def _description(packet: Packet | None) -> str | None:
    """The description, and the title in front of it where that says more."""
    if packet is None:
        return None
    title, description = packet.title or "", packet.description or ""
    return (description if title in description else f"{title}\n{description}".strip()) or None


def _exif_rating(exif: Exif) -> int | None:
    value = exif.main.get(_EXIF_RATING)
    return value if isinstance(value, int) and 0 <= value <= 5 else None


def _texts(iptc: Iptc, field: tuple[int, int]) -> list[str]:
    """The values of a field, each once; what is not said to be UTF-8 may be that all the same."""
    values = iptc.get(field) or []  # an empty field is None
    coding = "utf-8" if iptc.get(_IPTC_CODING) == _UTF_8 else None
    texts = [_text(value, coding) for value in ([values] if isinstance(values, bytes) else values) if value]
    return list(dict.fromkeys(text for text in texts if text))


def _text(value: bytes, coding: str | None) -> str:
    try:
        text = value.decode(coding or "utf-8", "replace" if coding else "strict")
    except UnicodeDecodeError:
        text = value.decode("cp1252", "replace")
    return text.replace("\0", "").strip()
