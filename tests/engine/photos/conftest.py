"""Small real pictures, made on the spot, with whatever metadata a test needs."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def make_image():
    """A picture whose four corners tell how it is turned: red, green, blue and white, clockwise from the upper left."""

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
    """The bytes of a picture file."""

    def make(kind="JPEG", image=None, **options):
        out = io.BytesIO()
        (image or make_image()).save(out, kind, **options)
        return out.getvalue()

    return make
