"""A photo of 12 megapixels, decoded at a quarter of its size, keeps its vector."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.preprocess import preprocess, reduced_side
from picsight_engine.photos.decoding.decode import Limits, decode
from picsight_engine.runtime.backend import load_image_encoder

MEAN = 0.997  # an int8 tower rounds any small difference; as float16 it had 0.9997


def read_photos(shared, count):
    with tarfile.open(shared / "data" / "flickr8k-dev-000000.tar") as shard:
        photos = (shard.extractfile(member).read() for member in shard if member.name.endswith(".jpg"))
        for _ in range(count):
            yield Image.open(io.BytesIO(next(photos))).convert("RGB")


def make_photo(image, size, noise):
    """A camera's photo of the same scene: a JPEG of some megabytes with the noise of a sensor."""
    large = (
        np.asarray(image.resize(size, Image.BICUBIC), dtype=np.float32) + noise[: size[1], : size[0], None]
    )
    out = io.BytesIO()
    Image.fromarray(large.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def make_photos(shared, count):
    noise = np.tile(np.random.default_rng(0).normal(0, 5, (1000, 1000)).astype(np.float32), (4, 4))
    for number, image in enumerate(read_photos(shared, count)):
        yield make_photo(image, (4000, 3000) if number % 2 else (3000, 4000), noise)


@pytest.fixture(scope="module")
def photos(shared):
    return list(make_photos(shared, 2))


def cosines(starter, photos):
    bundle = open_bundle(starter)
    encoder = load_image_encoder(bundle)
    wanted = bundle.image_spec()
    found = []
    for data in photos:
        picture = decode(data, Path("photo.jpg"), min_side=reduced_side(wanted), limits=Limits())
        assert sorted(picture.image.size) == [750, 1000]
        full = Image.open(io.BytesIO(data)).convert("RGB")
        both = np.stack([preprocess(picture.image, wanted), preprocess(full, wanted)])
        reduced, exact = encoder.encode(both)
        found.append(float(reduced @ exact))
    return np.array(found)


def test_reduced_photos_keep_their_vectors(starter, photos):
    found = cosines(starter, photos)
    assert found.min() >= 0.99
    assert found.mean() >= MEAN


@pytest.mark.soak
def test_many_reduced_photos_keep_their_vectors(starter, shared):
    found = cosines(starter, make_photos(shared, 100))
    assert found.min() >= 0.99
    assert found.mean() >= MEAN
