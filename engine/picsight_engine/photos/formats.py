"""Recognises pictures: by suffix for a scan, and formats by their first bytes."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import zlib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal

from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.suffixes import FORMATS, RAW_SUFFIXES, VIDEO_SUFFIXES
from picsight_engine.photos import png
from picsight_engine.photos.exif import PHOTOMETRIC, read_exif

if TYPE_CHECKING:
    from pathlib import Path

# Nothing decodes the others yet: a picture that is left out must show among the problems. SGI's other suffixes (.rgb, .bw)
# stand for too many other things.
IMAGE_SUFFIXES = (
    frozenset(chain(*FORMATS.values(), (".exr", ".hdr", ".sgi", ".svg", ".svgz"))) - VIDEO_SUFFIXES
)


@dataclass(frozen=True, slots=True)
class Format:
    """A supported format: its name, and the Pillow plugin (module below PIL) that decodes it, "" for other libraries."""

    name: str
    plugin: str


JPEG = Format("JPEG", "JpegImagePlugin")
HEIF = Format("HEIF", "")  # pi-heif, not Pillow
AVIF = Format("AVIF", "AvifImagePlugin")
RAW = Format("RAW", "")  # LibRaw
JXL = Format("JXL", "")  # libjxl
PSD = Format("PSD", "")  # photos.psd
_TIFF = Format("TIFF", "TiffImagePlugin")
_RAW_STARTS = b"FUJIFILMCCD-RAW IIU\0 IIRO IIRS MMOR \0MRM FOVb II\x1a\0\0\0HEAPCCDR".split()
_BY_SUFFIX = {".tga": Format("TGA", "TgaImagePlugin"), ".raw": RAW}

# EPS, PostScript and WMF are omitted on purpose: Pillow passes them to other programs.
_BY_START: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8", JPEG),
    (b"\x89PNG\r\n\x1a\n", Format("PNG", "PngImagePlugin")),
    (b"GIF87a", Format("GIF", "GifImagePlugin")),
    (b"GIF89a", Format("GIF", "GifImagePlugin")),
    (b"II*\0", _TIFF),
    (b"MM\0*", _TIFF),
    (b"II+\0", _TIFF),
    (b"MM\0+", _TIFF),
    *((start, RAW) for start in _RAW_STARTS),
    (b"\xff\x0a", JXL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", JXL),
    (b"BM", Format("BMP", "BmpImagePlugin")),
    (b"\0\0\1\0", Format("ICO", "IcoImagePlugin")),
    (b"8BPS\0\1", PSD),
    (b"8BPS\0\2", PSD),
    (b"qoif", Format("QOI", "QoiImagePlugin")),
    (b"\xff\x4f\xff\x51", Format("JPEG2000", "Jpeg2KImagePlugin")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format("JPEG2000", "Jpeg2KImagePlugin")),
    *((b"P%d" % kind, Format("PPM", "PpmImagePlugin")) for kind in range(1, 7)),
    *((b"\n%c\1" % version, Format("PCX", "PcxImagePlugin")) for version in (0, 2, 3, 4, 5)),
)
_HEIF_BRANDS = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split())
_AVIF_BRANDS = frozenset(b"avif avis".split())
_CR3 = b"crx "

HEADER = 65_536  # bytes that contain a container's description of its pictures
FIRST = 16_384  # bytes that must contain the mark of an SVG drawing

_NEW_SUBFILE_TYPE = 254
SENSOR_COLOURS = frozenset([32803, 34892])  # colour filter array, linear RAW

# Pictures that cannot be decoded: offset of the signature, signature, description.
_UNSUPPORTED = (
    (0, b"#?RADIANCE", Message("Radiance HDR picture")),
    (0, b"#?RGBE", Message("Radiance HDR picture")),
    (0, b"\x01\xda\0", Message("SGI picture")),
    (0, b"\x01\xda\1", Message("SGI picture")),
    (0, b"\x76\x2f\x31\x01", Message("OpenEXR picture")),
    (0, b"%!PS", Message("PostScript drawing")),
    (0, b"\xc5\xd0\xd3\xc6", Message("PostScript drawing")),
    (4, b"ftypmif", Message("HEIF picture of a new kind")),
    (0, b"FORM", Message("IFF picture")),
    (0, b"DDS ", Message("DirectDraw picture")),
)
# Files that are not pictures.
_STRANGERS = (
    (4, b"ftyp", Message("a film")),
    (4, b"moov", Message("a film")),
    (4, b"mdat", Message("a film")),
    (0, b"\x1a\x45\xdf\xa3", Message("a film")),
    (0, b"%PDF", Message("a PDF document")),
    (0, b"PK\3\4", Message("a ZIP archive")),
    (0, b"<", Message("a text file")),
)


def is_photo_name(name: str) -> bool:
    """Whether a file of this name is a photo or a film, by its suffix."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 -- of every name in a folder
    return suffix in IMAGE_SUFFIXES or suffix in VIDEO_SUFFIXES


