"""A replayed view equals torchvision's transforms to the last pixel."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import PIL.Image
import pytest
from torchvision.transforms import InterpolationMode, RandAugment, functional
from torchvision.transforms.autoaugment import _apply_op

from mctrain.data.replay import replay
from mctrain.data.views import Crop, DrawnView, draw_views, parse_views, slots_of, write_views
from mctrain.errors import DataError
from mctrain.recipes.tables import Augmentation

STRONG = Augmentation("strong", 11, 0.08, mirror=True)
BINS = RandAugment()._augmentation_space(31, (224, 224))


@pytest.fixture(scope="module")
def photos(shared) -> list[PIL.Image.Image]:
    """Twenty small photos, upright and lying."""
    with tarfile.open(shared / "data" / "flickr8k-dev-000000.tar") as shard:
        members = [member for member in shard if member.name.endswith(".jpg")][:20]
        found = [PIL.Image.open(io.BytesIO(shard.extractfile(member).read())) for member in members]
    for photo in found:
        photo.thumbnail((256, 256))
    return found


def of_torchvision(photo, view):
    """The crop, the mirroring and the operations with the magnitudes that torchvision's RandAugment looks up."""
    image = functional.resized_crop(photo, *view.crop, [224, 224], InterpolationMode.BICUBIC, antialias=True)
    if view.flip:
        image = functional.hflip(image)
    for number, magnitude in view.operations:
        name = list(BINS)[number]
        theirs = float(BINS[name][0][9]) if BINS[name][0].ndim else 0.0
        image = _apply_op(
            image, name, -theirs if magnitude < 0 else theirs, InterpolationMode.NEAREST, fill=None
        )
    return image


def test_two_hundred_views_equal_torchvisions_to_the_last_pixel(photos):
    seen = set()
    for key, photo in enumerate(photos):
        views = draw_views(STRONG, str(key), 0, *photo.size)[1:]
        for view in parse_views(write_views(views, slots_of(STRONG)), "stored"):
            seen |= {(number, magnitude < 0) for number, magnitude in view.operations}
            assert replay(photo, view, 224).tobytes() == of_torchvision(photo, view).tobytes(), view
    assert len(seen) == 14 + 9  # nine operations go both ways


def test_a_translation_goes_as_far_in_a_view_of_another_size(photos):
    for size, pixels in [(192, 26), (224, 30), (384, 52)]:
        plain = np.asarray(replay(photos[0], DrawnView(None), size))
        right = np.asarray(replay(photos[0], DrawnView(None, operations=((3, 30.453173),)), size))
        up = np.asarray(replay(photos[0], DrawnView(None, operations=((4, -30.453173),)), size))
        np.testing.assert_array_equal(right[:, pixels:], plain[:, :-pixels])
        np.testing.assert_array_equal(up[:-pixels], plain[pixels:])
        assert not right[:, :pixels].any()
        assert not up[-pixels:].any()


def test_the_whole_photo_is_only_brought_to_size(photos):
    photo = photos[0]
    (view,) = draw_views(Augmentation("none", 1, 0.08, mirror=False), "a", 0, *photo.size)
    expected = photo.resize((192, 192), PIL.Image.Resampling.BICUBIC).tobytes()
    assert replay(photo, view, 192).tobytes() == replay(photo, DrawnView(None), 192).tobytes() == expected


def test_a_view_of_another_photo_is_refused_and_not_painted_black(photos):
    photo = photos[0]
    with pytest.raises(DataError, match=f"photo of {photo.width} by {photo.height} pixels"):
        replay(photo, DrawnView(Crop(0, 1, photo.height, photo.width)), 224)
