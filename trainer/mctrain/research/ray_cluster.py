"""Parallel workers with Ray, on this machine or a cluster; each shard is a Ray task.

A worker process keeps its models between tasks. If a process or machine is lost, its task runs again elsewhere with the
same bytes. Machines that join later get tasks too.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mctrain.data.workers import prefetch
from mctrain.errors import TrainerError, demand_extra
from mctrain.reinforce.job import ShardJob, begin, finish, make
from picsight_engine.foundation.errors import PicsightError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mctrain.paths import AnyPath
    from mctrain.reinforce.job import JobReport
    from mctrain.reinforce.maker import Bar, MakerConfig, ShardMaker

_OBJECTS = 100_000_000  # bytes; Ray wants some 75 MB
_AHEAD = 1000  # shards submitted to Ray at a time
_RETRIES = 3  # retries of a task whose process dies


class Worker:
    """A cluster process's models, kept between tasks."""

    maker: ShardMaker | None = None
    kept = ExitStack()

    @classmethod
    def open(cls, config: MakerConfig, folder: Path) -> ShardMaker:
        """Loads the models once."""
        if cls.maker is None:
            with suppress(OSError):  # a machine without the folder needs absolute paths
                os.chdir(folder)
            cls.maker = cls.kept.enter_context(config.open())
        return cls.maker


def run(
    config: MakerConfig,
    job: ShardJob,
    report: Callable[[str], None],
    bar: Bar,
    *,
    address: str | None,
    processors: int,
) -> JobReport:
    """Makes all missing shards in the cluster at a Ray address, or on this machine; returns the report of `job.finish`.

    Each worker gets `processors` cores, and a GPU if there are any.

    Raises:
        PicsightError: whatever `MakerConfig.open`, `begin` and `make` raise.
        TrainerError: there is no such cluster, its workers have different models, or keep dying.
    """
    if address:
        report(f"Joining the Ray cluster at {address}; Ray tries for up to two minutes.")
    with _joined(address) as ray:
        if narrow := too_narrow(ray.nodes(), processors):
            if address is None:
                raise TrainerError(f"{narrow}.")
            report(f"{narrow}, unless a larger one joins.")
        job = ShardJob(tuple(map(_absolute, job.shards)), _absolute(job.folder))
        graphics = int(ray.cluster_resources().get("GPU", 0) > 0)
        # max_calls: without it a GPU process ends after each task
        remote = ray.remote(num_cpus=processors, num_gpus=graphics, max_calls=0, max_retries=_RETRIES)
        given = (ray.put(config), Path.cwd(), job)
        identity = _answer(ray, remote(_identify).remote(*given))
        left = begin(job, identity)
        report(f"{len(left)} shards to make with Ray.")
        progress = bar("shards", len(left))
        work = ((shard, remote(_make).remote(*given, shard, identity)) for shard in left)
        for shard, answer in prefetch(work, _AHEAD):
            _answer(ray, answer)
            progress(1, shard.name)
        return cast("JobReport", _answer(ray, remote(_finish).remote(*given)))


def too_narrow(machines: Sequence[Mapping[str, Any]], processors: int) -> str:
    """A warning (without the full stop) if no machine has enough cores, because Ray would wait for one; else empty."""
    largest = max((int(each["Resources"].get("CPU", 0)) for each in machines if each["Alive"]), default=0)
    if largest >= processors:
        return ""
    return f"A worker needs {processors} processors, and no machine has more than {largest}; take fewer --processes"


def _absolute(path: AnyPath) -> AnyPath:
    """An absolute place, for processes with another working directory."""
    return path.absolute() if isinstance(path, Path) else path


def _identify(config: MakerConfig, folder: Path, job: ShardJob) -> dict[str, Any]:
    """The job's identity, from the workers' models."""
    del job
    return Worker.open(config, folder).identity()


def _make(
    config: MakerConfig, folder: Path, job: ShardJob, shard: AnyPath, identity: Mapping[str, Any]
) -> None:
    maker = Worker.open(config, folder)
    if maker.identity() != identity:
        raise TrainerError(
            "The machines of the cluster have different models or versions; install the same on all of them."
        )
    make(job, shard, maker, lambda *_: None)


def _finish(config: MakerConfig, folder: Path, job: ShardJob) -> JobReport:
    return finish(job, Worker.open(config, folder), lambda *_: lambda *_: None)


def _answer(ray: Any, answer: Any) -> Any:
    """The result of a task.

    Raises:
        PicsightError: the task raised it.
        TrainerError: its process died at every try.
    """
    try:
        return ray.get(answer)
    except ray.exceptions.RayTaskError as fault:
        cause = fault.cause
        raise (cause if isinstance(cause, (PicsightError, OSError)) else fault) from None
    except ray.exceptions.RayError as fault:
        raise TrainerError(
            "Workers of the cluster keep dying, as happens when memory is full; give each more --processes, so that fewer "
            "of them run at once."
        ) from fault


@contextmanager
def _joined(address: str | None) -> Iterator[Any]:
    """Ray, with a new local cluster or the one at an address; usage reports are off."""
    # set before the import; without the second one Ray retries forever when memory is full
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_task_oom_retries": str(_RETRIES)}
    with demand_extra("ray", "--engine ray"):
        import ray  # takes 1 s, which local jobs do not need
    # "local": by default Ray joins a cluster already running here, or the one of RAY_ADDRESS
    options: dict[str, Any] = {"address": address or "local"}
    if not address:
        # only names are sent; by default Ray reserves a third of the memory for objects
        options |= {"include_dashboard": False, "object_store_memory": _OBJECTS}
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    except (ConnectionError, ValueError, RuntimeError) as fault:
        raise TrainerError(
            f"No Ray cluster answers at {options['address']}; write HOST:PORT as `ray start --head` prints it, on a machine of the "
            "cluster, and set RAY_AUTH_MODE=token if it has a token."
        ) from fault
    try:
        yield ray
    finally:
        ray.shutdown()
