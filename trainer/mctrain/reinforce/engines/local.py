"""One process makes one shard after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.reinforce.foretell import foretell
from mctrain.reinforce.job import begin, finish, make

if TYPE_CHECKING:
    from collections.abc import Callable

    from mctrain.reinforce.job import Finished, Job
    from mctrain.reinforce.maker import Bar, Order


def run(order: Order, job: Job, tell: Callable[[str], None], bar: Bar) -> Finished:
    """Makes all shards that are not made; time and disk are told first, and what `job.finish` gives is returned.

    Raises:
        PicsightError: whatever `Order.open`, `begin` and `make` raise.
    """
    with order.open() as maker:
        left = begin(job, maker.told())
        forecast = foretell(left, maker, tell)
        tell(forecast.sentence())
        progress = bar("samples", forecast.photos)
        for shard in left:
            make(job, shard, maker, progress)
        return finish(job, maker, bar)
