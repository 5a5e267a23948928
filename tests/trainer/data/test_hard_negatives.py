"""A contrast says something that the text does not."""

from __future__ import annotations

from itertools import islice

import pytest

from mctrain.data.hard_negatives import hard_negative_of
from mctrain.data.shards import samples

OTHERS = ("women", "boys", "girls", "children")
STUFFS = ("wooden", "metal", "plastic", "stone")


def words(text):
    return text.lower().replace(".", " ").split()


@pytest.mark.parametrize(
    ("text", "contrast"),
    [
        ("A black dog and a white cat.", "a white dog and a black cat."),
        ("grey hat, gray coat", None),
        ("a black and white dog and a brown cat", "a brown and white dog and a black cat"),
        (
            "one of the men in front of a house",
            {f"one of the {other} in front of a house" for other in OTHERS},
        ),
        (
            "a glass full of water in back of it",
            {f"a {stuff} full of water in back of it" for stuff in STUFFS},
        ),
        ("Two dogs", {"one dogs", "three dogs", "four dogs", "five dogs"}),
        ("a dog in the snow", None),
        ("the sundown", None),
        ("", None),
    ],
)
def test_a_contrast_replaces_one_word_or_swaps_two_colours(text, contrast):
    found = hard_negative_of(text)
    if text == "grey hat, gray coat":
        assert found is not None
        assert {"silver"}.isdisjoint(words(found))
    elif isinstance(contrast, set):
        assert found in contrast
    else:
        assert found == contrast


@pytest.mark.parametrize(
    "text",
    [
        "a black and white dog",
        "a red, white, and dark blue flag",
        "black & white",
        "brown/white, red or pink",
        "a black and a white -and- brown dog",
        "the black dog and the brown dog of one black and one white",
    ],
)
def test_colours_of_one_list_do_not_change_places(text):
    """That would repeat what the text says."""
    before, after = words(text), words(hard_negative_of(text))
    (changed,) = (place for place in range(len(before)) if before[place] != after[place])
    assert after[changed] not in before


def test_of_real_captions_one_word_changes_or_two_colours_their_places(real_data):
    """Contrasts are reproducible."""
    captions = [
        text
        for sample in islice(samples(real_data / "flickr8k-train-000000.tar"), 100)
        for text in sample.record["captions"]
    ]
    pairs = [(text, found) for text in captions if (found := hard_negative_of(text))]
    assert len(pairs) > len(captions) / 2
    for text, found in pairs:
        before, after = words(text), words(found)
        changed = [place for place in range(len(before)) if before[place] != after[place]]
        assert len(before) == len(after)
        assert len(changed) in {1, 2}
        assert sorted(before) == sorted(after) if len(changed) == 2 else after[changed[0]] not in before
        assert hard_negative_of(text) == found
