"""Photoshop documents, built after the specification: the merged picture in its depths and codings, or the preview."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.decoding.decode import Limits, decode, read_header

KINDS = {"L": 1, "RGB": 3, "CMYK": 4}


def packed(row: bytes) -> bytes:
    """A row in PackBits: pairs as runs, other bytes as they are."""
    out = b""
    for at in range(0, len(row), 2):
        pair = row[at : at + 2]
        out += b"\xff" + pair[:1] if len(set(pair)) == 1 < len(pair) else bytes([len(pair) - 1]) + pair
    return out


def document(image, *, bits=8, large=False, run_length=True, resources=(), extra_channel=False):
    """A document without layers that shows this picture."""
    channels = [np.asarray(band) for band in image.split()]
    if image.mode == "CMYK":
        channels = [255 - channel for channel in channels]
    if extra_channel:
        channels.append(np.zeros_like(channels[0]))  # a mask that hides everything
    if bits == 16:
        channels = [channel.astype(">u2") * 257 for channel in channels]
    rows = [row.tobytes() for channel in channels for row in channel]
    length = "I" if large else "H"
    coded = [packed(row) for row in rows]
    merged = b"\0\1" + struct.pack(f">{len(rows)}{length}", *map(len, coded)) + b"".join(coded)
    block = b"".join(
        b"8BIM" + struct.pack(">H2xI", number, len(content)) + content + bytes(len(content) % 2)
        for number, content in resources
    )
    head = struct.pack(
        ">4sH6xHIIHH", b"8BPS", 1 + large, len(channels), image.height, image.width, bits, KINDS[image.mode]
    )
    layers = bytes(8 if large else 4)
    plain = b"\0\0" + b"".join(rows)
    return (
        head + bytes(4) + struct.pack(">I", len(block)) + block + layers + (merged if run_length else plain)
    )


def show(path, data, min_side=256):
    return decode(data, path, min_side=min_side, limits=Limits())


@pytest.mark.parametrize("run_length", [True, False])
@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_merged_picture_is_shown_in_every_depth_and_coding(make_image, tmp_path, bits, large, run_length):
    image = make_image(49, 33)
    data = document(image, bits=bits, large=large, run_length=run_length, extra_channel=True)
    shown = show(tmp_path / "a.psb", data)
    assert (shown.width, shown.height) == (49, 33)
    assert np.array_equal(np.asarray(shown.image), np.asarray(image))
    assert read_header(data, tmp_path / "a.psb").metadata.bits == bits


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_ink_are_shown_like_the_same_picture_in_tiff(make_image, make_file, tmp_path, mode):
    image = make_image(48, 32, mode)
    shown, other = show(tmp_path / "a.psd", document(image)), show(tmp_path / "a", make_file("TIFF", image))
    assert np.array_equal(np.asarray(shown.image), np.asarray(other.image))


def test_a_large_picture_is_reduced_and_turned_and_keeps_its_size(make_image, make_exif, tmp_path):
    exif = make_exif(6, original="2021:07:14 06:03:09").removeprefix(b"Exif\0\0")
    data = document(make_image(400, 200), resources=[(1058, exif)])
    shown = show(tmp_path / "a.psd", data, min_side=50)
    assert (shown.width, shown.height, shown.image.size) == (200, 400, (50, 100))
    assert shown.image.getpixel((4, 4)) == (255, 255, 255)  # white lies lower left before it is turned
    assert read_header(data, tmp_path / "a.psd").metadata.taken == "2021-07-14T06:03:09"


def test_without_a_merged_picture_the_preview_is_shown_or_the_error_says_what_to_do(make_file, tmp_path):
    blank, not_merged = Image.new("RGB", (480, 320), "white"), (1057, bytes(7))
    preview = (1036, bytes(28) + make_file(quality=95))
    data = document(blank, resources=[not_merged, preview])
    shown = show(tmp_path / "a.psd", data)
    assert (shown.width, shown.height) == (480, 320)
    assert shown.image.getpixel((4, 4)) == pytest.approx((220, 30, 30), abs=6)
    with pytest.raises(ImageError, match="maximized compatibility") as fault:
        show(tmp_path / "a.psd", document(blank, resources=[not_merged]))
    assert fault.value.code == "unsupported"
