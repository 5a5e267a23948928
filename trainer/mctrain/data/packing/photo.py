"""A photo of any format as it goes into a shard: upright, sRGB, no larger than wanted, and nothing but the picture."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import PIL.Image

from mctrain.data.packing.bare import without_metadata
from mctrain.data.words import Photo
from picsight_engine.photos.decode import Limits, decode
from picsight_engine.photos.reading import problem

if TYPE_CHECKING:
    from pathlib import Path

RULE = 1  # raise when the bytes of a prepared photo change
LIMITS = Limits()

_QUALITY = 90
_LONGEST = 65_500  # pixels that a JPEG can be long


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo for a shard, and whether its coded picture is the original's own."""

    photo: Photo
    unchanged: bool


def prepare(data: bytes, path: Path, side: int) -> Prepared:
    """The photo of a file with a short side of at most `side` pixels, never enlarged; `path` serves the sentences only.

    A JPEG or WebP keeps its coded picture where that alone, read by any program, shows what the whole file shows. So one
    that is turned or coloured by its metadata is encoded anew.

    Raises:
        ImageError: it cannot be decoded, or is too long for a JPEG.
    """
    picture = decode(data, path, min_side=2 * side, limits=LIMITS)
    if min(picture.width, picture.height) <= side:
        bare = without_metadata(data)
        if bare and _shows(bare[1], picture.image):
            return Prepared(Photo(*bare, picture.width, picture.height), unchanged=True)
    image = _fitted(picture.image, side)
    if max(image.size) > _LONGEST:
        raise problem("too_large", path, f"is more than {_LONGEST:,} pixels long, which no JPEG can be")
    return Prepared(Photo("jpg", _encoded(image), *image.size), unchanged=False)


def _shows(content: bytes, image: PIL.Image.Image) -> bool:
    """Whether a plain reader of the file sees exactly this picture."""
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
    plain.info = {}  # the encoder would take a comment of the original from there
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
