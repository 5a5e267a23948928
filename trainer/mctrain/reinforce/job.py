"""The job: which shards remain, and each made whole or not at all, whatever is made of it and wherever.

The unit is one shard. It is written under a temporary name, read back, and renamed; its record follows. A shard with a
record is done; one without is made again, to the same bytes. So a job may be killed at any moment, run in parts on
several machines, even twice at once, and repeated.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mctrain.data.shards import file_digest
from mctrain.errors import DataError, TrainerError
from mctrain.places import draft, files_of, near, read, same, write
from mctrain.reinforce.maker import write_shard
from mctrain.reinforce.shard_report import (
    folder_reports,
    load_report,
    load_reports,
    mark_of,
    report_of,
    save_report,
)
from mctrain.whole_files import sweep_drafts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mctrain.places import Place
    from mctrain.reinforce.maker import Bar, Maker
    from mctrain.reinforce.shard_report import ShardReport

JOB = "job.json"


@dataclass(frozen=True, slots=True)
class Job:
    """Shards, and the folder of what is made of each of them."""

    shards: tuple[Place, ...]
    folder: Place

    def target(self, shard: Place) -> Place:
        """The shard that is made of a source."""
        return self.folder / _name(shard)


@dataclass(frozen=True, slots=True)
class Finished:
    """The reports of all shards that the folder holds, whoever made them, and what else there is to say."""

    told: list[str]
    reports: list[ShardReport]


def begin(job: Job, told: Mapping[str, Any]) -> tuple[Place, ...]:
    """Writes down what the folder is for, or compares it with what it was for; the shards that are to be made.

    Raises:
        TrainerError: the folder holds other shards, a job of another configuration or of other models, or a source.
        DataError: a source cannot be read.
    """
    _claim(job, told)
    return tuple(shard for shard in job.shards if _made(job, shard) is None)


def make(job: Job, shard: Place, maker: Maker, progress: Callable[[int, str], None]) -> ShardReport:
    """Makes one shard; `progress` hears of every sample and the name of its shard.

    Raises:
        DataError: the shard is missing, or does not come back as it was written.
    """
    target = job.target(shard)
    mark = mark_of(shard)
    try:
        with near(shard) as source, draft(target) as path:
            outcome, digest = write_shard(maker, source, path, lambda: progress(1, shard.name))
            _claim(job, maker.told())  # a folder that held nothing may have been begun with another meanwhile
    except (OSError, DataError):
        # another run may have made it meanwhile, and swept this draft away
        if (own := _made(job, shard)) is not None:
            return own
        raise
    report = report_of(outcome, mark, digest, target.name)
    save_report(job.folder, report)  # the whole shard first, then what says that it is there
    return report


def finish(job: Job, maker: Maker, bar: Bar) -> Finished:
    """Writes what belongs beside all shards of the folder, and sweeps up what killed runs left of them."""
    there = folder_reports(job.folder)
    while True:
        made = load_reports(there)
        told = maker.finish(job.folder, made, bar)
        # other parts may have ended meanwhile: whoever writes last has then seen them all
        before, there = there, folder_reports(job.folder)
        if there == before:
            break
    if isinstance(job.folder, Path):  # in a store nothing is left
        sweep_drafts(job.folder, {own.shard.name for own in made})
    return Finished(told, made)


def part_of(shards: Sequence[Place], part: int, parts: int) -> tuple[Place, ...]:
    """Every so-many-th shard: `part` counts from 1.

    Raises:
        TrainerError: two of all shards have one name, though they may be of different parts.
    """
    names = Counter(map(_name, shards))
    if twice := [name for name, count in names.items() if count > 1]:
        raise TrainerError(
            f"Two of the shards would be written as {twice[0]}; rename one of them, or name it once."
        )
    return tuple(shards[part - 1 :: parts])


def _name(shard: Place) -> str:
    """Of the shard that is made of a source."""
    return f"{shard.name.partition('.')[0]}.tar"


def _claim(job: Job, told: Mapping[str, Any]) -> None:
    if own := [shard for shard in job.shards if same(shard, job.target(shard))]:
        raise TrainerError(f"{own[0]} would be written over; choose another folder with -o.")
    path = job.folder / JOB
    if not path.is_file():
        if any(load_report(job.folder, shard.name) is None for shard in files_of(job.folder, "*.tar")):
            raise TrainerError(f"{job.folder} holds other shards; choose another folder with -o.")
        write(path, json.dumps(told, indent=1).encode())
        return
    try:
        found = json.loads(read(path))
        other = _differing(found, told)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise DataError(f"{path} cannot be read: {fault}; choose another folder with -o.") from fault
    if other and not folder_reports(job.folder):
        write(path, json.dumps(told, indent=1).encode())
    elif other:
        raise TrainerError(
            f"{job.folder} was begun with {other[0]}; take that back, or choose another folder with -o."
        )


def _differing(found: dict[str, Any], told: Mapping[str, Any]) -> list[str]:
    """In words, what a folder was begun with and is not asked for now."""
    before, now = (
        {**own.get("augmentation", {}), **own} for own in (found["configuration"], told["configuration"])
    )
    settings = [
        f"another {name} ({before.get(name)}, now {own})"
        for name, own in now.items()
        if before.get(name) != own
    ]
    others = [name for name in dict.fromkeys((*told, *found)) if found.get(name) != told.get(name)]
    return [*settings, *(f"other {name}" for name in others)]


def _made(job: Job, shard: Place) -> ShardReport | None:
    """The report of what the folder holds of this very source, if it does.

    Where either was changed or damaged, it is made again; of a shard in a store, that it is there is enough.
    """
    target = job.target(shard)
    report = load_report(job.folder, target.name)
    if report is None or report.source != mark_of(shard):
        return None
    whole = not isinstance(target, Path) or report.shard.sha256 == file_digest(target)
    return report if whole else None
