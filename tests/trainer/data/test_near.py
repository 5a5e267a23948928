"""Near copies are found, all of them, and different photos are left alone."""

from __future__ import annotations

import io
import random
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from mctrain.data.check import check_shards, find_near_copies, look, near_copies
from mctrain.data.shards import grouped


def by_comparing_all(hashes):
    found = []
    for late, own in enumerate(hashes):
        near = [early for early in range(late) if (own ^ hashes[early]).bit_count() <= 4]
        if near:
            found.append((late, near[0], (own ^ hashes[near[0]]).bit_count()))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_all_pairs_are_found_that_comparing_all_with_all_finds(seed):
    """Many hashes are made of few by changing up to six bits anywhere, so that all cases occur."""
    draw = random.Random(seed)
    parents = [draw.getrandbits(64) for _ in range(12)]
    hashes = []
    for _ in range(400):
        own = draw.choice(parents)
        for bit in draw.sample(range(64), draw.randrange(7)):
            own ^= 1 << bit
        hashes.append(own)
    expected = by_comparing_all(hashes)
    assert {bits for _, _, bits in expected} == {0, 1, 2, 3, 4}
    assert near_copies(hashes) == expected


def test_nothing_is_near_to_nothing():
    assert near_copies([]) == []
    assert near_copies([5]) == []


def test_a_hash_tells_what_is_brighter_to_the_right():
    rising = np.tile(np.arange(0, 90, 10, np.uint8), (8, 1))
    rising[:4] = rising[:4, ::-1]
    assert look(Image.fromarray(rising)) == 0x00000000FFFFFFFF


def test_a_picture_without_a_pattern_has_none():
    assert look(Image.new("RGB", (300, 200), "white")) is None
    assert look(Image.linear_gradient("L").rotate(90)) is None


def test_a_smaller_and_coarser_copy_is_near_and_other_photos_are_not(real_data):
    images = [group.image() for group in islice(grouped(real_data / "flickr8k-train-000003.tar"), 60)]
    hashes = [look(image) for image in images]
    assert near_copies(hashes) == []
    for image in images:
        out = io.BytesIO()
        image.resize((150, 150), Image.Resampling.BICUBIC).save(out, "WEBP", quality=60)
        hashes.append(look(Image.open(out)))
    found = [(late - 60, early) for late, early, _ in near_copies(hashes)]
    assert all(late == early for late, early in found)
    assert len(found) >= 58


@pytest.mark.soak
def test_of_all_our_photos_five_are_near_to_others(real_data):
    """Two are copies indeed, night views of MIRFLICKR; three are plain seas and skies."""
    found = find_near_copies(check_shards(sorted(real_data.glob("*.tar*"))))
    assert {own.split()[2] for own in found} == {
        "clothing-00164", "more-mirflickr-3727", "photos-mirflickr-1153",
        "photos-mirflickr-0537", "photos-mirflickr-0193",
    }  # fmt: skip
