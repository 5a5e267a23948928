"""Thresholds of a match: they rise with the size of the library, and one right photo is enough for an answer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picsight_engine.bundles.calibration import Calibration, parse_calibration

CUTS = Calibration(
    answered=0.35, strong=0.3, possible=0.2, gap=0.06, span=0.15, growth=0.01, growth_below=0.03, common=0.02
)
SCORES = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20).map(
    lambda scores: sorted(scores, reverse=True)
)


def matches(best, photos, commonness=0.0):
    return CUTS.matches(best, photos, commonness)


def test_a_library_of_right_photos_answers_by_the_mean_of_its_best_five():
    assert matches([0.36] * 5 + [0.25, 0.1], 1000) == ["strong"] * 5 + ["weaker", "none"]
    assert matches([0.36] * 4 + [0.3, 0.25, 0.2], 1000) == ["weaker"] * 6 + ["none"]


def test_one_right_photo_is_enough():
    assert matches([0.42, 0.1, 0.1, 0.1, 0.1, 0.1], 1000) == ["strong"] + ["none"] * 5
    assert matches([0.40, 0.1, 0.1, 0.1, 0.1, 0.1], 1000)[0] == "weaker"


def test_photos_near_the_best_may_be_right_however_low_that_is_unless_all_of_them_are_hopeless():
    assert matches([0.24, 0.12, 0.1, 0.08, 0.0], 100) == ["weaker"] * 3 + ["none"] * 2
    assert matches([0.18, 0.12, 0.1, 0.08, 0.0], 100) == ["none"] * 5


def test_common_things_need_lower_scores_to_match():
    assert matches([0.33] * 6, 1000, 0.0)[0] == "weaker"
    assert matches([0.33] * 6, 1000, 1.5)[0] == "strong"
    assert matches([0.36] * 6, 1000, -1.0)[0] == "weaker"


@pytest.mark.parametrize("photos", [1, 4])
def test_a_library_of_fewer_than_five_photos_answers(photos):
    assert matches([0.4] + [0.0] * (photos - 1), photos)[0] == "strong"
    assert CUTS.evidence([0.2] * photos) == pytest.approx(0.2)
    assert matches([-0.1] * photos, photos) == ["none"] * photos


@given(scores=SCORES, photos=st.integers(20, 1_000_000))
def test_a_larger_library_never_improves_a_match(scores, photos):
    order = ("none", "weaker", "strong")
    few, many = (matches(scores, count) for count in (photos, 2 * photos))
    assert all(order.index(more) <= order.index(few_place) for few_place, more in zip(few, many, strict=True))


@given(scores=SCORES, photos=st.integers(20, 1_000_000))
def test_matches_fall_with_scores_and_an_answer_holds_a_strong_photo(scores, photos):
    order = ("strong", "weaker", "none")
    ranks = [order.index(match) for match in matches(scores, photos)]
    assert ranks == sorted(ranks)
    rise = (CUTS.growth_below if photos < 1000 else CUTS.growth) * math.log(photos / 1000)
    is_answered = CUTS.evidence(scores) >= CUTS.answered + rise
    assert (ranks[0] == 0) == is_answered


WRITTEN = {
    "answered": 0.35,
    "strong": 0.3,
    "possible": 0.2,
    "gap": 0,
    "span": 0.1,
    "growth": 0.01,
    "growth_below": 0.03,
    "common": 0.02,
}


def test_a_manifest_may_say_more_than_is_read():
    calibration = parse_calibration({**WRITTEN, "measured": "today"}, 2)
    assert calibration == Calibration(0.35, 0.3, 0.2, 0.0, 0.1, 0.01, 0.03, 0.02)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("answered", True),
        ("growth", -0.1),
        ("possible", 0.36),
        ("gap", None),
        ("span", -0.01),
    ],
)
def test_an_invalid_calibration_is_named(key, value):
    with pytest.raises(ValueError, match="calibration"):
        parse_calibration({**WRITTEN, key: value}, 2)
