"""Thumbnails: small, whole, never enlarged."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from picsight_engine.photos.thumbnail import thumbnail


def open_thumbnail(image, **options):
    small = Image.open(io.BytesIO(thumbnail(image, **options)))
    small.load()
    return small


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1000, 750), (256, 192)),
        ((750, 1000), (192, 256)),
        ((256, 256), (256, 256)),
        ((40, 30), (40, 30)),
        ((8000, 2), (256, 1)),
        ((1, 3000), (1, 256)),
        ((1, 1), (1, 1)),
    ],
)
def test_the_long_side_is_256_at_most(make_image, size, small):
    shown = open_thumbnail(make_image(*size))
    assert (shown.format, shown.mode, shown.size) == ("JPEG", "RGB", small)


def test_it_shows_the_same_picture(make_image):
    shown = open_thumbnail(make_image(1000, 600))
    assert shown.getpixel((40, 30)) == pytest.approx((220, 30, 30), abs=12)
    assert shown.getpixel((210, 120)) == pytest.approx((30, 30, 200), abs=12)
