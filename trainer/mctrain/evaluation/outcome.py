"""What a figure is computed from: which of its questions were answered rightly, and of which photo each was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers to m questions about photos of a set: `right` [m], and `photo` [m], the row of the photo asked about.

    The figure is the mean over groups of the share of right answers. Most have but one group; `group` [m], from 0 on
    without a gap, tells the classes of a mean per class, and the directions of a mean recall. `within`: photos are
    resampled inside each group.
    """

    figure: str
    right: NDArray[np.bool_]
    photo: NDArray[np.int64]
    group: NDArray[np.int64]
    within: bool = False

    @classmethod
    def plain(cls, figure: str, right: NDArray[np.bool_], photo: NDArray[np.int64]) -> Outcome:
        """A share of all answers."""
        return cls(figure, right, photo, np.zeros(len(right), np.int64))

    def percent(self, photos: NDArray[np.bool_] | None = None) -> float | None:
        """The figure, of all photos or of some [n]; None where a group has no question about these."""
        asked = np.ones(len(self.right)) if photos is None else photos[self.photo].astype(np.float64)
        counts = np.bincount(self.group, asked)
        if not len(counts) or not counts.all():
            return None
        return 100 * float((np.bincount(self.group, asked * self.right) / counts).mean())
