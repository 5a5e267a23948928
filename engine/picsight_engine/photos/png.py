"""The chunks of a PNG file, as far as a sound picture must be freed from enormous remarks around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNATURE = 8
_EXTRAS = frozenset([b"tEXt", b"zTXt", b"iTXt", b"iCCP"])


def without_extras(data: bytes) -> bytes:
    """The same picture without texts and colour profile: what a decoder refuses to unpack because it may be a bomb."""
    kept = [data[start:end] for name, start, end in _chunks(data) if name not in _EXTRAS]
    return data[:_SIGNATURE] + b"".join(kept)


def exif_block(data: bytes) -> bytes:
    """The content of the eXIf chunk, empty if there is none."""
    for name, start, end in _chunks(data):
        if name == b"eXIf":
            return data[start + 8 : end - 4]
    return b""


def ends_inside_chunk(data: bytes) -> bool:
    """Whether the file ends before its end chunk although every chunk before was in order."""
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
