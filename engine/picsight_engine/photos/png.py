"""Special cases of PNG files: huge text chunks around an intact picture, and EXIF written as text."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNATURE = 8
_MOST_TEXT = 4_000_000  # bytes of a block in hexadecimal; more is no such block
_EXIF = (b"Exif\0\0", b"II*\0", b"MM\0*")
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_XMP = b"XML:com.adobe.xmp\0"
_IPTC_MARK = b"8BIM\4\4"
_CREATED = b"Creation Time\0"
_EXTRAS = frozenset([b"tEXt", b"zTXt", b"iTXt", b"iCCP"])


def without_extras(data: bytes) -> bytes:
    """The same picture without texts and colour profile, which a decoder may refuse as a decompression bomb."""
    kept = [data[start:end] for name, start, end in _chunks(data) if name not in _EXTRAS]
    return data[:_SIGNATURE] + b"".join(kept)


def exif_chunk(data: bytes) -> bytes:
    """The content of the eXIf chunk, before or after the picture; empty if there is none."""
    for name, start, end in _chunks(data):
        if name == b"eXIf":
            return data[start + 8 : end - 4]
    return b""


def exif_in_text(data: bytes) -> bytes:
    """The EXIF block that ImageMagick and others write as text, from before PNG had a chunk for it: a name, the length,
    then the bytes in hexadecimal, in lines. Empty if there is none, or it is broken.
    """
    return next((block for block in _blocks_in_texts(data, b"exif") if block.startswith(_EXIF)), b"")


def iptc_in_text(data: bytes) -> bytes:
    """The IPTC fields that ExifTool and ImageMagick write in the same form, without Photoshop's header."""
    block = next(_blocks_in_texts(data, b"iptc"), b"")
    at = block.find(_IPTC_MARK)
    behind_name = at + 6 + (block[at + 6] // 2 + 1) * 2 if 0 <= at < len(block) - 6 else len(block)
    return block[behind_name + 4 :]  # and behind the length


def _blocks_in_texts(data: bytes, kind: bytes) -> Iterator[bytes]:
    for name, start, end in _chunks(data):
        if name not in {b"tEXt", b"zTXt"}:
            continue
        keyword, _, text = data[start + 8 : end - 4].partition(b"\0")
        if keyword.lower() not in {b"raw profile type " + kind, b"raw profile type app1"}:
            continue
        with suppress(ValueError, zlib.error):
            if name == b"zTXt":
                # The first byte is the compression method.
                text = zlib.decompressobj().decompress(text[1:], _MOST_TEXT)
            parts = text.strip().split(b"\n", 2)
            yield bytes.fromhex(parts[2].decode("latin-1") if len(parts) == 3 else "")


def xmp_in_text(data: bytes) -> bytes:
    """The XMP packet, which many programs write after the picture, and older ones in the form of EXIF text; empty if there
    is none, or it is broken.
    """
    for name, start, end in _chunks(data):
        if name not in {b"iTXt", b"zTXt"} or not data.startswith(_XMP, start + 8):
            continue
        content = data[start + 8 + len(_XMP) : end - 4]
        is_packed, text = True, content[1:]  # how it is packed stands in the byte before
        if name == b"iTXt":
            is_packed = content[:1] not in {b"", b"\0"}
            _language, _keyword, text = (*content[2:].split(b"\0", 2), b"", b"")[:3]
        with suppress(zlib.error):
            return zlib.decompressobj().decompress(text, _MOST_TEXT) if is_packed else text
    blocks = (block for block in _blocks_in_texts(data, b"xmp") if not block.startswith(_EXIF))
    return next(blocks, b"").removeprefix(_XMP_MARK)


def creation_time(data: bytes) -> str:
    """The text of when the picture was made, before or after the picture; empty if there is none."""
    for name, start, end in _chunks(data):
        if name == b"tEXt" and data.startswith(_CREATED, start + 8):
            return data[start + 8 + len(_CREATED) : end - 4].decode("latin-1")
    return ""


def ends_inside_chunk(data: bytes) -> bool:
    """Whether the file ends before its end chunk although all previous chunks are valid."""
    chunks = list(_chunks(data))
    if not all(name.isalpha() for name, _start, _end in chunks):
        return False
    name, _start, end = chunks[-1] if chunks else (b"", 0, 0)
    return name != b"IEND" or end > len(data)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk: length, name, content and checksum."""
    position = _SIGNATURE
    while position + 8 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        yield data[position + 4 : position + 8], position, end
        position = end
