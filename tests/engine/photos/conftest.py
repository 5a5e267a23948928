"""Small real pictures with any metadata that a test needs."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image


def encoded(image, kind="JPEG", **options):
    """The bytes of a picture file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png(width, height, *chunks, bits=8):
    """A grey PNG of these chunks after the header, each a name and its content."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in ((b"IHDR", header), *chunks)
    )


@pytest.fixture
def make_image():
    """A picture whose corners show how it is turned: red, green, blue and white, clockwise from the upper left."""

    def make(width=48, height=32, mode="RGB"):
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
        pixels[: height // 2, : width // 2] = (220, 30, 30)
        pixels[: height // 2, width // 2 :] = (30, 160, 30)
        pixels[height // 2 :, width // 2 :] = (30, 30, 200)
        pixels[height // 2 :, : width // 2] = (255, 255, 255)
        return Image.fromarray(pixels).convert(mode)

    return make


@pytest.fixture
def make_exif():
    """An Exif block by tag numbers of IFD0 and of the Exif directory."""

    def make(orientation=None, **photo):
        exif = Image.Exif()
        if orientation is not None:
            exif[0x0112] = orientation
        names = {
            "original": 0x9003,
            "created": 0x9004,
            "changed": 0x0132,
            "offset": 0x9010,
            "offset_original": 0x9011,
            "offset_created": 0x9012,
        }
        for name, value in photo.items():
            if name == "changed":
                exif[names[name]] = value
            else:
                exif.get_ifd(0x8769)[names[name]] = value
        return exif.tobytes()

    return make


@pytest.fixture
def make_file(make_image):
    """The bytes of a file of this picture, or of the one with four corners."""

    def make(kind="JPEG", image=None, **options):
        return encoded(image or make_image(), kind, **options)

    return make
