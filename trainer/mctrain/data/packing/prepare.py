"""Prepares a photo of any format for a shard: upright, sRGB, limited in size and without metadata."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import PIL.Image

from mctrain.data.texts import StoredPhoto
from picsight_engine.photos.decoding.decode import Limits, decode
from picsight_engine.photos.identity import SegmentsBrokenError, is_jpeg, segments
from picsight_engine.photos.reading import problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.photos.identity import Segment


RULE = 1  # increase when the bytes of a prepared photo change
LIMITS = Limits()

_QUALITY = 90
_LONGEST = 65_500  # pixels; the maximum side of a JPEG


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo for a shard; `unchanged` if it keeps the coded picture of the original."""

    photo: StoredPhoto
    unchanged: bool


def prepare(data: bytes, path: Path, side: int) -> Prepared:
    """The photo of a file with a short side of at most `side` pixels, never enlarged; `path` is for error messages only.

    A small JPEG or WebP keeps its coded picture if it looks the same without metadata. A photo whose metadata rotates it
    or sets its colour profile is re-encoded.

    Raises:
        ImageError: the photo cannot be decoded, or is too long for a JPEG.
    """
    picture = decode(data, path, min_side=2 * side, limits=LIMITS)
    if min(picture.width, picture.height) <= side:
        bare = without_metadata(data)
        if bare and _shows(bare[1], picture.image):
            return Prepared(StoredPhoto(*bare, picture.width, picture.height), unchanged=True)
    image = _fitted(picture.image, side)
    if max(image.size) > _LONGEST:
        raise problem("too_large", path, f"is more than {_LONGEST:,} pixels long, which no JPEG can be")
    return Prepared(StoredPhoto("jpg", _encoded(image), *image.size), unchanged=False)


def _shows(content: bytes, image: PIL.Image.Image) -> bool:
    """Whether a decoder that ignores metadata gives exactly these pixels."""
    try:
        seen = PIL.Image.open(io.BytesIO(content)).convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return False
    return seen.size == image.size and seen.tobytes() == image.tobytes()


def _fitted(image: PIL.Image.Image, side: int) -> PIL.Image.Image:
    scale = side / min(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, PIL.Image.Resampling.LANCZOS, reducing_gap=2.0)


def _encoded(image: PIL.Image.Image) -> bytes:
    plain = image.copy()
    plain.info = {}  # otherwise the encoder would copy the original's comment
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


_APP0, _APP14 = 0xE0, 0xEE
# frames, tables and scans: SOF, DHT and DAC; SOS, DQT, DNL, DRI
_CODING = frozenset([*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD])
_END_OF_IMAGE = b"\xff\xd9"
_JFIF_BYTES, _ADOBE_BYTES = 18, 16  # including marker and length; a longer JFIF segment has a thumbnail


def without_metadata(data: bytes) -> tuple[str, bytes] | None:
    """Suffix and bytes of a JPEG or WebP without metadata; None for other formats, animations and damaged files."""
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
    """Whether decoding needs a segment; JFIF and Adobe segments, which describe the colour coding, have fixed lengths."""
    start, length = segment.start + 4, segment.end - segment.start
    if segment.marker == _APP0:
        return data.startswith(b"JFIF\0", start) and length == _JFIF_BYTES
    if segment.marker == _APP14:
        return data.startswith(b"Adobe", start) and length == _ADOBE_BYTES
    return segment.marker in _CODING


def _webp(data: bytes) -> bytes | None:
    """The simple file format: one chunk, lossy or lossless."""
    pictures = [chunk for name, chunk in _chunks(data) if name in {b"VP8 ", b"VP8L"}]
    if len(pictures) != 1:
        return None  # the frames of an animation are nested in other chunks
    body = b"WEBP" + pictures[0]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and the bytes of each chunk: name, length and content, padded to an even number of bytes."""
    position = 12
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        end = position + 8 + length
        if end > len(data):
            return
        yield data[position : position + 4], data[position:end] + b"\0" * (length % 2)
        position = end + length % 2
