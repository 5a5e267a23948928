"""Pictures of one row or column: every step of indexing takes them, and an endless one is refused by its header."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.engine.photos.conftest import png

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.preprocess import preprocess, reduced_side
from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.decoding.decode import decode
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


@pytest.mark.parametrize("size", [(249_000_000, 1), (1, 1_000_001)])
def test_an_endless_picture_is_too_large_with_any_number_of_pixels(size):
    rows = zlib.compressobj(9)
    pixels = b"".join(rows.compress(bytes(1 << 20)) for _ in range(40)) + rows.flush()
    data = png(*size, (b"IDAT", pixels), (b"IEND", b""), bits=1)
    sentence = rf"is {max(size):,} pixels long, more than the limit of 1,000,000\."
    with pytest.raises(ImageError, match=sentence) as caught:
        decode(data, Path("line.png"), min_side=512, limits=Limits())
    assert caught.value.code == "too_large"
