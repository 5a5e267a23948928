"""What makes a file and a picture the same: hash of the bytes, fingerprint of the picture, perceptual hash.

These values are stored in every library and never change: a new way of computing one gets a new rule number.
"""

from __future__ import annotations

import xxhash
from PIL import Image

from picsight_engine.photos.exif import read_exif
from picsight_engine.photos.jpeg import APP1, APP13, COM, SegmentsBrokenError, exif_block, is_jpeg, segments

FINGERPRINT_RULE = 1

_LEFT_OUT = frozenset([APP1, APP13, COM])  # EXIF and XMP, IPTC, comments: what a person or a program edits


def bytes_hash(data: bytes) -> bytes:
    """xxh3-128 of the whole file, as its 16 canonical digest bytes."""
    return xxhash.xxh3_128_digest(data)


def fingerprint(data: bytes) -> bytes:
    """Identity of the coded picture by rule 1, as 16 canonical digest bytes.

    A JPEG: all its bytes, those after the end marker too, without the segments APP1, APP13 and COM, then one byte
    with the EXIF orientation. So an edited rating or caption keeps the photo, and a changed orientation makes a new
    one. A JPEG whose segments cannot be walked, and every other format: the whole file.
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
    grey = image.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(0, 72, 9):
        for column in range(row, row + 8):
            bits = bits << 1 | (grey[column] < grey[column + 1])
    return bits - (1 << 64) if bits >> 63 else bits
