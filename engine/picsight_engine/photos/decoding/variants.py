"""Names the variants of known formats that no decoder reads, by their headers; asked only after decoding has failed."""

from __future__ import annotations

import re
from contextlib import suppress

from picsight_engine.foundation.errors import Message
from picsight_engine.photos.exif import read_exif
from picsight_engine.photos.formats import HEADER, HEIF, JPEG, Format
from picsight_engine.photos.identity import SegmentsBrokenError, segments

_HEIF_ITEM = re.compile(rb"infe(?:\x02.{7}|\x03.{9})(hvc1|unci|jpeg|j2k1|avc1|vvc1)", re.DOTALL)
# The markers of lossless and hierarchical frames; C9 and CA, the other arithmetic ones, are read.
_UNREAD_FRAMES = frozenset([0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF])
_JPEG2000_START = b"\xff\x4f\xff\x51"
_COMPRESSION, _SAMPLE_FORMAT, _FLOAT = 259, 339, 3
_TIFF_CODINGS = {
    34892: Message("a TIFF that is coded as a DNG's lossy JPEG"),
    34933: Message("a TIFF that is coded as PNG"),
    34934: Message("a TIFF that is coded as JPEG XR"),
    **dict.fromkeys((33003, 33005, 34712), Message("a TIFF that is coded as JPEG 2000")),
    **dict.fromkeys((34927, 50001), Message("a TIFF that is coded as WebP")),
    **dict.fromkeys((50002, 52546), Message("a TIFF that is coded as JPEG XL")),
}


def describe_variant(data: bytes, kind: Format) -> Message | None:
    """What a file is, such as "a lossless JPEG"; None if it is no such variant."""
    if kind is HEIF:
        codings = _HEIF_ITEM.findall(data, 0, HEADER)
        return (
            Message("a HEIF picture that is not coded as H.265")
            if codings and b"hvc1" not in codings
            else None
        )
    if kind is JPEG:
        with suppress(SegmentsBrokenError):
            if any(each.marker in _UNREAD_FRAMES for each in segments(data)):
                return Message("a lossless or hierarchical JPEG")
    if kind.name == "TIFF":
        return _tiff(data)
    if kind.name == "JPEG2000" and _has_small_channels(data):
        return Message("a JPEG 2000 picture whose channels have different sizes")
    return None


def _tiff(data: bytes) -> Message | None:
    if data[2:4] in {b"+\0", b"\0+"}:
        return Message("a BigTIFF of a rare kind")
    main = read_exif(data).main
    if main.get(_SAMPLE_FORMAT) in {_FLOAT, (_FLOAT,) * 3, (_FLOAT,) * 4}:
        return Message("a TIFF with floating-point numbers")
    coding = main.get(_COMPRESSION)
    return _TIFF_CODINGS.get(coding) if isinstance(coding, int) else None


def _has_small_channels(data: bytes) -> bool:
    """Whether a channel's samples lie further apart than pixels; each has its depth and two distances, of one byte each."""
    at = data.find(_JPEG2000_START, 0, HEADER)
    channels = data[at + 42 : at + 42 + 3 * int.from_bytes(data[at + 40 : at + 42], "big")]
    return at >= 0 and any(channels[first + 1 : first + 3] != b"\1\1" for first in range(0, len(channels), 3))
