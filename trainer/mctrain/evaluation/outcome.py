"""What a figure is computed from, which of its questions were answered rightly, and how far it can be trusted: percentile
intervals of figures computed anew from photos drawn with replacement.

Where every answer is right, or none, all draws are alike and tell nothing; there the interval of a share is Clopper and
Pearson's, that of a mean per class no narrower, and a median, an F1, a worst group or an average of sets has none.

Photos are drawn, each with all of its questions, for the questions of one photo are answered alike. The draws are the same
for every subject, so two of them are compared photo by photo, which tells more than two intervals do. What is left out is
the noise of training, which is larger: two seeds of one recipe differ by more than many of these intervals say.
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
_TAILS = (2.5, 97.5)
_AT_ONCE = 1 << 22  # numbers


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers to m questions about photos of a set: `right` [m], a share where an answer may be half right, and `photo`
    [m], the row of the photo asked about.

    The figure is the mean over groups of the share of right answers. Most have but one group; `group` [m], from 0 on
    without a gap, tells the classes of a mean per class, and the directions of a mean recall. `within`: photos are
    resampled inside each group.
    """

    figure: str
    right: NDArray[np.bool_] | Numbers
    photo: NDArray[np.int64]
    group: NDArray[np.int64]
    within: bool = False

    @classmethod
    def plain(cls, figure: str, right: NDArray[np.bool_] | Numbers, photo: NDArray[np.int64]) -> Outcome:
        """A share of all answers."""
        return cls(figure, right, photo, np.zeros(len(right), np.int64))

    def percent(self, photos: NDArray[np.bool_] | None = None) -> float | None:
        """The figure, of all photos or of some [n]; None where a group has no question about these."""
        asked = np.ones(len(self.right), np.int64) if photos is None else photos[self.photo].astype(np.int64)
        figure = float(self.percents(asked[None])[0]) if len(asked) else np.nan
        return None if np.isnan(figure) else figure

    def percents(self, asked: NDArray[np.int64]) -> Numbers:
        """The figure [b], each question counted as often as `asked` [b, m] says; not a number where a group has none."""
        return np.asarray(100 * self.shares(asked).mean(1))

    def shares(self, asked: NDArray[np.int64]) -> Numbers:
        """The share of right answers in each group [b, groups]."""
        counts = self.sums(asked)
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sums(asked * self.right) / counts, np.float64)

    def sums(self, values: NDArray[np.int64] | Numbers) -> Numbers:
        """Of values a question [b, m] those a group [b, groups]."""
        order = np.argsort(self.group, kind="stable")
        starts = np.flatnonzero(np.diff(self.group[order], prepend=-1))
        return np.asarray(np.add.reduceat(values[:, order], starts, axis=1), np.float64)


@dataclass(frozen=True, slots=True)
class WorstGroup(Outcome):
    """The figure is the share of right answers in the group that has the least."""

    def percents(self, asked: NDArray[np.int64]) -> Numbers:
        """[b]."""
        return np.asarray(100 * self.shares(asked).min(1))


@dataclass(frozen=True, slots=True)
class Median(Outcome):
    """The figure is the median of the shares, of whichever group; of two in the middle the lesser."""

    def percents(self, asked: NDArray[np.int64]) -> Numbers:
        """[b]."""
        order = np.argsort(self.right)
        passed = asked[:, order].cumsum(1)
        middle = self.right[order][(2 * passed >= passed[:, -1:]).argmax(1)]
        return np.asarray(np.where(passed[:, -1] > 0, 100 * middle, np.nan))


@dataclass(frozen=True, slots=True)
class MacroF1(Outcome):
    """The figure is the mean F1 of the classes that photos have, which are the groups; `guess` [m] is the class that was
    guessed, -1 for one that no photo has.
    """

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
    """The plain mean of figures of several sets: `parts`, each with the number of its set's photos; rows count through all."""

    figure: str
    parts: tuple[tuple[Figured, int], ...]

    @property
    def photo(self) -> NDArray[np.int64]:
        """The row of the photo of each question."""
        ends = np.cumsum([count for _, count in self.parts])
        return np.concatenate(
            [each.photo + end - count for (each, count), end in zip(self.parts, ends, strict=True)]
        )

    def percent(self, photos: NDArray[np.bool_] | None = None) -> float | None:
        """The figure, of all photos or of some [n]; None where one of its parts has none."""
        ends = np.cumsum([count for _, count in self.parts])
        figures = [
            each.percent(None if photos is None else photos[end - count : end])
            for (each, count), end in zip(self.parts, ends, strict=True)
        ]
        known = [each for each in figures if each is not None]
        return sum(known) / len(known) if len(known) == len(figures) else None


Figured = Outcome | Average


@dataclass(frozen=True, slots=True)
class Answers:
    """What a subject answered to a task: the keys of the photos, how many texts there were, and an outcome a figure.

    `less_is_better`: the figures count what should not be.
    """

    keys: tuple[str, ...]
    texts: int
    outcomes: tuple[Figured, ...]
    less_is_better: bool = False


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
        return np.asarray(np.mean([resampled(each) for each, _ in outcome.parts], axis=0))
    drawn = outcome.photo
    if outcome.within:
        # a photo of several groups is drawn in each of them
        drawn = drawn + outcome.group * (drawn.max() + 1)
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
