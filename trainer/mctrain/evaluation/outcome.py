"""The answers behind a figure, and its uncertainty: percentile bootstrap intervals over photos.

If all answers are right, or none, the bootstrap is degenerate. Then a share gets the Clopper-Pearson interval, a mean per
class one at least as wide, and a median, F1, worst group or average of sets none.

Photos are resampled with all of their questions, because these are correlated. The draws are the same for every model,
so two models are compared photo by photo, which is sharper than comparing two intervals. The intervals exclude the noise
of training, which is larger: two seeds of one recipe differ by more than many of these intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

RESAMPLES = 1000
_SEED = 20_000
TAILS = (2.5, 97.5)
_AT_ONCE = 1 << 22  # numbers


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers to m questions about photos of a set: `right` [m], between 0 and 1 if an answer may be partly right, and
    `photo` [m], the row of the question's photo.

    The figure is the mean over groups of the share of right answers. Most have one group; `group` [m], numbered from 0
    without gaps, holds the classes of a mean per class, or the directions of a mean recall. `within`: photos are resampled
    inside each group.
    """

    figure: str
    right: NDArray[np.bool_] | Numbers
    photo: NDArray[np.int64]
    group: NDArray[np.int64]
    within: bool = False

    @classmethod
    def plain(cls, figure: str, right: NDArray[np.bool_] | Numbers, photo: NDArray[np.int64]) -> Outcome:
        """The share of all answers."""
        return cls(figure, right, photo, np.zeros(len(right), np.int64))

    def percent(self, photos: NDArray[np.bool_] | None = None) -> float | None:
        """The figure over all photos or a subset [n]; None if a group has no question about these."""
        asked = np.ones(len(self.right), np.int64) if photos is None else photos[self.photo].astype(np.int64)
        figure = float(self.percents(asked[None])[0]) if len(asked) else np.nan
        return None if np.isnan(figure) else figure

    def percents(self, asked: NDArray[np.int64]) -> Numbers:
        """The figure [b] with each question weighted by `asked` [b, m]; NaN if a group has none."""
        return np.asarray(100 * self.shares(asked).mean(1))

    def shares(self, asked: NDArray[np.int64]) -> Numbers:
        """The share of right answers in each group [b, groups]."""
        counts = self.sums(asked)
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sums(asked * self.right) / counts, np.float64)

    def sums(self, values: NDArray[np.int64] | Numbers) -> Numbers:
        """Sums values per question [b, m] to values per group [b, groups]."""
        order = np.argsort(self.group, kind="stable")
        starts = np.flatnonzero(np.diff(self.group[order], prepend=-1))
        return np.asarray(np.add.reduceat(values[:, order], starts, axis=1), np.float64)


@dataclass(frozen=True, slots=True)
class WorstGroup(Outcome):
    """The figure is the lowest share of right answers of any group."""

    def percents(self, asked: NDArray[np.int64]) -> Numbers:
        """[b]."""
        return np.asarray(100 * self.shares(asked).min(1))


@dataclass(frozen=True, slots=True)
class Median(Outcome):
    """The figure is the lower median of the shares, regardless of groups."""

    def percents(self, asked: NDArray[np.int64]) -> Numbers:
        """[b]."""
        order = np.argsort(self.right)
        passed = asked[:, order].cumsum(1)
        middle = self.right[order][(2 * passed >= passed[:, -1:]).argmax(1)]
        return np.asarray(np.where(passed[:, -1] > 0, 100 * middle, np.nan))


@dataclass(frozen=True, slots=True)
class MacroF1(Outcome):
    """The mean F1 of the classes that photos have, which are the groups; `guess` [m] is the predicted one, -1 for others."""

    guess: NDArray[np.int64] = field(kw_only=True)

    def percents(self, asked: NDArray[np.int64]) -> Numbers:
        """[b]."""
        hits, there = self.sums(asked * self.right), self.sums(asked)  # [b, classes]
        classes = there.shape[1]
        guessed = np.stack([np.bincount(self.guess + 1, each, classes + 1)[1:] for each in asked])
        shares = np.where(there > 0, 2 * hits / np.maximum(there + guessed, 1), np.nan)
        return np.asarray(100 * shares.mean(1))


