"""Pictures of one row or one column: every step of indexing takes them, and one without end is refused by its header."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.preprocess import preprocess, reduced_side
from picsight_engine.errors import ImageError
from picsight_engine.photos.decode import decode
from picsight_engine.photos.identity import perceptual_hash
from picsight_engine.photos.reading import Limits
from picsight_engine.photos.thumbnail import thumbnail

# The longest side that each format can state, or that we take.
LONGEST = {"JPEG": 65500, "WEBP": 16383, "PNG": 1_000_000}


@pytest.mark.parametrize("kind", LONGEST)
@pytest.mark.parametrize("is_row", [True, False])
def test_every_step_takes_a_picture_of_one_row_or_one_column(make_file, starter, kind, is_row):
    size = (LONGEST[kind], 1) if is_row else (1, LONGEST[kind])
    squash = open_bundle(starter).image_spec()
    data = make_file(kind, Image.new("RGB", size, (200, 30, 40)))
    picture = decode(data, Path("line"), min_side=reduced_side(squash), limits=Limits())
    assert (picture.width, picture.height) == size
    for spec in (squash, replace(squash, resize="shortest", crop="centre")):
        assert preprocess(picture.image, spec).shape == (3, spec.size, spec.size)
    assert perceptual_hash(picture.image) == 0
    assert thumbnail(picture.image).startswith(b"\xff\xd8")


def png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compressobj(9)
    pixels = b"".join(rows.compress(bytes(1 << 20)) for _ in range(40)) + rows.flush()
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


@pytest.mark.parametrize("size", [(249_000_000, 1), (1, 1_000_001)])
def test_a_picture_without_end_is_too_large_however_few_pixels_it_has(size):
    with pytest.raises(
        ImageError, match=rf"is {max(size):,} pixels long, more than the limit of 1,000,000\."
    ) as caught:
        decode(png(*size), Path("line.png"), min_side=512, limits=Limits())
    assert caught.value.code == "too_large"
