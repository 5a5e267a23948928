"""Records of views go into the public form and come back, and what cannot be a record is refused in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mctrain.data.views import (
    OPERATIONS,
    Crop,
    Slots,
    View,
    draw_views,
    parse_views,
    rescaled,
    slots_of,
    write_views,
)
from mctrain.errors import DataError
from mctrain.recipes.tables import Augmentation

PUBLISHED = "[[[14,347,370,427],[[0,0.0],[6,0.26999998]]]]"
STRONG = Slots(flip=False, operations=True)

sides = some.integers(1, 3000)
kinds = some.sampled_from(["strong", "weak", "aspect"])


@pytest.mark.parametrize("stored", [PUBLISHED, json.loads(PUBLISHED)])
def test_a_published_record_is_read_as_text_and_as_a_list_and_written_as_it_was(stored):
    views = parse_views(stored, "a")
    assert views == (View(Crop(14, 347, 370, 427), operations=((0, 0.0), (6, 0.26999998))),)
    assert write_views(views, STRONG) == PUBLISHED


def test_each_step_that_was_left_out_may_be_null():
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
        View(crop),
        View(crop),
        View(crop, flip=True),
        View(crop, operations=turned),
        View(crop, flip=True),
        View(None, operations=turned),
    )


@given(kind=kinds, mirror=some.booleans(), key=some.text("a/é\ud800", max_size=8), width=sides, height=sides)
def test_what_was_drawn_comes_back_from_its_public_form(kind, mirror, key, width, height):
    settings = Augmentation(kind, 4, 0.08, mirror)
    views = draw_views(settings, key, 0, width, height)
    public = write_views(views, slots_of(settings))
    assert parse_views(public, key) == views
    slots = 1 + mirror + (kind == "strong")
    assert [len(record) for record in json.loads(public)] == [slots] * 4


def test_a_step_without_a_slot_is_never_dropped_in_silence():
    with pytest.raises(ValueError, match="does not go into"):
        write_views([View(None, flip=True)], STRONG)


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
def test_what_is_no_record_is_refused_in_one_sentence(stored):
    with pytest.raises(DataError, match=r"^The augmentations of photo-7 .*; make them anew\.$") as told:
        parse_views(stored, "photo-7")
    assert len(str(told.value)) < 200


def test_every_bin_of_torchvision_is_taken_with_either_sign():
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
    assert not View(Crop(*crop)).fits(20, 10)
    assert View(Crop(0, 0, 10, 20)).fits(20, 10)
