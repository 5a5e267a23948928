"""Blanks are parted from photos by what both look like, and words for them from words for things."""

from __future__ import annotations

import numpy as np

from mctrain.export.blankness import fit_blankness

DIM = 24


def cloud(seed, count, *, towards, apart=2.0):
    """Unit vectors around one of the coordinates, spread along some directions more than along others."""
    draw = np.random.default_rng(seed)
    own = draw.normal(size=(count, DIM)) * np.linspace(0.2, 1.0, DIM)
    own[:, towards] += apart * 3
    return (own / np.linalg.norm(own, axis=1, keepdims=True)).astype(np.float32)


def test_unseen_blanks_lose_and_unseen_photos_do_not():
    photos, blanks, things = cloud(0, 400, towards=0), cloud(1, 300, towards=1), cloud(2, 50, towards=2)
    known = fit_blankness(photos, blanks, things)
    others, more = (
        known.losses(cloud(3, 400, towards=0) @ known.axis()),
        known.losses(cloud(4, 300, towards=1) @ known.axis()),
    )
    assert np.mean(others > 0) <= 0.01
    assert np.mean(more > 0.05) >= 0.99
    assert not known.asking(things[:-1]).all()
    assert known.asking(cloud(5, 50, towards=1)).all()
    assert known.asking(cloud(6, 50, towards=2)).mean() <= 0.1
