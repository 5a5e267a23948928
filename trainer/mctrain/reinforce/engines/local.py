"""One process makes one shard after the other, and says before how long that will take and how much disk it will fill."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.data.shards import count_photos
from mctrain.places import near
from mctrain.reinforce.job import begin, finish, make
from mctrain.reinforce.maker import write_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mctrain.places import Place
    from mctrain.reinforce.job import Finished, Job
    from mctrain.reinforce.maker import Bar, Maker, MakerOrder


_TRIED = 12  # samples
_LONG = 20.0  # seconds, beside which what is loaded once is little


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


def foretell(left: Sequence[Place], maker: Maker, tell: Callable[[str], None]) -> Forecast:
    """Makes a few samples of the first shard that is left, and reckons; what it does, and whatever is odd of them, is told.

    Shards in a store are not counted one by one, which would fetch them all: they are taken for as large as the first.

    Raises:
        DataError: that shard is missing or damaged at its beginning.
    """
    if not left:
        return Forecast(0, 0, 0.0, 0)
    with near(left[0]) as source, tempfile.TemporaryDirectory(prefix="mctrain-") as name:
        photos = _count(left, source, maker.limit)
        trial = Path(name) / "trial.tar"
        tell(f"The first {min(photos, _TRIED)} photos of {left[0].name} are tried, for a forecast.")
        for _ in range(maker.trials):
            begun = time.monotonic()
            outcome, _ = write_shard(maker, source, trial, lambda: None, _TRIED)
            count = outcome.samples or 1
            spent = time.monotonic() - begun
            if spent > _LONG:
                break
        if outcome.warning:
            tell(outcome.warning)
        weight = trial.stat().st_size
    return Forecast(len(left), photos, spent / count * photos, weight // count * photos)


def _count(left: Sequence[Place], first: Path, limit: int | None) -> int:
    alike = count_photos(first)
    counts = [count_photos(own) if isinstance(own, Path) else alike for own in left]
    return sum(min(own, limit or own) for own in counts)


def run(order: MakerOrder, job: Job, tell: Callable[[str], None], bar: Bar) -> Finished:
    """Makes all shards that are not made; time and disk are told first, and what `job.finish` gives is returned.

    Raises:
        PicsightError: whatever `MakerOrder.open`, `begin` and `make` raise.
    """
    with order.open() as maker:
        left = begin(job, maker.told())
        forecast = foretell(left, maker, tell)
        tell(forecast.sentence())
        progress = bar("samples", forecast.photos)
        for shard in left:
            make(job, shard, maker, progress)
        return finish(job, maker, bar)
