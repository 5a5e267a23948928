"""Camera RAW files: the camera's preview where it is large enough, else a development of the sensor's data by LibRaw."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import rawpy
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from picsight_engine.photos.decoding.colour import adobe_rgb
from picsight_engine.photos.exif import BITS_PER_SAMPLE, PHOTOMETRIC, Exif, Value, read_exif
from picsight_engine.photos.formats import SENSOR_COLOURS

if TYPE_CHECKING:
    from collections.abc import Callable

# Pixels of the longer side; a smaller preview counts only where the sensor's data are lost.
_LEAST_PREVIEW = 1000
# Of the file for each pixel: with fewer, the sensor's data are cut off, which LibRaw shows as black.
_LEAST_BITS = 0.2
_EDGE = 1_048_576  # bytes at both ends of a file, which hold its texts
_EXIF_BOXES = (b"CMT1", b"CMT2", b"CMT4")  # of CR3: the main directory, that of the exposure, GPS
_PACKET = b"<x:xmpmeta", b"</x:xmpmeta>"
# What Panasonic and Olympus write in place of TIFF's first bytes.
_OTHER_TIFFS = {b"IIU\0": b"II*\0", b"IIRO": b"II*\0", b"IIRS": b"II*\0", b"MMOR": b"MM\0*"}
_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}  # EXIF's number for LibRaw's
_PANASONIC_BITS = 10
_INTEROP_INDEX, _ADOBE = 1, "R03"  # the mark of Adobe RGB, as such pictures often have no profile
_CUT_OFF = "unexpected end of file"
_QUARTER_TURNS = frozenset([6, 8])


@dataclass(frozen=True, slots=True)
class RawPicture:
    """The picture of a RAW file, still to be turned by `orientation` (EXIF's number); `size` is that of the sensor's
    picture before that.
    """

    image: Image.Image
    size: tuple[int, int]
    orientation: int


def open_raw(data: bytes, min_side: int, check_size: Callable[[tuple[int, int]], None]) -> RawPicture:
    """Reads the largest preview, reduced towards `min_side`, or develops at half size with the camera's white balance.

    Raises:
        EOFError: the file ends before its picture does.
        NotImplementedError: LibRaw does not know this kind of file.
        rawpy.LibRawError, OSError: it is damaged in another way.
    """
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            sizes = raw.sizes
            size = (sizes.crop_width or sizes.width, sizes.crop_height or sizes.height)
            check_size(size)
            orientation = _ORIENTATIONS.get(sizes.flip, 1)
            preview = _preview(raw)
            if preview is None or max(preview.size) < _LEAST_PREVIEW:
                try:
                    return RawPicture(_developed(raw, size, len(data)), size, orientation)
                except (rawpy.LibRawError, EOFError):
                    if preview is None:
                        raise
            check_size(preview.size)
            if raw_exif(data).interop.get(_INTEROP_INDEX) == _ADOBE:
                preview.info.setdefault("icc_profile", adobe_rgb())
            preview.draft(None, (min_side, min_side))
            preview.load()
            is_turned = orientation in _QUARTER_TURNS and (preview.width > preview.height) != (
                size[0] > size[1]
            )
            return RawPicture(preview, size, 1 if is_turned else orientation)
    except rawpy.LibRawFileUnsupportedError as fault:
        raise NotImplementedError from fault
    except rawpy.LibRawIOError as fault:
        raise EOFError(_CUT_OFF) from fault


def raw_exif(data: bytes) -> Exif:
    """The EXIF of a RAW file: most are TIFF files themselves, CR3 has several in boxes, others a block near the front."""
    if data[4:11] == b"ftypcrx":
        main, photo, gps = (read_exif(_behind(data, name)).main for name in _EXIF_BOXES)
        return Exif(main, photo, gps)
    start = _OTHER_TIFFS.get(data[:4])
    itself = start + data[4:_EDGE] if start else data
    blocks = itself, _behind(data, b"Exif\0\0"), _behind(data, b"\0TTW")[4:]  # the last is Minolta's
    return max(map(read_exif, blocks), key=lambda exif: len(exif.main) + len(exif.photo))


def raw_bits(exif: Exif) -> Value:
    """The bits of each sample of the sensor, or of each colour; 0 if the file does not say."""
    sensor = (each for each in (exif.main, *exif.pictures) if each.get(PHOTOMETRIC) in SENSOR_COLOURS)
    return next(sensor, {}).get(BITS_PER_SAMPLE) or exif.main.get(_PANASONIC_BITS, 0)


def raw_xmp(data: bytes) -> bytes:
    """The XMP packet of a RAW file, b"" without one: cameras put it near the front, programs also at the end."""
    start, end = _PACKET
    for edge in (data[:_EDGE], data[-_EDGE:]):
        _, found, rest = edge.partition(start)
        content, closed, _ = rest.partition(end)
        if closed:
            return found + content + closed
    return b""


def _behind(data: bytes, mark: bytes) -> bytes:
    at = data.find(mark, 0, _EDGE)
    return data[at + len(mark) : at + _EDGE] if at >= 0 else b""


def _preview(raw: rawpy.RawPy) -> JpegImageFile | None:
    """The largest preview, not yet decoded, None where there is none that is a JPEG."""
    try:
        thumb = raw.extract_thumb()
        if thumb.format is rawpy.ThumbFormat.JPEG:
            return JpegImageFile(io.BytesIO(bytes(thumb.data)))
    except (rawpy.LibRawError, OSError, SyntaxError):  # the sensor's data may be whole all the same
        pass
    return None


def _developed(raw: rawpy.RawPy, size: tuple[int, int], length: int) -> Image.Image:
    """The sensor's picture in sRGB as it lies in the camera; a large pattern of colours at half its size."""
    if 8 * length < _LEAST_BITS * size[0] * size[1]:
        raise EOFError(_CUT_OFF)
    half = max(size) >= 2 * _LEAST_PREVIEW
    return Image.fromarray(raw.postprocess(half_size=half, use_camera_wb=True, user_flip=0))
