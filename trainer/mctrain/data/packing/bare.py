"""A photo's file without anything but its picture: places, names, comments, previews and films behind it stay out.

Only what a decoder needs is copied, part by part, so that metadata nobody has heard of stay out too. The coded picture
itself is not touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.photos.jpeg import SegmentsBrokenError, is_jpeg, segments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsight_engine.photos.jpeg import Segment

_APP0, _APP14 = 0xE0, 0xEE
# frames, tables and scans: SOF, DHT and DAC; SOS, DQT, DNL, DRI
_CODING = frozenset([*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD])
_END_OF_IMAGE = b"\xff\xd9"
_JFIF_BYTES, _ADOBE_BYTES = 18, 16  # with marker and length; a longer JFIF segment has a preview


def without_metadata(data: bytes) -> tuple[str, bytes] | None:
    """Suffix and bytes of the bare picture; None where it is neither JPEG nor WebP, is animated or cannot be walked."""
    if is_jpeg(data):
        bare = _jpeg(data)
        return ("jpg", bare) if bare else None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        bare = _webp(data)
        return ("webp", bare) if bare else None
    return None


def _jpeg(data: bytes) -> bytes | None:
    try:
        found = segments(data)
    except SegmentsBrokenError:
        return None
    end = data.find(_END_OF_IMAGE, found[-1].end if found else 0)
    if end < 0:
        return None
    parts, kept = [], 0
    for segment in found:
        if not _is_needed(data, segment):
            parts.append(data[kept : segment.start])
            kept = segment.end
    return b"".join([*parts, data[kept : end + len(_END_OF_IMAGE)]])


def _is_needed(data: bytes, segment: Segment) -> bool:
    """JFIF and Adobe's mark tell how colours are coded; they have fixed lengths."""
    start, length = segment.start + 4, segment.end - segment.start
    if segment.marker == _APP0:
        return data.startswith(b"JFIF\0", start) and length == _JFIF_BYTES
    if segment.marker == _APP14:
        return data.startswith(b"Adobe", start) and length == _ADOBE_BYTES
    return segment.marker in _CODING


def _webp(data: bytes) -> bytes | None:
    """The simple form of the file: one chunk, lossy or lossless."""
    pictures = [chunk for name, chunk in _chunks(data) if name in {b"VP8 ", b"VP8L"}]
    if len(pictures) != 1:
        return None  # frames of an animation lie in chunks of their own
    body = b"WEBP" + pictures[0]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name of each chunk, and the whole of it: name, length, content, filled up to an even number."""
    position = 12
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        end = position + 8 + length
        if end > len(data):
            return
        yield data[position : position + 4], data[position:end] + b"\0" * (length % 2)
        position = end + length % 2
