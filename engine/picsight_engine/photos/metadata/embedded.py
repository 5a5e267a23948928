"""Finds the blocks of EXIF, XMP and IPTC, and a film, in a picture file that has been opened."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from PIL.JpegImagePlugin import JpegImageFile

from picsight_engine.photos import png
from picsight_engine.photos.exif import Exif, read_exif
from picsight_engine.photos.metadata.film_tags import XMP_BOX, boxes

if TYPE_CHECKING:
    from PIL.Image import Image

    from picsight_engine.photos.exif import Fact
    from picsight_engine.photos.formats import Format

_MOST_XMP = 4_000_000  # bytes of a packet inside a photo
_TIFF_IPTC, _PHOTOSHOP_IPTC = 33723, 0x0404
# The marks of boxes in JPEG 2000.
_EXIF_BOXES = b"JpgTiffExif->JP2", bytes.fromhex("0537cdab9d0c4431a72afa561f2a113e")
_IPTC_BOX = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_GIF_XMP, _GIF_XMP_END = b"!\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"
# A part of what did not fit into a JPEG's packet: the name of the whole, which the packet contains, its length, the place.
_EXTENSION = re.compile(rb"http://ns\.adobe\.com/xmp/extension/\0(.{32}).{4}(.{4})", re.DOTALL)
_PACKET_END = b"</x:xmpmeta>"
_FILM_START = re.compile(rb"\0\0\0.ftyp(?:mp4|iso|qt  |3gp|MSNV|avc)", re.DOTALL)


def exif_of(image: Image, data: bytes, kind: Format) -> Exif:
    """The EXIF block; a PNG may have it after the picture, which opening has not read yet."""
    if kind.name == "TIFF":
        return read_exif(data)
    if kind.name == "PNG":
        return read_exif(png.exif_chunk(data) or png.exif_in_text(data))
    if kind.name == "JPEG2000":
        return read_exif(_in_box(data, *_EXIF_BOXES))
    return read_exif(image.info.get("exif") or b"")


def xmp_of(image: Image, data: bytes, kind: Format) -> dict[str, Fact]:
    """The facts in the XMP packet."""
    if kind.name == "PNG":
        return xmp_facts(png.xmp_in_text(data))
    if kind.name == "JPEG2000":
        return xmp_facts(_in_box(data, XMP_BOX))
    if kind.name == "GIF":
        start = data.find(_GIF_XMP)
        return xmp_facts(data[start + len(_GIF_XMP) : data.find(_GIF_XMP_END, start)]) if start >= 0 else {}
    packet = image.info.get("xmp")
    if packet and isinstance(image, JpegImageFile):
        return xmp_facts(_extended(packet, image.applist)) or xmp_facts(packet)
    return xmp_facts(packet)


def xmp_facts(packet: object) -> dict[str, Fact]:
    """The facts in an XMP packet; none in anything else."""
    if not isinstance(packet, bytes) or not 0 < len(packet) <= _MOST_XMP:
        return {}
    # Lazy: 33 ms, and most photos have no XMP.
    from picsight_engine.photos.metadata.xmp import read_facts
    from picsight_engine.photos.metadata.xmp_tree import PacketError

    try:
        return read_facts(packet)
    except PacketError:  # not reported for a photo that can be shown
        return {}


def iptc_of(image: Image, data: bytes, kind: Format) -> bytes:
    """The IPTC fields."""
    if kind.name == "PNG":
        return png.iptc_in_text(data)
    if kind.name == "JPEG2000":
        return _in_box(data, _IPTC_BOX)
    if kind.name == "TIFF":  # Photoshop declares the bytes as numbers, so the raw data are used
        return image.tag_v2._tagdata.get(_TIFF_IPTC) or b""  # type: ignore[attr-defined]  # noqa: SLF001
    return image.info.get("photoshop", {}).get(_PHOTOSHOP_IPTC) or b""


def holds_film(image: Image, data: bytes) -> bool:
    """Whether a motion photo, marked by Google's XMP or by Samsung's trailer, has its film behind the picture."""
    packet = image.info.get("xmp") or b""
    is_marked = b"MotionPhoto" in packet or b"MicroVideo" in packet or data.endswith(b"SEFT")
    return is_marked and _FILM_START.search(data, len(packet)) is not None


def _in_box(data: bytes, *marks: bytes) -> bytes:
    """The content of the first box of JPEG 2000 that begins with one of these marks; empty if there is none."""
    found = (data[start:end] for kind, start, end in boxes(io.BytesIO(data), 0, len(data)) if kind == b"uuid")
    return next((content[16:] for content in found if content[:16] in marks), b"")


def _extended(packet: bytes, segments: list[tuple[str, bytes]]) -> bytes:
    """The packet of a JPEG, with its extension inside."""
    found = ((_EXTENSION.match(segment), segment) for _, segment in segments)
    parts = {part[2]: segment[part.end() :] for part, segment in found if part and part[1] in packet}
    whole = b"".join(parts[place] for place in sorted(parts))
    head, end, rest = packet.rpartition(_PACKET_END)
    return head + whole[max(0, whole.find(b"<x:xmpmeta")) :] + end + rest
