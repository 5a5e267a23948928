"""A model without a calibration gets one that is fitted to the library without labels."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from tests.engine.conftest import index

from picsight_engine.library import Library
from picsight_engine.search import active_model
from picsight_engine.search.active_model import fit_calibration


def test_thresholds_follow_the_spread_of_a_model_s_cosines_and_nothing_else() -> None:
    random = np.random.default_rng(1)
    words, photos = random.normal(size=(2, 100, 8)).astype(np.float32) * 0.1
    once = fit_calibration(words, photos.astype(np.float16))
    twice = fit_calibration(2 * words, photos.astype(np.float16))
    moved = fit_calibration(words + 0.2, photos.astype(np.float16))
    assert twice.strong == pytest.approx(2 * once.strong, abs=2e-4)
    assert moved.strong == pytest.approx(once.strong, abs=2e-4)
    centred = words[:1] - words.mean(axis=0)
    assert moved.centred(words[:1] + 0.2) == pytest.approx(centred, abs=1e-3)


def test_a_model_without_thresholds_is_calibrated_after_indexing_and_keeps_that(
    bundle, indexed, tmp_path, monkeypatch
) -> None:
    """The model is the starter without its calibration."""
    monkeypatch.setattr(active_model, "LEAST_PHOTOS", 20)
    folder = shutil.copytree(indexed, tmp_path / "library")
    uncalibrated = replace(bundle, manifest=replace(bundle.manifest, calibration=None, likeness=None))
    with Library.open(folder, uncalibrated) as library:
        assert library.bundle.manifest.calibration is None
        index(library)
        fitted = library.bundle.manifest.calibration
        assert fitted.answered == pytest.approx(0.251, rel=0.1)  # as fitted with labels around this centre
        assert {photo.match for photo in library.search("cat", limit=5).results} >= {"strong"}
        strong = [photo for photo in library.search("cat", limit=1000).results if photo.match == "strong"]
        library.tags.new("Cats", prompts=["cat"])
        suggested = library.tags.suggest("Cats")
        assert 0 < len(suggested) <= 1.5 * len(strong)
    with Library.open(folder, uncalibrated) as library:
        assert library.bundle.manifest.calibration == fitted
    with Library.open(folder, bundle) as library:
        assert library.bundle.manifest.calibration == bundle.manifest.calibration
