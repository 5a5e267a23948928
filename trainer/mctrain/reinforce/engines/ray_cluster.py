"""Many workers at once, on the processors of this machine or of a Ray cluster; the unit stays one shard.

A worker keeps its models and makes shard after shard. A worker that ends, alone or with its whole machine, costs the shard
that it was at, which another one makes anew to the same bytes; machines that join are taken into service.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mctrain.errors import TrainerError, demand_extra
from mctrain.reinforce.job import Job, begin, finish, make
from picsight_engine.errors import PicsightError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mctrain.places import Place
    from mctrain.reinforce.job import Finished
    from mctrain.reinforce.maker import Bar, Maker, MakerOrder

_OBJECTS = 100_000_000  # bytes; Ray wants some 75 MB
_LOOK = 5.0  # seconds until it is seen whether machines have joined
# workers that may end at one shard, or one after the other as they begin, before it is no accident
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the workers run: an address as Ray writes it, None for this machine alone; and processors for each of them.

    Where there are GPUs each worker has one.
    """

    address: str | None
    processors: int


class Worker:
    """What runs in a process of its own."""

    def __init__(self, order: MakerOrder, folder: Path) -> None:
        with suppress(OSError):  # a machine without it finds whole paths alone
            os.chdir(folder)
        self._order = order
        self._kept = ExitStack()
        self._maker: Maker | None = None

    def told(self) -> dict[str, Any]:
        """Loads the models; what the bytes depend on."""
        if self._maker is None:
            self._maker = self._kept.enter_context(self._order.open())
        return self._maker.told()

    def make(self, job: Job, shard: Place) -> None:
        """Makes one shard whole."""
        assert self._maker is not None, "a worker is asked what it has before it works"
        make(job, shard, self._maker, lambda *_: None)

    def finish(self, job: Job) -> Finished:
        """Writes what belongs beside all shards."""
        assert self._maker is not None, "a worker is asked what it has before it works"
        return finish(job, self._maker, lambda *_: lambda *_: None)


def run(order: MakerOrder, job: Job, cluster: Cluster, tell: Callable[[str], None], bar: Bar) -> Finished:
    """Makes all shards that are not made; what `job.finish` gives.

    Raises:
        PicsightError: whatever `MakerOrder.open`, `begin` and `make` raise.
        TrainerError: there is no such cluster, its workers have other models, or end again and again.
    """
    if cluster.address:
        tell(f"Joining the Ray cluster at {cluster.address}; Ray tries for up to two minutes.")
    with _joined(cluster) as ray:
        if narrow := too_narrow(ray.nodes(), cluster.processors):
            if cluster.address is None:
                raise TrainerError(f"{narrow}.")
            tell(f"{narrow}, unless a larger one joins.")
        job = _anywhere(job)
        crew = _Crew(ray, order, job, cluster.processors)
        told = crew.told()
        left = deque(begin(job, told))
        tell(f"{len(left)} shards to make with Ray.")
        progress = bar("shards", len(left))
        while left or crew.is_busy:
            crew.send(left)
            for shard in crew.wait(left):
                progress(1, shard.name)
        return crew.finish()


def too_narrow(machines: Sequence[Mapping[str, Any]], processors: int) -> str:
    """A sentence without its end where no machine, as Ray tells of them, has so many processors; Ray would wait for one."""
    largest = max((int(own["Resources"].get("CPU", 0)) for own in machines if own["Alive"]), default=0)
    if largest >= processors:
        return ""
    return f"A worker needs {processors} processors, and no machine has more than {largest}; take fewer --processes"


def _anywhere(job: Job) -> Job:
    """The same for processes that begin in other folders than this one."""

    def absolute(place: Place) -> Place:
        return place.absolute() if isinstance(place, Path) else place

    return Job(tuple(map(absolute, job.shards)), absolute(job.folder))


