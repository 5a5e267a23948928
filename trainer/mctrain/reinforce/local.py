"""Makes the shards one by one in this process, after an estimate of time and disk space."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.data.shards import count_photos
from mctrain.paths import local_copy
from mctrain.reinforce.job import begin, finish, make
from mctrain.reinforce.maker import write_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mctrain.paths import AnyPath
    from mctrain.reinforce.job import JobReport, ShardJob
    from mctrain.reinforce.maker import Bar, MakerConfig, ShardMaker


_TRIED = 12  # samples
_LONG = 20.0  # seconds; load time is negligible beside a longer trial


def run(config: MakerConfig, job: ShardJob, report: Callable[[str], None], bar: Bar) -> JobReport:
    """Makes all missing shards, after an estimate of time and disk; returns the report of `job.finish`.

    Raises:
        PicsightError: whatever `MakerConfig.open`, `begin` and `make` raise.
    """
    with config.open() as maker:
        left = begin(job, maker.identity())
        progress = bar("samples", estimate(left, maker, report))
        for shard in left:
            make(job, shard, maker, progress)
        return finish(job, maker, bar)


def estimate(left: Sequence[AnyPath], maker: ShardMaker, report: Callable[[str], None]) -> int:
    """Makes a few samples of the first remaining shard and reports an estimate for all; returns the estimated photo count.

    Shards in a store are assumed to be as large as the first, because counting would download them all.

    Raises:
        DataError: that shard is missing or damaged at its start.
    """
    if not left:
        report("Nothing is left to make.")
        return 0
    with local_copy(left[0]) as source, tempfile.TemporaryDirectory(prefix="mctrain-") as name:
        alike = count_photos(source)
        counts = [count_photos(each) if isinstance(each, Path) else alike for each in left]
        photos = sum(min(each, maker.limit or each) for each in counts)
        trial = Path(name) / "trial.tar"
        report(f"Processing {min(photos, _TRIED)} photos of {left[0].name} for an estimate.")
        for _ in range(maker.trials):
            begun = time.monotonic()
            outcome, _ = write_shard(maker, source, trial, lambda: None, _TRIED)
            spent = time.monotonic() - begun
            if spent > _LONG:
                break
        if outcome.warning:
            report(outcome.warning)
        share = photos / (outcome.samples or 1)
        size = trial.stat().st_size * share / 1e6
    hours, minutes = divmod(round(spent * share / 60), 60)
    long = f"{hours} h {minutes:02d} min" if hours else f"{max(1, minutes)} min"
    report(f"{len(left)} shards to make, about {photos} photos: {long}, {size:.0f} MB.")
    return photos
