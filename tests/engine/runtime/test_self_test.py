"""A trained model names well-known photographs; an untrained one is reported, not refused."""

from __future__ import annotations

import numpy as np
import pytest

from picsight_engine.bundles.bundle import MANIFEST, open_bundle
from picsight_engine.runtime.self_test import judge_model, judge_vectors

SAME = np.eye(4, dtype=np.float32)


def test_the_starter_looks_trained(starter):
    if not (starter / MANIFEST).is_file():
        pytest.skip("needs the starter")
    found = judge_model(open_bundle(starter))
    assert found.trained, found.sentence()


def test_an_untrained_model_is_reported_and_not_refused(make_bundle):
    found = judge_model(make_bundle())
    assert not found.trained
    assert found.sentence().startswith("looks trained: no (the logit scale is ")


def test_three_right_answers_and_a_scale_that_moved_are_enough():
    assert judge_vectors(SAME, SAME, 100.0).sentence() == (
        "looks trained: yes (the logit scale is 100.0; 4 of 4 known photographs are named correctly)"
    )
    one_wrong = SAME.copy()
    one_wrong[3] = SAME[0]
    assert judge_vectors(one_wrong, SAME, 60.0).trained
    assert judge_vectors(one_wrong, SAME, 60.0).reasons[1].endswith("correctly, not astronaut")
    assert not judge_vectors(SAME[::-1], SAME, 60.0).trained


def test_a_scale_that_never_moved_speaks_against_training():
    found = judge_vectors(SAME, SAME, 1 / 0.07)
    assert not found.trained
    assert found.reasons[0] == "the logit scale is 14.3, as before training"
