"""Views are drawn as by torchvision, each with its own seed, and read back from their public form."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torchvision.transforms import RandAugment, RandomResizedCrop

from mctrain.data.views import (
    OPERATIONS,
    Crop,
    DrawnView,
    Slots,
    draw_views,
    parse_views,
    rescaled,
    slots_of,
    write_views,
)
from mctrain.errors import DataError
from mctrain.recipes.tables import Augmentation

STRONG = Augmentation("strong", 31, 0.08, mirror=False)
sides = some.integers(1, 5000)


def drawn(settings, photos, width, height):
    """All views but those of whole photos."""
    return [
        view
        for number in range(photos)
        for view in draw_views(settings, f"photo-{number}", 5, width, height)[1:]
    ]


def distance(ours, theirs) -> float:
    """The Kolmogorov-Smirnov distance of two samples."""
    both = np.sort(np.concatenate([ours, theirs]))
    shares = [np.searchsorted(np.sort(values), both, side="right") / len(values) for values in (ours, theirs)]
    return float(np.abs(shares[0] - shares[1]).max())


@pytest.mark.parametrize(("kind", "least", "size"), [("strong", 0.08, (224, 160)), ("weak", 0.9, (224, 200))])
def test_crops_are_distributed_as_those_of_torchvision(kind, least, size):
    ours = np.array([view.crop for view in drawn(Augmentation(kind, 31, least, mirror=False), 100, *size)])
    photo = PIL.Image.new("RGB", size)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        theirs = np.array(
            [RandomResizedCrop.get_params(photo, (least, 1.0), (3 / 4, 4 / 3)) for _ in range(3000)]
        )
    assert ours.shape == theirs.shape == (3000, 4)
    for measure in (
        lambda crops: crops[:, 2] * crops[:, 3],
        lambda crops: crops[:, 3] / crops[:, 2],
        lambda crops: crops[:, 0],
        lambda crops: crops[:, 1],
        lambda crops: crops[:, 0] + crops[:, 2],
        lambda crops: crops[:, 1] + crops[:, 3],
    ):
        assert distance(measure(ours), measure(theirs)) < 0.05  # equal distributions exceed it once in 1,000


def test_a_photo_that_no_crop_fits_is_cut_in_the_middle_as_torchvision_does():
    for size in [(7, 1000), (1000, 7), (1, 1), (1, 900)]:
        middle = RandomResizedCrop.get_params(PIL.Image.new("RGB", size), (0.9, 1.0), (3 / 4, 4 / 3))
        weak = Augmentation("weak", 4, 0.9, mirror=False)
        assert {view.crop for view in drawn(weak, 1, *size)} == {Crop(*middle)}


def test_operations_are_drawn_evenly_with_replacement_and_with_torchvisions_magnitudes():
    pairs = [view.operations for view in drawn(STRONG, 100, 224, 160)]
    assert {len(pair) for pair in pairs} == {2}
    for place in (0, 1):
        counts = Counter(pair[place][0] for pair in pairs)
        assert set(counts) == set(range(14))
        assert all(abs(count - 3000 / 14) < 5 * np.sqrt(3000 / 14) for count in counts.values())
    same = sum(first[0] == second[0] for first, second in pairs)
    assert abs(same - 3000 / 14) < 5 * np.sqrt(3000 / 14)
    space = RandAugment()._augmentation_space(31, (224, 224))
    for number, operation in enumerate(OPERATIONS):
        bins, signed = space[operation.name]
        magnitudes = [magnitude for pair in pairs for which, magnitude in pair if which == number]
        theirs = np.float32(bins[9] if bins.ndim else 0.0)
        assert {np.float32(abs(magnitude)) for magnitude in magnitudes} == {theirs}
        below = sum(magnitude < 0 for magnitude in magnitudes)
        assert abs(below - len(magnitudes) / 2) < 2.5 * np.sqrt(len(magnitudes)) if signed else below == 0


def test_a_view_depends_on_its_seed_its_photo_and_its_number_alone():
    views = draw_views(STRONG, "a", 1, 320, 240)
    draw_views(STRONG, "b", 1, 320, 240)
    assert draw_views(STRONG, "a", 1, 320, 240) == views
    assert draw_views(Augmentation("strong", 5, 0.08, mirror=False), "a", 1, 320, 240) == views[:5]
    others = [
        *views,
        *draw_views(STRONG, "b", 1, 320, 240)[1:],
        *draw_views(STRONG, "a", 2, 320, 240)[1:],
        *draw_views(STRONG, "1/a", 1, 320, 240)[1:],
    ]
    assert len(set(others)) == len(others)


def test_half_of_the_views_are_mirrored_on_request_but_never_the_whole_photo():
    settings = Augmentation("weak", 31, 0.9, mirror=True)
    mirrored = sum(view.flip for view in drawn(settings, 20, 224, 160))
    assert abs(mirrored - 300) < 75
    assert not any(draw_views(settings, str(key), 0, 224, 160)[0].flip for key in range(50))
    assert not any(view.flip for view in drawn(STRONG, 20, 224, 160))


def test_aspect_changes_the_proportions_and_keeps_one_side_whole():
    views = drawn(Augmentation("aspect", 31, 0.08, mirror=False), 10, 300, 200)
    assert all(view.crop.width == 300 or view.crop.height == 200 for view in views)
    ratios = np.array([view.crop.width / view.crop.height / 1.5 for view in views])
    assert 0.74 < ratios.min() < 0.8
    assert 1.27 < ratios.max() < 1.35
    assert all(view.operations == () for view in views)


PUBLISHED = "[[[14,347,370,427],[[0,0.0],[6,0.26999998]]]]"
SLOTS = Slots(flip=False, operations=True)

kinds = some.sampled_from(["strong", "weak", "aspect"])


@pytest.mark.parametrize("stored", [PUBLISHED, json.loads(PUBLISHED)])
def test_a_published_record_is_read_as_text_and_as_a_list_and_written_as_it_was(stored):
    views = parse_views(stored, "a")
    assert views == (DrawnView(Crop(14, 347, 370, 427), operations=((0, 0.0), (6, 0.26999998))),)
    assert write_views(views, SLOTS) == PUBLISHED


def test_a_missing_step_may_be_null():
    crop = Crop(1, 2, 3, 4)
    turned = ((5, -9.0), (10, 7))
    stored = [
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4], None],
        [[1, 2, 3, 4], True],
        [[1, 2, 3, 4], None, [[5, -9.0], [10, 7]]],
        [[1, 2, 3, 4], True, None],
        [None, [[5, -9.0], [10, 7]]],
    ]
    assert parse_views(stored, "a") == (
        DrawnView(crop),
        DrawnView(crop),
        DrawnView(crop, flip=True),
        DrawnView(crop, operations=turned),
        DrawnView(crop, flip=True),
        DrawnView(None, operations=turned),
    )


@given(kind=kinds, mirror=some.booleans(), key=some.text("a/é\ud800", max_size=8), width=sides, height=sides)
def test_drawn_views_come_back_from_their_public_form(kind, mirror, key, width, height):
    settings = Augmentation(kind, 4, 0.08, mirror)
    views = draw_views(settings, key, 0, width, height)
    public = write_views(views, slots_of(settings))
    assert parse_views(public, key) == views
    slots = 1 + mirror + (kind == "strong")
    assert [len(record) for record in json.loads(public)] == [slots] * 4


def test_a_step_without_a_slot_is_an_error():
    with pytest.raises(ValueError, match="does not go into"):
        write_views([DrawnView(None, flip=True)], SLOTS)


@pytest.mark.parametrize(
    "stored",
    [
        "[[[1,2,3",
        "[" * 100_000,
        [],
        [[]],
        [[[1, 2, 3]]],
        [[[-1, 2, 3, 4]]],
        [[[1, 2, 3, 4], False]],
        [[[1, 2, 3, 4], None, [[0, 0.0]], None]],
        [[[1, 2, 3, 4], [[14, 0.0]]]],
        [[[1, 2, 3, 4], [["0", 0.0]]]],
        [[[1, 2, 3, 4], [[5, 10**400]]]],
        [[[1, 2, 3, 4], [[10, -7]]]],  # a mask of negative bits
    ],
)
def test_an_invalid_record_is_one_sentence(stored):
    with pytest.raises(DataError, match=r"^The augmentations of photo-7 .*; make them again\.$") as caught:
        parse_views(stored, "photo-7")
    assert len(str(caught.value)) < 200


def test_every_magnitude_of_torchvision_is_accepted_with_either_sign():
    from torchvision.transforms import RandAugment

    space = RandAugment()._augmentation_space(31, (224, 224))
    assert [operation.name for operation in OPERATIONS] == list(space)
    for operation, (bins, signed) in zip(OPERATIONS, space.values(), strict=True):
        magnitudes = bins.tolist() if bins.ndim else [0.0]
        assert operation.signed is signed
        assert all(operation.takes(magnitude) for magnitude in magnitudes)
        assert not operation.takes(max(magnitudes) + 0.1)
        assert operation.takes(-max(magnitudes)) is (signed or max(magnitudes) == 0)


@given(kind=kinds, before=some.tuples(sides, sides), now=some.tuples(sides, sides))
def test_a_rescaled_crop_lies_inside_the_photo_and_shows_the_same(kind, before, now):
    for view in draw_views(Augmentation(kind, 3, 0.08, mirror=True), "k", 1, *before):
        assert view.fits(*before)
        moved = rescaled(view, before, now)
        assert moved.fits(*now)
        assert replace(moved, crop=view.crop) == view
        corners = [(0, view.crop.left, moved.crop.left), (1, view.crop.top, moved.crop.top)]
        assert all(abs(start * now[axis] / before[axis] - new) <= 1 for axis, start, new in corners)
        assert abs(view.crop.width * now[0] / before[0] - moved.crop.width) <= 1
        assert abs(view.crop.height * now[1] / before[1] - moved.crop.height) <= 1


@pytest.mark.parametrize(
    "crop", [(0, 0, 11, 10), (0, 0, 10, 21), (5, 0, 6, 10), (0, 15, 1, 6), (-1, 0, 5, 5)]
)
def test_a_crop_that_reaches_beyond_the_photo_does_not_fit(crop):
    assert not DrawnView(Crop(*crop)).fits(20, 10)
    assert DrawnView(Crop(0, 0, 10, 20)).fits(20, 10)
