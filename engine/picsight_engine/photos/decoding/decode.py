"""Decodes a file to an upright sRGB picture, reduced early if that saves work; the interface to the decoder libraries."""

from __future__ import annotations

import importlib
import io
import logging
import os
import re
import struct
import tempfile
import threading
import warnings
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import pi_heif
import pi_heif.options
from PIL import AvifImagePlugin, Image
from PIL.JpegImagePlugin import JpegImageFile

from picsight_engine.foundation.errors import ImageError, Message
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.photos import formats, png
from picsight_engine.photos.decoding import colour
from picsight_engine.photos.decoding.jxl import JxlImageFile
from picsight_engine.photos.decoding.psd import NotMergedError, PsdImageFile
from picsight_engine.photos.decoding.raw import open_raw, raw_bits, raw_exif, raw_xmp
from picsight_engine.photos.decoding.variants import describe_variant
from picsight_engine.photos.exif import BITS_PER_SAMPLE, ORIENTATION, Exif, iptc_facts
from picsight_engine.photos.formats import AVIF, HEIF, IMAGE_SUFFIXES, JPEG, JXL, PSD, RAW, Format
from picsight_engine.photos.metadata.embedded import exif_of, holds_film, iptc_of, xmp_facts, xmp_of
from picsight_engine.photos.metadata.regions import regions_of
from picsight_engine.photos.metadata.tag_precedence import (
    BITS,
    COMMENT,
    CREATION_TIME,
    FILE_NAME,
    LIVE,
    PRIMARIES,
    PROFILE,
    read_metadata,
)
from picsight_engine.photos.reading import Limits, known_format, problem, unshowable

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.ImageFile import ImageFile

    from picsight_engine.foundation.errors import ProblemCode
    from picsight_engine.photos.exif import Fact, Facts, Value
    from picsight_engine.photos.metadata.regions import Region


__all__ = ["IMAGE_SUFFIXES", "TEXT_TURNS", "DecodedPhoto", "Header", "Limits", "decode", "read_header"]

TEXT_TURNS = 2  # the picture rule since which an orientation in a text chunk turns a PNG

