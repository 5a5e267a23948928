"""Converts the colours of any file to 8-bit sRGB on white."""

from __future__ import annotations

import functools
import io
import struct

import numpy as np
from PIL import Image, ImageCms

# A profile's colour space, by the mode of the picture that it fits.
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
_DEEP = frozenset(["I", "F", "I;16", "I;16L", "I;16B", "I;16N"])
_ALPHA = frozenset(["RGBA", "RGBa", "LA", "La", "PA"])


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Scales a grey picture of 16 bits, 32 bits or floating point to mode L; others pass unchanged.

    16 bits are scaled by their full range; a deeper mode without a known range is scaled by its brightest value.
    """
    if image.mode not in _DEEP:
        return image
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray((values >> 8).astype(np.uint8))
    brightest = float(np.nanmax(values, initial=0.0))
    full = next((top for top in (1.0, 255.0, 65535.0) if brightest <= top), brightest)
    if image.mode == "I" and brightest <= 1:
        full = 255.0
    scaled = np.clip(np.nan_to_num(values) * (255.0 / full), 0, 255)
    return Image.fromarray(scaled.astype(np.uint8))


def flatten(image: Image.Image) -> Image.Image:
    """Composites a transparent picture on white and expands palettes; the result is L, RGB, CMYK or LAB."""
    if image.mode in _ALPHA or "transparency" in image.info:
        grey = image.mode in {"L", "LA", "La", "1"}
        layer = image.convert("LA" if grey and "transparency" not in image.info else "RGBA")
        paper = Image.new("L" if layer.mode == "LA" else "RGB", layer.size, "white")
        paper.paste(layer.convert(paper.mode), mask=layer.getchannel("A"))
        return paper
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in _SPACES else image.convert("RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Converts L, RGB, CMYK or LAB to sRGB by its profile; an unreadable or unfitting profile is ignored."""
    transform = _transform(profile, image.mode) if profile else None
    if transform is None and image.mode == "LAB":
        transform = _transform(b"", image.mode)  # Lab needs no profile to be known
    if transform is None:
        return image.convert("RGB")
    return ImageCms.applyTransform(image, transform) or image


# A folder's photos share a few profiles; building a transform takes milliseconds.
@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile to sRGB; None if it changes nothing or the profile does not fit the picture."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile) if profile else ImageCms.createProfile("LAB"))
        if source.profile.xcolor_space != _SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


@functools.cache
def adobe_rgb() -> bytes:
    """A colour profile of Adobe RGB (1998): its primaries adapted to D50, and its gamma of 563 / 256."""
    tags = {
        b"wtpt": b"XYZ " + _fixed(0, 0.9642, 1.0, 0.8249),
        b"rXYZ": b"XYZ " + _fixed(0, 0.60974, 0.31111, 0.01947),
        b"gXYZ": b"XYZ " + _fixed(0, 0.20528, 0.62567, 0.06087),
        b"bXYZ": b"XYZ " + _fixed(0, 0.14919, 0.06322, 0.74457),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + struct.pack(">IIHH", 0, 1, 563, 0)),
    }
    start = 132 + 12 * len(tags)
    index, body = b"", b""
    for name, value in tags.items():
        index += name + struct.pack(">II", start + len(body), len(value))
        body += value
    length = struct.pack(">I", start + len(body))
    kind = b"\x02\x10\0\0" + b"mntr" + b"RGB " + b"XYZ "
    header = length + bytes(4) + kind + bytes(12) + b"acsp" + bytes(28) + _fixed(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + body


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(65536 * number) for number in numbers))


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform moves none of 729 colours by more than one, as for most profiles, which are a form of sRGB."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(grid), transform))
    return int(np.abs(moved.astype(int) - grid).max()) <= 1


@functools.lru_cache(maxsize=16)
def profile_name(profile: bytes) -> str | None:
    """The name in a colour profile, None if the profile is broken or has no name."""
    try:
        return ImageCms.getProfileDescription(io.BytesIO(profile)).strip() or None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
