"""Many workers at once, on the processors of this machine or of a Ray cluster; the unit stays one shard.

A shard is a task of Ray. A process keeps its models from one task to the next; a task whose process or machine is lost is
made anew elsewhere, to the same bytes, and machines that join take part.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mctrain.data.workers import ahead
from mctrain.errors import TrainerError, demand_extra
from mctrain.reinforce.job import ShardJob, begin, finish, make
from picsight_engine.errors import PicsightError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mctrain.places import Place
    from mctrain.reinforce.job import JobReport
    from mctrain.reinforce.maker import Bar, Maker, MakerOrder

_OBJECTS = 100_000_000  # bytes; Ray wants some 75 MB
_AHEAD = 1000  # shards that Ray knows of at a time
_RETRIES = 3  # of a task whose process ends, before it is no accident


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the workers run: an address as Ray writes it, None for this machine alone; and processors for each of them.

    Where there are GPUs each worker has one.
    """

    address: str | None
    processors: int


class Worker:
    """What a process of the cluster keeps from one task to the next."""

    maker: Maker | None = None
    kept = ExitStack()

    @classmethod
    def open(cls, order: MakerOrder, folder: Path) -> Maker:
        """The models, loaded once."""
        if cls.maker is None:
            with suppress(OSError):  # a machine without the folder finds whole paths alone
                os.chdir(folder)
            cls.maker = cls.kept.enter_context(order.open())
        return cls.maker


def run(
    order: MakerOrder, job: ShardJob, cluster: Cluster, tell: Callable[[str], None], bar: Bar
) -> JobReport:
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
        job = ShardJob(tuple(map(_absolute, job.shards)), _absolute(job.folder))
        graphics = int(ray.cluster_resources().get("GPU", 0) > 0)
        # max_calls: a process with a GPU would end after each task
        remote = ray.remote(num_cpus=cluster.processors, num_gpus=graphics, max_calls=0, max_retries=_RETRIES)
        given = (ray.put(order), Path.cwd(), job)
        identity = _answer(ray, remote(_identify).remote(*given))
        left = begin(job, identity)
        tell(f"{len(left)} shards to make with Ray.")
        progress = bar("shards", len(left))
        work = ((shard, remote(_make).remote(*given, shard, identity)) for shard in left)
        for shard, answer in ahead(work, _AHEAD):
            _answer(ray, answer)
            progress(1, shard.name)
        return cast("JobReport", _answer(ray, remote(_finish).remote(*given)))


def too_narrow(machines: Sequence[Mapping[str, Any]], processors: int) -> str:
    """A sentence without its end where no machine, as Ray tells of them, has so many processors; Ray would wait for one."""
    largest = max((int(each["Resources"].get("CPU", 0)) for each in machines if each["Alive"]), default=0)
    if largest >= processors:
        return ""
    return f"A worker needs {processors} processors, and no machine has more than {largest}; take fewer --processes"


def _absolute(place: Place) -> Place:
    """The same for processes that begin in other folders than this one."""
    return place.absolute() if isinstance(place, Path) else place


def _identify(order: MakerOrder, folder: Path, job: ShardJob) -> dict[str, Any]:
    """What the bytes of all shards depend on."""
    del job
    return Worker.open(order, folder).identity()


def _make(order: MakerOrder, folder: Path, job: ShardJob, shard: Place, identity: Mapping[str, Any]) -> None:
    maker = Worker.open(order, folder)
    if maker.identity() != identity:
        raise TrainerError(
            "The machines of the cluster have other models or versions than one another; install the same on all of them."
        )
    make(job, shard, maker, lambda *_: None)


def _finish(order: MakerOrder, folder: Path, job: ShardJob) -> JobReport:
    return finish(job, Worker.open(order, folder), lambda *_: lambda *_: None)


def _answer(ray: Any, answer: Any) -> Any:
    """What a task gives.

    Raises:
        PicsightError: the task raises it.
        TrainerError: its process ended each time.
    """
    try:
        return ray.get(answer)
    except ray.exceptions.RayTaskError as fault:
        cause = fault.cause
        raise (cause if isinstance(cause, (PicsightError, OSError)) else fault) from None
    except ray.exceptions.RayError as fault:
        raise TrainerError(
            "Workers of the cluster ended again and again, as happens when memory is full; give each more --processes, "
            "so that fewer of them run at once."
        ) from fault


@contextmanager
def _joined(cluster: Cluster) -> Iterator[Any]:
    """Ray, with a cluster of its own or the one at an address; it tells nobody that it is used."""
    # before it is imported; without the second one Ray would retry for ever what memory does not hold
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_task_oom_retries": str(_RETRIES)}
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