_NOTHING = Metadata()
_AVERAGED = frozenset(["L", "LA", "RGB", "RGBA", "CMYK"])
_PALETTE = 3  # the PNG colour type whose bits are those of a palette index
_DEEP_MODES = {"1": 1, "I": 16, "F": 32}
_SILENCE = logging.NullHandler()
_FAX_CODINGS = frozenset(["group3", "group4", "tiff_ccitt"])
_STANDARD_ERROR = 2
_standard_error = threading.Lock()  # the whole process shares it
_LONG = 2.2  # a picture whose sides differ by more than this factor is also looked at in squares
_MOST_SQUARES = 4
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])[^0-9]')
_CUT_OFF = re.compile(
    r"truncat|end of (file|data|stream|box|image)|not enough|too short|incomplete|premature", re.IGNORECASE
)
_TRUNCATED: tuple[ProblemCode, Message] = (
    "truncated",
    Message("the file ends before its picture does; copy it again from where it came."),
)
_UNREAD_VARIANT = Message(
    "it uses a variant of its format that Picsight cannot read yet; save it as JPEG or PNG in another program."
)
_UNKNOWN = re.compile(
    r"unsupported|not supported|cannot handle|unknown (pixel mode|compression|raw mode)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """A decoded photo: `image` is upright, RGB in sRGB and perhaps reduced; `width` and `height` are the full upright size.

    `parts` are further pictures to compare with a search. Those of a film, and `image`, have their `moment` in seconds. `regions`
    are the faces that other programs named.
    """

    image: Image.Image
    width: int
    height: int
    moment: float | None = None
    parts: tuple[tuple[Image.Image, float | None], ...] = ()
    regions: tuple[Region, ...] = ()

    def pictures(self) -> list[tuple[Image.Image, float | None]]:
        """What a model sees: the whole picture and its parts, each with its moment in a film in seconds.

        A panorama or a tall screenshot, of which the image tower sees too little at once, has squares as its parts.
        """
        parts = [*self.parts]
        if not parts and max(self.width, self.height) > _LONG * min(self.width, self.height):
            parts = [(square, self.moment) for square in _squares(self.image)]
        return [(self.image, self.moment), *parts]


def _squares(image: Image.Image) -> list[Image.Image]:
    """Up to four squares as wide as the short side, evenly spread over the long one; up to 4 : 1 they overlap."""
    side, length = sorted(image.size)
    number = max(2, min(_MOST_SQUARES, length // side + 1))
    starts = [round(each * (length - side) / (number - 1)) for each in range(number)]
    if image.width < image.height:
        return [image.crop((0, start, side, start + side)) for start in starts]
    return [image.crop((start, 0, start + side, side)) for start in starts]


@dataclass(frozen=True, slots=True)
class Header:
    """A file's header: the number of `pixels`, 0 if unknown, the rule since which it is decoded as now, its metadata and named faces."""

    pixels: int = 0
    picture_rule: int = 1
    metadata: Metadata = _NOTHING
    regions: tuple[Region, ...] = ()


def decode(data: bytes, path: Path, *, min_side: int, limits: Limits) -> DecodedPhoto:
    """Decodes the first picture of a file; `path` is used in messages only.

    `min_side` is the smallest short side, in pixels, that a reduced picture may have; a smaller picture is not enlarged.

    Raises:
        ImageError: `empty`, `not_an_image`, `unsupported`, `damaged`, `truncated` or `too_large`.
    """
    kind = known_format(data, path)
    try:
        _set_up_decoders(limits)
        return _decode(data, kind, path, min_side, limits)
    except ImageError:
        raise
    except MemoryError as fault:
        raise problem("too_large", path, "needs more memory than there is.") from fault
    except Exception as fault:
        # The outer border: on damaged files, decoders raise any exception.
        code, reason = _explain(fault)
        if code == "damaged" and formats.is_cut_off(data, kind):
            code, reason = _TRUNCATED
        elif code in {"damaged", "unsupported"} and (variant := describe_variant(data, kind)):
            words = (
                "it is {variant}, which Picsight cannot read yet; save it as JPEG or PNG in another program."
            )
            code, reason = "unsupported", Message(words, variant=variant)
        raise unshowable(code, path, reason) from fault


def read_header(data: bytes, path: Path, beside: Facts = MappingProxyType({})) -> Header:
    """Reads a file's header, with the facts of its side-cars `beside` it; uses only the name of `path`. Never raises."""
    kind = formats.find_format(data, path.suffix)
    if kind is None:
        return Header()
    if kind is RAW:  # only `decode` uses LibRaw; a sensor's pixel takes about one byte
        exif = raw_exif(data)
        facts: dict[str, Fact] = {
            FILE_NAME: path.name,
            BITS: raw_bits(exif),
            **exif.facts(),
            **xmp_facts(raw_xmp(data)),
        }
        named = regions_of(facts, beside, (2, 1), exif.orientation)  # a sensor is wider than high
        return Header(len(data), 1, read_metadata(facts, beside), named)
    try:
        _set_up_decoders(Limits())
        image = _open(data, kind)
    except Exception:  # noqa: BLE001 - `decode` explains a broken header
        return Header()
    width, height = image.size
    exif = exif_of(image, data, kind)
    profile = image.info.get("icc_profile")
    turned_in_text = kind.name == "PNG" and ORIENTATION in exif.main and not png.exif_chunk(data)
    facts = {
        FILE_NAME: path.name,
        BITS: _bit_depth(image, data, kind, exif),
        PROFILE: (profile and colour.profile_name(profile)) or "",
        PRIMARIES: formats.primaries(data) if kind in {HEIF, AVIF} else 0,
        LIVE: int(holds_film(image, data)),
        COMMENT: image.info.get("comment", b"") if kind is JPEG else b"",
        CREATION_TIME: png.creation_time(data) if kind.name == "PNG" else "",
        **exif.facts(),
        **iptc_facts(iptc_of(image, data, kind)),
        **xmp_of(image, data, kind),
    }
    named = regions_of(facts, beside, (width, height), _orientation(image, exif, kind))
    return Header(width * height, TEXT_TURNS if turned_in_text else 1, read_metadata(facts, beside), named)


def _decode(data: bytes, kind: Format, path: Path, min_side: int, limits: Limits) -> DecodedPhoto:
    if kind is RAW:
        raw = open_raw(data, min_side, lambda size: check_size(size, path, limits))
        return _upright(raw.image, raw.size, raw.orientation, min_side)
    image = _open(data, kind)
    stored = image.size
    check_size(stored, path, limits)
    image.draft(None, (min_side, min_side))  # decodes a JPEG at 1/2, 1/4 or 1/8 if that is large enough
    _load(image)
    if kind not in {JPEG, PSD}:
        stored = image.size  # TIFF and HEIF are turned while loading, others know their size late
        check_size(stored, path, limits)
    return _upright(image, stored, _orientation(image, exif_of(image, data, kind), kind), min_side)


def _load(image: ImageFile) -> None:
    """Decodes the pixels; raises ValueError for a fax page with broken lines, which libtiff reports on standard error only."""
    if image.info.get("compression") not in _FAX_CODINGS:
        image.load()
        return
    with _standard_error, tempfile.TemporaryFile() as report:
        kept = os.dup(_STANDARD_ERROR)
        os.dup2(report.fileno(), _STANDARD_ERROR)
        try:
            image.load()
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
        report.seek(0)
        if complaint := report.read():
            raise ValueError(complaint.decode("utf-8", "replace"))


def _upright(image: Image.Image, stored: tuple[int, int], orientation: int, min_side: int) -> DecodedPhoto:
    profile = image.info.get("icc_profile")
    upright = colour.to_srgb(colour.flatten(_reduce(image, min_side)), profile)
    if orientation != 1:
        upright = upright.transpose(_UPRIGHT[orientation])
    width, height = reversed(stored) if orientation in range(5, 9) else stored  # quarter turns
    return DecodedPhoto(upright, width, height)


def _open(data: bytes, kind: Format) -> ImageFile:
    """Reads the header only. Calls the plugins' classes directly: `Image.open` would try others, apply its own size limits,
    and open a JPEG with several pictures in a reader that warns.
    """
    file = io.BytesIO(data)
    if kind is HEIF:
        return pi_heif.HeifImageFile(file)  # type: ignore[no-any-return]
    if kind is JPEG:
        return JpegImageFile(file)
    if kind is JXL:
        return JxlImageFile(file)
    if kind is PSD:
        return PsdImageFile(file)
    importlib.import_module(f"PIL.{kind.plugin}")  # only this plugin: all of them take 40 ms
    factory, _accept = Image.OPEN[kind.name]
    try:
        return factory(file, "")
    except ValueError:
        if kind.name != "PNG":
            raise
        return factory(io.BytesIO(png.without_extras(data)), "")


def _bit_depth(image: ImageFile, data: bytes, kind: Format, exif: Exif) -> Value:
    """Stored bits per channel, which decoding may reduce."""
    if kind.name == "PNG" and len(data) > 25:
        return 8 if data[25] == _PALETTE else data[24]
    if isinstance(image, (JxlImageFile, PsdImageFile)):
        return image.bits
    if kind in {HEIF, AVIF}:
        return formats.bits_in_container(data)
    if kind.name == "TIFF" and exif.main:  # that of a BigTIFF is not read
        return exif.main.get(BITS_PER_SAMPLE, 1)
    return _DEEP_MODES.get(image.mode.partition(";")[0], 8)


def _set_up_decoders(limits: Limits) -> None:
    """Sets the decoders' process-wide options on each call, because threads could not restore them safely."""
    # Decoders warn about files that they can read; the user cannot act on that.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").addHandler(_SILENCE)
    # Pillow refuses above twice this number, which applies our limit to nested pictures and sizes known late.
    Image.MAX_IMAGE_PIXELS = int(limits.megapixels * 1e6 / 2)
    pi_heif.options.DECODE_THREADS = AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # every worker has one core
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False


def check_size(size: tuple[int, int], path: Path, limits: Limits) -> None:
    """Raises ImageError if a picture of this size, in pixels, has none or too many."""
    if min(size) < 1:
        raise unshowable("damaged", path, "its picture has no pixels.")
    megapixels = size[0] * size[1] / 1e6
    if megapixels > limits.megapixels:
        reason = "has {number:,.0f} megapixels, more than the limit of {most:,.0f}."
        raise problem("too_large", path, reason, number=megapixels, most=limits.megapixels)
    if max(size) > limits.side:
        reason = "is {number:,} pixels long, more than the limit of {most:,}."
        raise problem("too_large", path, reason, number=max(size), most=limits.side)


def _orientation(image: Image.Image, exif: Exif, kind: Format) -> int:
    """The EXIF orientation by which the loaded pixels must still be turned; few programs turn a JPEG 2000 by it."""
    if kind in {HEIF, JXL} or kind.name in {"TIFF", "JPEG2000"}:
        return 1
    if kind is JPEG or ORIENTATION in exif.main:
        return exif.orientation  # a JPEG's identity counts EXIF only, so nothing else may turn it
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    match = _XMP_ORIENTATION.search(xmp.encode() if isinstance(xmp, str) else xmp)
    return int(match[1]) if match else 1


def _reduce(image: Image.Image, min_side: int) -> Image.Image:
    """Averages blocks of pixels while the short side stays at least `min_side`, to save time and memory in later steps."""
    image = colour.to_eight_bits(image)
    factor = min(image.size) // min_side
    if factor < 2:
        return image
    if image.mode not in _AVERAGED or "transparency" in image.info:
        image = colour.flatten(image)  # palette indices and colour keys have no mean
    return image.reduce(factor) if image.mode in _AVERAGED else image


def _explain(fault: Exception) -> tuple[ProblemCode, Message]:
    """Code and reason for an exception of a decoder."""
    cause = fault.__cause__ or fault
    if isinstance(fault, Image.DecompressionBombError):
        return "too_large", Message("its picture is far too large.")
    if isinstance(cause, (EOFError, struct.error, IndexError)) or _CUT_OFF.search(str(fault)):
        return _TRUNCATED
    if isinstance(fault, NotMergedError):
        words = "it has no merged picture; save it in Photoshop with maximized compatibility."
        return "unsupported", Message(words)
    if isinstance(fault, NotImplementedError) or _UNKNOWN.search(str(fault)):
        return "unsupported", _UNREAD_VARIANT
    return "damaged", Message("its data are damaged; copy it again from where it came.")
