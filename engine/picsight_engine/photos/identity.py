"""The identity of files and pictures: hash of the bytes, fingerprint of the picture, perceptual hash.

These values are stored in every library and never change: a new algorithm gets a new rule number. The fingerprint of a
JPEG skips some of its segments, which are found without decoding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xxhash
from PIL import Image

from picsight_engine.photos.exif import read_exif

if TYPE_CHECKING:
    from collections.abc import Iterable


APP1 = 0xE1
APP13 = 0xED
COM = 0xFE

_EXIF_HEADER = b"Exif\0\0"
_START = b"\xff\xd8"
_END_OF_IMAGE = 0xD9
_START_OF_SCAN = 0xDA
_WITHOUT_LENGTH = frozenset([0x01, *range(0xD0, 0xD9)])  # TEM, RST0 to RST7, SOI
# The next marker after coded data: 0xFF is stuffed with 00 there, RST0 to RST7 belong to the data, and codes
# below 0xC0 are not assigned. A fill byte 0xFF does not match, so the match begins at the marker itself.
_MARKER_AFTER_SCAN = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")


class SegmentsBrokenError(ValueError):
    """The segments of this JPEG cannot be walked one after the other."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment: `data[start:end]` holds the marker's two bytes, its length and its payload."""

    marker: int
    start: int
    end: int


def is_jpeg(data: bytes) -> bool:
    """Whether the data begin like a JPEG file: start marker, then another marker."""
    return data.startswith(b"\xff\xd8\xff")


def segments(data: bytes) -> list[Segment]:
    """All segments with a length up to the end marker, including those between the scans of a progressive picture.

    The end of a truncated file counts as the end marker.

    Raises:
        SegmentsBrokenError: a marker is missing, or a length exceeds the data.
    """
    if not data.startswith(_START):
        raise SegmentsBrokenError("no start marker")
    found: list[Segment] = []
    position = len(_START)
    while True:
        position = _skip_fill_bytes(data, position)
        marker = data[position + 1]
        if marker == _END_OF_IMAGE:
            return found
        if marker in _WITHOUT_LENGTH:
            position += 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if end < position + 4 or end > len(data):
            raise SegmentsBrokenError(f"the segment at byte {position} leads out of the file")
        found.append(Segment(marker, position, end))
        position = end
        if marker == _START_OF_SCAN:
            after = _MARKER_AFTER_SCAN.search(data, position)
            if after is None:
                return found
            position = after.start()


def exif_block(data: bytes, found: Iterable[Segment]) -> bytes:
    """The TIFF structure inside the Exif segments (a long one continues in the next), empty if there is none."""
    return b"".join(
        data[segment.start + 10 : segment.end]
        for segment in found
        if segment.marker == APP1 and data.startswith(_EXIF_HEADER, segment.start + 4)
    )


def _skip_fill_bytes(data: bytes, position: int) -> int:
    """The position of the marker after any number of fill bytes 0xFF."""
    if not data.startswith(b"\xff", position):
        raise SegmentsBrokenError(f"no marker at byte {position}")
    while data.startswith(b"\xff\xff", position):
        position += 1
    if position + 1 >= len(data):
        raise SegmentsBrokenError(f"no marker at byte {position}")
    return position


FINGERPRINT_RULE = 1

_LEFT_OUT = frozenset([APP1, APP13, COM])  # EXIF and XMP, IPTC, comments: the editable metadata


def bytes_hash(data: bytes) -> bytes:
    """xxh3-128 of the whole file, as its 16 canonical digest bytes."""
    return xxhash.xxh3_128_digest(data)


def fingerprint(data: bytes) -> bytes:
    """Identity of the coded picture by rule 1, as 16 canonical digest bytes.

    For a JPEG: all bytes, also after the end marker, without the segments APP1, APP13 and COM, then one byte with the
    EXIF orientation. So an edited rating or caption keeps the photo, and a changed orientation makes a new one. For a
    JPEG with broken segments, and for every other format: the whole file.
    """
    if not is_jpeg(data):
        return bytes_hash(data)
    try:
        found = segments(data)
    except SegmentsBrokenError:
        return bytes_hash(data)
    digest = xxhash.xxh3_128()
    kept = 0
    view = memoryview(data)
    for segment in found:
        if segment.marker in _LEFT_OUT:
            digest.update(view[kept : segment.start])
            kept = segment.end
    digest.update(view[kept:])
    digest.update(bytes([read_exif(exif_block(data, found)).orientation]))
    return digest.digest()


def perceptual_hash(image: Image.Image) -> int:
    """64-bit difference hash as a signed integer; close pictures differ in few bits."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX))
    return int.from_bytes(np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes(), signed=True)
