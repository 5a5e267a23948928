"""How far a figure can be trusted: percentile intervals of figures computed anew from photos drawn with replacement.

Where every answer is right, or none, all draws are alike and tell nothing; there the interval of a share is Clopper and
Pearson's, that of a mean per class no narrower, and a median, an F1, a worst group or an average of sets has none.

Photos are drawn, each with all of its questions, for the questions of one photo are answered alike. The draws are the same
for every subject, so two of them are compared photo by photo, which tells more than two intervals do. What is left out is
the noise of training, which is larger: two seeds of one recipe differ by more than many of these intervals say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mctrain.evaluation.outcome import Average, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mctrain.evaluation.outcome import Figured

RESAMPLES = 1000
_SEED = 20_000
_TAILS = (2.5, 97.5)
_AT_ONCE = 1 << 22  # numbers


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of resampled figures, in percent, or the exact bound where these do not vary."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What one subject has above another, in points; `better` is the share of resamples in which it has more, and half of
    those in which both have the same.
    """

    figure: str
    points: float
    interval: Interval
    better: float


def interval_of(outcome: Figured) -> Interval:
    """The interval of a figure."""
    if type(outcome) is Outcome:  # a mean, and neither a median nor an F1
        lowest = 100 * (_TAILS[0] / 100) ** (1 / _drawn_alike(outcome))
        if (outcome.right == 1).all():
            return Interval(lowest, 100.0)
        if (outcome.right == 0).all():
            return Interval(0.0, 100 - lowest)
    return _middle(resampled(outcome))


def _drawn_alike(outcome: Outcome) -> int:
    """How many photos the draws are of; of a mean over classes as many as if each had no more than the smallest."""
    group = outcome.group if outcome.within else np.zeros_like(outcome.group)
    photos = np.bincount(np.unique([group, outcome.photo], axis=1)[0])
    return int(len(photos) * photos.min())


def difference(one: Figured, other: Figured) -> Difference:
    """Of the same figure of two subjects, on the same draws."""
    assert np.array_equal(one.photo, other.photo), "both were asked the same"
    apart = resampled(one) - resampled(other)
    points = (one.percent() or 0.0) - (other.percent() or 0.0)
    better = (apart > 0).mean() + (apart == 0).mean() / 2
    return Difference(one.figure, points, _middle(apart), float(better))


def resampled(outcome: Figured) -> NDArray[np.float64]:
    """The figure of each resample, in percent [resamples]; of an average its sets are drawn each by itself."""
    if isinstance(outcome, Average):
        return np.asarray(np.mean([resampled(own) for own, _ in outcome.parts], axis=0))
    drawn = outcome.photo
    if outcome.within:
        drawn = drawn + outcome.group * (
            drawn.max() + 1
        )  # a photo of several groups is drawn in each of them
    _, photo = np.unique(drawn, return_inverse=True)  # those that were asked about
    strata = np.zeros(photo.max() + 1, np.int64)
    if outcome.within:
        strata[photo] = outcome.group
    block = max(1, _AT_ONCE // len(photo))
    return np.concatenate([outcome.percents(times[:, photo]) for times in _draws(strata, block)])


def _draws(strata: NDArray[np.int64], block: int) -> Iterator[NDArray[np.int64]]:
    """How often each photo is drawn, [b, photos] for blocks of resamples: in each stratum as many as it has."""
    draw = np.random.default_rng(_SEED)
    photos = len(strata)
    ordered = np.argsort(strata, kind="stable")
    _, which, sizes = np.unique(strata[ordered], return_inverse=True, return_counts=True)
    first = (np.cumsum(sizes) - sizes)[which]
    for start in range(0, RESAMPLES, block):
        count = min(block, RESAMPLES - start)
        places = first + (draw.random((count, photos)) * sizes[which]).astype(np.int64)
        flat = ordered[places] + np.arange(count)[:, None] * photos
        yield np.bincount(flat.ravel(), minlength=count * photos).reshape(count, photos)


def _middle(figures: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(figures, _TAILS)
    return Interval(float(low), float(high))
