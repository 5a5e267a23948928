"""Fits the thresholds of a model without a calibration to the photos of a library; no photo needs a label.

The cosines of photos with things spread wider in one model than in another, and all thresholds are distances among them. So
the shipped model's thresholds, which were fitted with labels, are taken over in units of that spread.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.calibration import Calibration, vector_text
from picsight_engine.bundles.commonness import counted_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_PHOTOS = 200  # fewer show too few things
_MOST_PHOTOS = 5_000
_THINGS = 100  # each is embedded in all templates, which takes large text towers 0.2 s
_SPREAD = 0.045  # of the shipped model's cosines on the evaluation photos
# The shipped model's thresholds, fitted as `mctrain calibrate` does, but around the mean of `things`.
_FITTED = Calibration(
    answered=0.2182,
    strong=0.2182,
    possible=0.1433,
    gap=0.04,
    span=0.1383,
    growth=0.0,
    growth_below=0.0201,
    common=0.02,
    colour=0.0275,
)


def things() -> list[str]:
    """Words for common and uncommon things."""
    words = counted_words()
    places = np.linspace(0, len(words) - 1, _THINGS).astype(int)
    return [words[place] for place in places]


def fit_calibration(words: NDArray[np.float32], photos: NDArray[np.float16]) -> Calibration:
    """The calibration of a model, from unit vectors of `things` [things, dim] and of a library's photos [n, dim]."""
    step = -(-len(photos) // _MOST_PHOTOS)
    centre = words.mean(axis=0)
    low, high = np.quantile(photos[::step].astype(np.float32) @ (words - centre).T, [0.16, 0.84])
    scale = float(high - low) / 2 / _SPREAD
    scaled = {
        each.name: round(min(scale * getattr(_FITTED, each.name), 1.0), 4)
        for each in fields(Calibration)
        if each.name != "centre"
    }
    return replace(_FITTED, **scaled, centre=vector_text(centre))
