"""What a figure is computed from: which of its questions were answered rightly, and of which photo each was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


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
        guessed = np.stack([np.bincount(self.guess + 1, own, classes + 1)[1:] for own in asked])
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
            [own.photo + end - count for (own, count), end in zip(self.parts, ends, strict=True)]
        )

    def percent(self, photos: NDArray[np.bool_] | None = None) -> float | None:
        """The figure, of all photos or of some [n]; None where one of its parts has none."""
        ends = np.cumsum([count for _, count in self.parts])
        figures = [
            own.percent(None if photos is None else photos[end - count : end])
            for (own, count), end in zip(self.parts, ends, strict=True)
        ]
        told = [own for own in figures if own is not None]
        return sum(told) / len(told) if len(told) == len(figures) else None


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
