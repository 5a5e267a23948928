"""Views are drawn as torchvision draws them, and each from its own seed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import strategies as some
from torchvision.transforms import RandAugment, RandomResizedCrop

from mctrain.data.views import OPERATIONS, Crop, draw_views
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
    """Kolmogorov and Smirnov's: how far the two distributions part at most."""
    both = np.sort(np.concatenate([ours, theirs]))
    shares = [np.searchsorted(np.sort(values), both, side="right") / len(values) for values in (ours, theirs)]
    return float(np.abs(shares[0] - shares[1]).max())


@pytest.mark.parametrize(
    ("kind", "least", "size"),
    [("strong", 0.08, (224, 160)), ("weak", 0.9, (224, 200))],
)
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


def test_half_of_the_views_are_mirrored_where_that_is_asked_for_but_never_the_whole_photo():
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
