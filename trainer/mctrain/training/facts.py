"""What happened in the steps since it was last told: sums of figures, and where the time went."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mctrain.training.ranks import Rank


@dataclass(slots=True)
class Facts:
    """Part of a run's state, so that a line tells of the same steps in a run that was killed. Times are in seconds."""

    steps: int = 0
    photos: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, photos: int, seconds: float, waited: float, values: Mapping[str, float]) -> None:
        """One more step."""
        self.steps += 1
        self.photos += photos
        self.seconds += seconds
        self.waited += waited
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def line(self, rank: Rank) -> dict[str, float]:
        """Means over the steps and the processes; photos a second, and the share of the time that data were waited for.

        What is no number, as a gradient that overflowed, has no mean.
        """
        means = rank.means([value / self.steps for value in self.sums.values()])
        told = {name: mean for name, mean in zip(self.sums, means, strict=True) if math.isfinite(mean)}
        seconds = max(self.seconds, 1e-9)
        return told | {"photos_a_second": self.photos / seconds, "waiting": self.waited / seconds}