@dataclass(frozen=True, slots=True)
class Average:
    """The unweighted mean of several sets' figures: `parts`, each with its photo count; rows are numbered through all sets."""

    figure: str
    parts: tuple[tuple[Figured, int], ...]

    @property
    def photo(self) -> NDArray[np.int64]:
        """The photo row of each question."""
        ends = np.cumsum([count for _, count in self.parts])
        return np.concatenate(
            [each.photo + end - count for (each, count), end in zip(self.parts, ends, strict=True)]
        )

    def split(self, photos: NDArray[np.bool_] | None) -> Iterator[tuple[Figured, NDArray[np.bool_] | None]]:
        """The parts, each with its rows of a subset [n] of all photos."""
        end = 0
        for each, count in self.parts:
            end += count
            yield each, None if photos is None else photos[end - count : end]

    def percent(self, photos: NDArray[np.bool_] | None = None) -> float | None:
        """The figure over all photos or a subset [n]; None if one of its parts has none."""
        figures = [each.percent(some) for each, some in self.split(photos)]
        known = [each for each in figures if each is not None]
        return sum(known) / len(known) if len(known) == len(figures) else None


Figured = Outcome | Average


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answers to a task: photo keys, number of texts, and an outcome per figure.

    `less_is_better`: the figures count errors.
    """

    keys: tuple[str, ...]
    texts: int
    outcomes: tuple[Figured, ...]
    less_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of resampled figures, in percent, or the exact interval if they do not vary."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The lead of one model over another, in points; `better` is the share of resamples in which it leads (ties: half)."""

    figure: str
    points: float
    interval: Interval
    better: float


def interval_of(outcome: Figured) -> Interval:
    """The 95 % interval of a figure."""
    if type(outcome) is Outcome:  # a mean, and neither a median nor an F1
        lowest = 100 * (TAILS[0] / 100) ** (1 / _drawn_alike(outcome))
        if (outcome.right == 1).all():
            return Interval(lowest, 100.0)
        if (outcome.right == 0).all():
            return Interval(0.0, 100 - lowest)
    return _middle(resampled(outcome))


def _drawn_alike(outcome: Outcome) -> int:
    """The number of photos drawn from; for a mean over classes, as if every class were as small as the smallest."""
    group = outcome.group if outcome.within else np.zeros_like(outcome.group)
    photos = np.bincount(np.unique([group, outcome.photo], axis=1)[0])
    return int(len(photos) * photos.min())


def difference(one: Figured, other: Figured) -> Difference:
    """The difference of the same figure between two models, on the same draws."""
    assert np.array_equal(one.photo, other.photo), "both were asked the same"
    apart = resampled(one) - resampled(other)
    points = (one.percent() or 0.0) - (other.percent() or 0.0)
    better = (apart > 0).mean() + (apart == 0).mean() / 2
    return Difference(one.figure, points, _middle(apart), float(better))


def resampled(outcome: Figured, photos: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """The figure of each resample, over all photos or a subset [n], in percent [resamples]; the sets of an average are
    drawn independently.
    """
    if isinstance(outcome, Average):
        parts = [resampled(each, some) for each, some in outcome.split(photos)]
        return np.asarray(np.mean(parts, axis=0))
    drawn = outcome.photo
    if outcome.within:
        # a photo in several groups is drawn in each
        drawn = drawn + outcome.group * (drawn.max() + 1)
    _, photo = np.unique(drawn, return_inverse=True)  # the photos with questions
    strata = np.zeros(photo.max() + 1, np.int64)
    if outcome.within:
        strata[photo] = outcome.group
    block = max(1, _AT_ONCE // len(photo))
    counted = np.ones(len(photo), np.int64) if photos is None else photos[outcome.photo].astype(np.int64)
    return np.concatenate([outcome.percents(times[:, photo] * counted) for times in _draws(strata, block)])


def _draws(strata: NDArray[np.int64], block: int) -> Iterator[NDArray[np.int64]]:
    """The number of draws of each photo, [b, photos] per block of resamples; stratum sizes are kept."""
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
    low, high = np.percentile(figures, TAILS)
    return Interval(float(low), float(high))
