"""Reads the few EXIF fields that Picsight uses, from damaged blocks too.

A reader of our own, because identity depends on it: the orientation of a photo must not change with the
version of an image library.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ORIENTATION = 0x0112

_EXIF_IFD = 0x8769
_ASCII = 2
_INTEGERS = {3: "H", 4: "I"}  # SHORT, LONG
_MAX_ENTRIES = 1024  # a directory that claims more is damaged
_MAX_TEXT = 256  # dates and offsets are shorter

Value = int | str


@dataclass(frozen=True, slots=True)
class Exif:
    """The integers and short texts of the main directory (IFD0) and of the Exif directory, by tag number."""

    main: Mapping[int, Value] = field(default_factory=dict)
    photo: Mapping[int, Value] = field(default_factory=dict)

    @property
    def orientation(self) -> int:
        """1 to 8; 1 where the tag is absent or holds anything else."""
        value = self.main.get(ORIENTATION)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_exif(block: bytes) -> Exif:
    r"""Reads a TIFF structure ("II" or "MM" first, with or without "Exif\0\0" before it).

    Never raises: what cannot be read is absent.
    """
    tiff = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return Exif()
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    main = dict(_directory(tiff, order, first))
    pointer = main.get(_EXIF_IFD)
    photo = dict(_directory(tiff, order, pointer)) if isinstance(pointer, int) else {}
    return Exif(main, photo)


def _directory(tiff: bytes, order: str, offset: int) -> Iterator[tuple[int, Value]]:
    if not 8 <= offset <= len(tiff) - 2:
        return
    (count,) = struct.unpack_from(f"{order}H", tiff, offset)
    for entry in range(offset + 2, offset + 2 + 12 * min(count, _MAX_ENTRIES), 12):
        if entry + 12 > len(tiff):
            return
        tag, kind, length = struct.unpack_from(f"{order}HHI", tiff, entry)
        if kind in _INTEGERS and length == 1:
            yield tag, struct.unpack_from(f"{order}{_INTEGERS[kind]}", tiff, entry + 8)[0]
        elif kind == _ASCII and 0 < length <= _MAX_TEXT:
            at = entry + 8 if length <= 4 else struct.unpack_from(f"{order}I", tiff, entry + 8)[0]
            yield tag, tiff[at : at + length].split(b"\0")[0].decode("ascii", "replace").strip()
