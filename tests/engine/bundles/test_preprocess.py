"""Preprocessing agrees with torchvision, as used in training."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from picsight_engine.bundles.bundle import ImageSpec
from picsight_engine.bundles.preprocess import preprocess, reduced_side

SIZES = [
    (481, 640),
    (223, 225),
    (100, 75),
    (1000, 333),
    (2, 500),
    (1, 1),
]


def make_spec(size=224, resize="shortest", interpolation="bicubic", mean=None, std=None):
    crop = "centre" if resize == "shortest" else None
    return ImageSpec(size, resize, interpolation, crop, mean, std, "x", "y", "float32")


def make_picture(width, height, seed=0):
    """Smooth shapes with noise: like a photo, the picture has every frequency."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
        (width, height), Image.BICUBIC
    )
    noisy = np.asarray(coarse, dtype=np.int16) + rng.integers(-40, 40, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def reference(image, spec):
    from torchvision.transforms import v2  # 5 s, for the processes that run other tests, too

    filters = {"bicubic": v2.InterpolationMode.BICUBIC, "bilinear": v2.InterpolationMode.BILINEAR}
    size = spec.size if spec.resize == "shortest" else (spec.size, spec.size)
    steps = [v2.Resize(size, interpolation=filters[spec.interpolation])]
    if spec.crop:
        steps.append(v2.CenterCrop(spec.size))
    return np.asarray(v2.Compose(steps)(image), dtype=np.float32).transpose(2, 0, 1) / 255


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("resize", ["shortest", "squash"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_equals_torchvision_within_one_level(width, height, resize, interpolation):
    spec = make_spec(resize=resize, interpolation=interpolation)
    image = make_picture(width, height)
    pixels = preprocess(image, spec)
    assert pixels.shape == (3, 224, 224)
    assert pixels.dtype == np.float32
    assert np.abs(pixels - reference(image, spec)).max() <= 1.001 / 255


def test_equals_torchvision_on_random_sizes():
    rng = np.random.default_rng(5)
    for seed in range(8):
        width, height = (int(side) for side in rng.integers(20, 700, 2))
        spec = make_spec(size=int(rng.integers(8, 257)))
        image = make_picture(width, height, seed)
        assert np.abs(preprocess(image, spec) - reference(image, spec)).max() <= 1.001 / 255, (
            width,
            height,
            spec,
        )


@pytest.mark.parametrize(("width", "height"), [(1, 3000), (8000, 2), (30000, 1)])
def test_extreme_shapes_do_not_become_enormous_on_the_way(width, height):
    """torchvision would scale these to 196 megapixels and more, and then cut out a corner."""
    image = make_picture(width, height)
    pixels = preprocess(image, make_spec())
    middle = np.asarray(image, dtype=np.float32)[height // 2, width // 2] / 255
    assert np.abs(pixels[:, 112, 112] - middle).max() < 0.25
    assert preprocess(image, make_spec(resize="squash")).shape == (3, 224, 224)


def test_mean_and_std_are_applied_where_the_graph_does_not():
    image = make_picture(300, 200)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    raw = preprocess(image, make_spec())
    expected = (raw - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(preprocess(image, make_spec(mean=mean, std=std)), expected, atol=1e-5)
    assert 0 <= raw.min() < raw.max() <= 1


def test_grey_pictures_become_three_equal_channels():
    pixels = preprocess(make_picture(90, 60).convert("L"), make_spec())
    assert (pixels[0] == pixels[1]).all()
    assert (pixels[0] == pixels[2]).all()


@pytest.mark.parametrize("resize", ["shortest", "squash"])
def test_a_reduced_picture_keeps_at_least_twice_the_towers_size(resize):
    assert reduced_side(make_spec(size=256, resize=resize)) == 512
