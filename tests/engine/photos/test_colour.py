"""Colours of real profiles: each comes out as a colour-managed viewer shows it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from picsight_engine.photos.decoding.colour import flatten, to_eight_bits, to_srgb


@pytest.fixture
def profile_of(shared):
    def read(name, folder="formats"):
        with Image.open(shared / folder / name) as image:
            return image.info["icc_profile"]

    return read


def shown(colour, profile, mode="RGB"):
    return to_srgb(Image.new(mode, (4, 4), colour), profile).getpixel((1, 1))


def test_display_p3_green_is_stronger_than_srgb_can_show(profile_of):
    red, green, blue = shown((0, 255, 0), profile_of("jpeg_display_p3.jpg"))
    assert (red, green) == (0, 255)
    assert blue < 40
    assert shown((128, 128, 128), profile_of("jpeg_display_p3.jpg")) == pytest.approx((128, 128, 128), abs=1)


def test_a_profile_is_ignored_where_it_does_not_fit(profile_of):
    p3 = profile_of("jpeg_display_p3.jpg")
    assert shown(77, p3, "L") == (77, 77, 77)
    assert shown((0, 0, 0, 0), p3, "CMYK") == (255, 255, 255)


def test_srgb_under_any_name_leaves_every_pixel_alone(profile_of):
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    image = Image.fromarray(colours)
    for name, folder in (("exif_infinite_loop.jpg", "formats"), ("canon_eos_d60.jpg", "camera")):
        assert (np.asarray(to_srgb(image, profile_of(name, folder))) == colours).all()


def test_lab_needs_no_profile():
    grey = Image.new("LAB", (4, 4), (128, 128, 128))
    pixel = to_srgb(grey, None).getpixel((1, 1))
    assert max(pixel) - min(pixel) <= 3
    assert 100 < pixel[0] < 150
    assert to_srgb(grey, b"broken").getpixel((1, 1)) == pixel


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "RGBX", "LA", "PA", "La", "RGBa", "CMYK", "YCbCr", "HSV"]
)
def test_every_mode_ends_as_rgb(mode):
    try:
        image = Image.new("RGB", (6, 4), (10, 200, 90)).convert(mode)
    except ValueError:
        image = Image.new(mode, (6, 4))
    result = to_srgb(flatten(to_eight_bits(image)), None)
    assert (result.mode, result.size) == ("RGB", (6, 4))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5.0, 0.0])
def test_odd_numbers_in_deep_pictures_do_no_harm(value):
    pixels = np.full((4, 4), value, dtype=np.float32)
    assert to_eight_bits(Image.fromarray(pixels)).mode == "L"