class _Crew:
    """The workers: those that load their models, those that wait, and those that work."""

    def __init__(self, ray: Any, order: MakerOrder, job: Job, processors: int) -> None:
        self._ray, self._order, self._job, self._processors = ray, order, job, processors
        self._told: dict[str, Any] | None = None
        self._arriving: dict[Any, Any] = {}  # by what it will tell
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Place]] = {}  # by what it will return
        self._lost: Counter[Place | None] = Counter()

    @property
    def is_busy(self) -> bool:
        """Whether some shard is in the works."""
        return bool(self._busy)

    def told(self) -> dict[str, Any]:
        """What the workers' models are, as soon as one of them has loaded them."""
        while self._told is None:
            self._grow(1)
            self.wait(deque())
        return self._told

    def send(self, left: deque[Place]) -> None:
        """Gives work to whoever waits, and asks for more workers where there is more work."""
        while left and self._idle:
            worker, shard = self._idle.pop(), left.popleft()
            self._busy[worker.make.remote(self._job, shard)] = (worker, shard)
        self._grow(len(left) + len(self._busy))

    def wait(self, left: deque[Place]) -> list[Place]:
        """Waits for news, not for ever; the shards that were made. One whose worker ended goes back into `left`."""
        ready, _ = self._ray.wait([*self._arriving, *self._busy], timeout=_LOOK)
        made = []
        for answer in ready:
            worker, shard = self._busy.pop(answer, (self._arriving.pop(answer, None), None))
            found, alive = self._answered(answer)
            if not alive:
                self._lose(worker, shard)
                left.extend([shard] if shard is not None else [])
                continue
            self._idle.append(worker)
            if shard is not None:
                made.append(shard)
            elif self._told not in (None, found):
                raise TrainerError(
                    "The machines of the cluster have other models or versions than one another; install the same on all of them."
                )
            else:
                self._told = found
                self._lost[None] = 0  # machines that come and go are no accident
        return made

    def finish(self) -> Finished:
        """One of them writes what belongs beside all shards."""
        while True:
            while not self._idle:
                self._grow(1)
                self.wait(deque())
            worker = self._idle.pop()
            found, alive = self._answered(worker.finish.remote(self._job))
            if alive:
                return cast("Finished", found)
            self._lose(worker, None)

    def _answered(self, answer: Any) -> tuple[Any, bool]:
        """What came back, and whether anything did."""
        faults = self._ray.exceptions
        try:
            return self._ray.get(answer), True
        except faults.RayTaskError as fault:
            cause = fault.cause
            raise (cause if isinstance(cause, (PicsightError, OSError)) else fault) from None
        except faults.RayError:
            return None, False

    def _lose(self, worker: Any, shard: Place | None) -> None:
        self._ray.kill(worker)  # one that is out of reach may live on
        self._lost[shard] += 1
        if self._lost[shard] == _TRIES:
            at = "as they load their models" if shard is None else f"at {shard}"
            raise TrainerError(
                f"{_TRIES} workers of the cluster ended {at}, as happens when memory is full; give each more --processes, "
                "so that fewer of them run at once."
            )

    def _grow(self, wanted: int) -> None:
        """Begins workers, one for each device that the cluster has now, and no more than are wanted."""
        there = self._ray.cluster_resources()
        graphics = int(there.get("GPU", 0))
        places = graphics or int(there.get("CPU", 0) // self._processors) or 1
        count = len(self._arriving) + len(self._idle) + len(self._busy)
        remote = self._ray.remote(num_cpus=self._processors, num_gpus=int(graphics > 0))(Worker)
        for _ in range(min(places, wanted) - count):
            worker = remote.remote(self._order, Path.cwd())
            self._arriving[worker.told.remote()] = worker


@contextmanager
def _joined(cluster: Cluster) -> Iterator[Any]:
    """Ray, with a cluster of its own or the one at an address; it tells nobody that it is used."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before it is imported
    with demand_extra("ray", "--engine ray"):
        import ray  # 1 s that no local job pays
    # "local": unasked, Ray would join one that was begun here before, or the one of RAY_ADDRESS
    options: dict[str, Any] = {"address": cluster.address or "local"}
    if not cluster.address:
        # nothing but names travels: Ray would set a third of the memory aside for objects
        options |= {"include_dashboard": False, "object_store_memory": _OBJECTS}
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    except (ConnectionError, ValueError, RuntimeError) as fault:
        raise TrainerError(
            f"No Ray cluster answers at {options['address']}; write HOST:PORT as `ray start --head` told it, on a machine of the "
            "cluster, and set RAY_AUTH_MODE=token if it has a token."
        ) from fault
    try:
        yield ray
    finally:
        ray.shutdown()
