"""Thumbnails are small, whole and never enlarged; copies of real photographs are recognised."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from tests.engine.photos.conftest import encoded

from picsight_engine.photos.thumbnail import miniature, same_picture, thumbnail


def saved(image, kind="JPEG", **options):
    """The picture as it is read from a file."""
    return Image.open(io.BytesIO(encoded(image, kind, **options))).convert("RGB")


def halved(image):
    return saved(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS), quality=80)


def cropped(image, share):
    width, height = image.size
    left, top = round(width * share / 2), round(height * share / 2)
    return image.crop((left, top, width - left, height - top))


COPIES = {
    "saved at quality 40": lambda image: saved(image, quality=40),
    "saved at quality 95": lambda image: saved(image, quality=95),
    "as PNG": lambda image: saved(image, "PNG"),
    "as WebP": lambda image: saved(image, "WEBP", quality=70),
    "half as large": halved,
    "half as large, then at quality 40": lambda image: saved(halved(image), quality=40),
    "a shade lighter": lambda image: image.point(lambda value: min(255, round(value * 1.02))),
}
OTHERS = {
    "cropped by a tenth": lambda image: cropped(image, 0.1),
    "moved by a thirtieth": lambda image: image.crop((image.width // 30, 0, *image.size)),
    "mirrored": ImageOps.mirror,
    "out of focus": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "much darker": lambda image: image.point(lambda value: value // 2),
    "negative": ImageOps.invert,
}


@pytest.fixture(scope="module")
def pictures(photographs):
    return [Image.open(path).convert("RGB") for path in sorted(photographs.glob("*.jpg"))]


@pytest.fixture(scope="module")
def recognised(pictures):
    """Whether each picture is recognised after a change."""
    originals = [miniature(thumbnail(picture)) for picture in pictures]

    def after(change):
        changed = (miniature(thumbnail(change(picture))) for picture in pictures)
        return [same_picture(one, other) for one, other in zip(originals, changed, strict=True)]

    return after


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_copy_shows_the_same_picture(recognised, change):
    assert np.mean(recognised(change)) > 0.95


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_a_changed_picture_is_another_picture(recognised, change):
    assert not any(recognised(change))


def test_different_photographs_are_different_however_dark_or_flat(pictures):
    darker = [saved(picture.point(lambda value: value // 16), quality=90) for picture in pictures]
    for some in (pictures, darker):
        small = [miniature(thumbnail(picture)) for picture in some]
        assert not any(same_picture(one, other) for place, one in enumerate(small) for other in small[:place])


def test_damaged_bytes_have_no_miniature(pictures):
    jpeg = thumbnail(pictures[0])
    assert miniature(jpeg[:300]) is None
    assert miniature(b"") is None
    assert miniature(jpeg) is not None


def open_thumbnail(image, **options):
    small = Image.open(io.BytesIO(thumbnail(image, **options)))
    small.load()
    return small


@pytest.mark.parametrize(
    ("size", "small"),
    [((1000, 750), (256, 192)), ((40, 30), (40, 30)), ((8000, 2), (256, 1)), ((1, 3000), (1, 256))],
)
def test_the_long_side_is_256_at_most(make_image, size, small):
    shown = open_thumbnail(make_image(*size))
    assert (shown.format, shown.mode, shown.size) == ("JPEG", "RGB", small)


def test_a_thumbnail_shows_the_same_picture(make_image):
    shown = open_thumbnail(make_image(1000, 600))
    assert shown.getpixel((40, 30)) == pytest.approx((220, 30, 30), abs=12)
    assert shown.getpixel((210, 120)) == pytest.approx((30, 30, 200), abs=12)
