"""Blanks are parted from photos by what both look like, and words for them from words for things."""

from __future__ import annotations

import numpy as np
import pytest

from mctrain.export.calibration import fit_blankness

DIM = 24


def cloud(seed, count, *, towards, apart=2.0):
    """Unit vectors around one of the coordinates, spread along some directions more than along others."""
    draw = np.random.default_rng(seed)
    own = draw.normal(size=(count, DIM)) * np.linspace(0.2, 1.0, DIM)
    own[:, towards] += apart * 3
    return (own / np.linalg.norm(own, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def known():
    return fit_blankness(
        cloud(0, 400, towards=0), cloud(1, 300, towards=1), cloud(2, 60, towards=2), cloud(3, 90, towards=3)
    )


def test_unseen_blanks_lose_and_unseen_photos_do_not(known):
    photos, blanks = (known.losses(cloud(seed, 400, towards=seed - 4) @ known.axis()) for seed in (4, 5))
    assert np.mean(photos > 0) <= 0.01
    assert np.mean(blanks > 0.05) >= 0.99
    assert not known.losses(cloud(0, 400, towards=0) @ known.axis()).max() > 1e-3  # those of the fit


def test_unseen_words_for_blanks_ask_and_unseen_words_for_things_do_not(known):
    assert known.asking(cloud(6, 400, towards=3)).mean() >= 0.99
    assert known.asking(cloud(7, 400, towards=2)).mean() <= 0.01