def is_film(path: Path) -> bool:
    """Whether a file is a film, by its suffix."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def is_transport_stream(start: bytes) -> bool:
    """Whether these first bytes are a film in packets of 188 bytes, each with a mark in front, and perhaps with four more."""
    return any(start[first::size][:3] == b"GGG" for first, size in ((0, 188), (4, 192)))


def can_read_films() -> bool:
    """Whether the extra `video` is installed."""
    try:
        return importlib.util.find_spec("cv2") is not None
    except ImportError:  # an import hook refuses it
        return False


def find_format(data: bytes, suffix: str) -> Format | None:
    """The format by the first bytes; by the suffix if there is no signature, and for RAW files that begin like TIFF."""
    if data[4:8] == b"ftyp":
        brands = _brands(data)
        if brands[0] == _CR3:
            return RAW
        if brands[0] in _AVIF_BRANDS or (brands[0] in {b"mif1", b"msf1"} and _AVIF_BRANDS & set(brands)):
            return AVIF
        return HEIF if brands[0] in _HEIF_BRANDS or _HEIF_BRANDS & set(brands[1:]) else None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format("WEBP", "WebPImagePlugin")
    for start, found in _BY_START:
        if data.startswith(start):
            return RAW if found is _TIFF and _is_raw(data, suffix) else found
    return _BY_SUFFIX.get(suffix.lower())


def describe_unknown(data: bytes) -> tuple[Literal["unsupported", "not_an_image"], Message]:
    """Describes a file that `find_format` does not know: an unsupported kind of picture, or another kind of file."""
    drawing = Message("SVG drawing") if b"<svg" in _first_text(data).lower() else None
    unsupported = next((kind for at, mark, kind in _UNSUPPORTED if data.startswith(mark, at)), drawing)
    if unsupported:
        words = "Picsight cannot read this kind of file yet: {kind}."
        return "unsupported", Message(words, kind=unsupported)
    stranger = next((kind for at, mark, kind in _STRANGERS if data.startswith(mark, at)), None)
    if stranger:
        return "not_an_image", Message("it is {kind}, not a picture.", kind=stranger)
    return "not_an_image", Message("it is not a picture in any format that Picsight knows.")


def _first_text(data: bytes) -> bytes:
    """The first bytes, decompressed if gzipped; a drawing may begin with a long licence."""
    if not data.startswith(b"\x1f\x8b"):
        return data[:FIRST]
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(wbits=31).decompress(data[:FIRST], FIRST)
    return b""


def _is_raw(data: bytes, suffix: str) -> bool:
    """Whether a TIFF file is a camera's RAW: by its name, or its first picture is a thumbnail or the sensor's pattern."""
    if suffix.lower() in RAW_SUFFIXES:
        return True
    main = read_exif(data).main
    kind, colours = main.get(_NEW_SUBFILE_TYPE), main.get(PHOTOMETRIC)
    return (isinstance(kind, int) and bool(kind & 1)) or colours in SENSOR_COLOURS


def bits_in_container(data: bytes) -> int:
    """Bits per channel of the first coded picture in HEIF or AVIF, from its decoder configuration."""
    if (at := data.find(b"av1C", 0, HEADER)) >= 0:
        return 8 if not data[at + 6] & 0x40 else 12 if data[at + 6] & 0x20 else 10
    at = data.find(b"hvcC", 0, HEADER)
    return (data[at + 21] & 7) + 8 if at >= 0 else 8


def primaries(data: bytes) -> int:
    """The number of the primary colours in HEIF and AVIF, 0 if there is none."""
    at = data.find(b"colrnclx", 0, HEADER)
    return int.from_bytes(data[at + 8 : at + 10], "big") if at >= 0 else 0


def is_cut_off(data: bytes, kind: Format) -> bool:
    """Whether an undecodable file ends earlier than its structure says."""
    if data[4:8] == b"ftyp":
        return _ends_inside_box(data)
    if kind.name == "WEBP":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    if kind.name == "TIFF":
        order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
        start = data[8:16] if data[2:4] in {b"+\0", b"\0+"} else data[4:8]  # BigTIFF has longer offsets
        return len(data) < 10 or int.from_bytes(start, order) >= len(data)
    if kind.name == "PNG":
        return png.ends_inside_chunk(data)
    return kind is JPEG and b"\xff\xd9" not in data


def _ends_inside_box(data: bytes) -> bool:
    """An ISO container is a row of boxes: length in four bytes (1: in eight bytes after the name; 0: to the end)."""
    position = 0
    while position + 16 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16], "big")
        if length < 8:
            return False
        position += length
    return position > len(data)


def _brands(data: bytes) -> list[bytes]:
    """The major brand, then the compatible ones, of an ISO container."""
    end = min(int.from_bytes(data[:4], "big"), 256)
    return [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
