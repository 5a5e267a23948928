"""How long a job will take and how much disk it will fill, from a few of its samples, before it starts."""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.data.archive import write_archive
from mctrain.data.augment.draw import slots_of
from mctrain.data.reinforced.sample import members_of
from mctrain.data.shards import count_photos
from mctrain.reinforce.shard import Outcome, reinforce

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import ProcessPoolExecutor

    from mctrain.reinforce.job import Job
    from mctrain.teachers.teacher import Ensemble

_TRIED = 12  # samples, after as many to warm up


@dataclass(frozen=True, slots=True)
class Forecast:
    """Shards that are left, photos in them by their sources' sizes, seconds of work, bytes of disk."""

    shards: int
    photos: int
    seconds: float
    bytes: int

    def sentence(self) -> str:
        """For a person."""
        if not self.shards:
            return "Nothing is left to make."
        hours, minutes = divmod(round(self.seconds / 60), 60)
        time_told = f"{hours} h {minutes:02d} min" if hours else f"{max(1, minutes)} min"
        return f"{self.shards} shards to make, about {self.photos} photos: {time_told}, {self.bytes / 1e6:.0f} MB."


def foretell(job: Job, left: Sequence[Path], ensemble: Ensemble, pool: ProcessPoolExecutor) -> Forecast:
    """Reinforces a few samples of the first shard that is left, and reckons.

    Raises:
        DataError: that shard is missing or damaged at its beginning.
    """
    if not left:
        return Forecast(0, 0, 0.0, 0)
    photos = sum(min(count_photos(shard), job.limit or sys.maxsize) for shard in left)
    with tempfile.TemporaryDirectory(prefix="mctrain-") as name:
        trial = Path(name) / "trial.tar"
        for _ in range(2):  # the first one pays for what is loaded once
            begun = time.monotonic()
            samples = list(reinforce(left[0], job.drawing, ensemble, pool, Outcome(), limit=_TRIED))
            slots = slots_of(job.drawing.augmentation)
            write_archive(trial, ((own.key, members_of(own, job.storage, slots)) for own in samples))
            spent = time.monotonic() - begun
        weight = trial.stat().st_size
    count = max(1, len(samples))
    return Forecast(len(left), photos, spent / count * photos, weight // count * photos)
