"""The job: finds the remaining shards and makes each one atomically.

The unit is one shard. It is written under a temporary name, read back, and renamed; then its record is written. A shard
with a record is done; one without is made again, with the same bytes. So a job may be killed at any time, run in parts
on several machines, even twice at once, and repeated.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mctrain.atomic_files import sweep_drafts
from mctrain.data.reinforced.manifest import ShardRecord, load_record, write_record
from mctrain.data.shards import file_digest
from mctrain.errors import DataError, TrainerError
from mctrain.paths import draft, files_of, local_copy, read, same, version_of, write
from mctrain.reinforce.maker import ShardReport, write_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mctrain.paths import AnyPath
    from mctrain.reinforce.maker import Bar, ShardMaker

JOB = "job.json"
_ENDING = ".report.json"


@dataclass(frozen=True, slots=True)
class ShardJob:
    """The source shards, and the folder of the resulting ones."""

    shards: tuple[AnyPath, ...]
    folder: AnyPath

    def target(self, shard: AnyPath) -> AnyPath:
        """The path of the shard made from a source."""
        return self.folder / _name(shard)


@dataclass(frozen=True, slots=True)
class JobReport:
    """The reports of all shards in the folder, including other runs', and further sentences."""

    sentences: list[str]
    reports: list[ShardReport]


def begin(job: ShardJob, identity: Mapping[str, Any]) -> tuple[AnyPath, ...]:
    """Records the identity of the job in the folder, or compares it with the recorded one; returns the shards to make.

    Raises:
        TrainerError: the folder holds other shards, a job with another configuration or other models, or a source.
        DataError: a source cannot be read.
    """
    _claim(job, identity)
    return tuple(shard for shard in job.shards if _made(job, shard) is None)


def make(
    job: ShardJob, shard: AnyPath, maker: ShardMaker, progress: Callable[[int, str], None]
) -> ShardReport:
    """Makes one shard; `progress` gets each sample and the name of its shard.

    Raises:
        DataError: the shard is missing, or does not read back as written.
    """
    target = job.target(shard)
    mark = mark_of(shard)
    try:
        with local_copy(shard) as source, draft(target) as path:
            outcome, digest = write_shard(maker, source, path, lambda: progress(1, shard.name))
            # another job may have started in the empty folder meanwhile
            _claim(job, maker.identity())
    except (OSError, DataError):
        # another run may have made it meanwhile and removed this draft
        if (each := _made(job, shard)) is not None:
            return each
        raise
    record = ShardRecord(target.name, outcome.samples, digest, dict(outcome.faults), outcome.replays)
    report = ShardReport(
        record, mark, tuple(outcome.faulty), tuple(outcome.refused), dict(outcome.counts), outcome.warning
    )
    # first the shard, then the record that it is there
    write_record(job.folder / _report_name(target.name), report)
    return report


def finish(job: ShardJob, maker: ShardMaker, bar: Bar) -> JobReport:
    """Writes the files for the whole folder, and removes drafts of killed runs."""
    there = folder_reports(job.folder)
    while True:
        made = [report for path in there if (report := load_record(path, ShardReport))]
        sentences = maker.finish(job.folder, made, bar)
        # other parts may have ended meanwhile: the last writer sees them all
        before, there = there, folder_reports(job.folder)
        if there == before:
            break
    if isinstance(job.folder, Path):  # a store has no drafts
        sweep_drafts(job.folder, {each.shard.name for each in made})
    return JobReport(sentences, made)


def part_of(shards: Sequence[AnyPath], part: int, parts: int) -> tuple[AnyPath, ...]:
    """Every `parts`-th shard; `part` counts from 1.

    Raises:
        TrainerError: two of all shards have the same name, even in different parts.
    """
    names = Counter(map(_name, shards))
    if twice := [name for name, count in names.items() if count > 1]:
        raise TrainerError(
            f"Two of the shards would be written as {twice[0]}; rename one of them, or name it once."
        )
    return tuple(shards[part - 1 :: parts])


def _name(shard: AnyPath) -> str:
    """The name of the shard made from a source."""
    return f"{shard.name.partition('.')[0]}.tar"


def _claim(job: ShardJob, identity: Mapping[str, Any]) -> None:
    if each := [shard for shard in job.shards if same(shard, job.target(shard))]:
        raise TrainerError(f"{each[0]} would be overwritten; choose another folder with -o.")
    path = job.folder / JOB
    if not path.is_file():
        if any(load_report(job.folder, shard.name) is None for shard in files_of(job.folder, "*.tar")):
            raise TrainerError(f"{job.folder} holds other shards; choose another folder with -o.")
        write(path, json.dumps(identity, indent=1).encode())
        return
    try:
        found = json.loads(read(path))
        other = _differing(found, identity)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise DataError(f"{path} cannot be read: {fault}; choose another folder with -o.") from fault
    if other and not folder_reports(job.folder):
        write(path, json.dumps(identity, indent=1).encode())
    elif other:
        raise TrainerError(
            f"{job.folder} was begun with {other[0]}; use that again, or choose another folder with -o."
        )


def _differing(found: dict[str, Any], identity: Mapping[str, Any]) -> list[str]:
    """The differences between the folder's identity and this job's, in words."""
    before, now = (
        {**configuration.get("augmentation", {}), **configuration}
        for configuration in (found["configuration"], identity["configuration"])
    )
    settings = [
        f"another {name} ({before.get(name)}, now {value})"
        for name, value in now.items()
        if before.get(name) != value
    ]
    others = [name for name in dict.fromkeys((*identity, *found)) if found.get(name) != identity.get(name)]
    return [*settings, *(f"other {name}" for name in others)]


def _made(job: ShardJob, shard: AnyPath) -> ShardReport | None:
    """The report of the shard made from this source, or None if it must be made.

    If either has changed or is damaged, it is made again; in a store, existence is enough.
    """
    target = job.target(shard)
    report = load_report(job.folder, target.name)
    if report is None or report.source != mark_of(shard):
        return None
    whole = not isinstance(target, Path) or report.shard.sha256 == file_digest(target)
    return report if whole else None


def mark_of(shard: AnyPath) -> str:
    """A version string of the shard: the SHA-256 of a local file; in a store, its metadata.

    Raises:
        DataError: the shard is missing.
    """
    return file_digest(shard) if isinstance(shard, Path) else version_of(shard)


def load_report(folder: AnyPath, name: str) -> ShardReport | None:
    """The report of a complete shard; None if the shard or its report is missing or damaged and must be made again."""
    return load_record(folder / _report_name(name), ShardReport) if (folder / name).is_file() else None


def folder_reports(folder: AnyPath) -> list[AnyPath]:
    """The reports of the shards in a folder, from two listings, without reading files."""
    shards = {_report_name(shard.name) for shard in files_of(folder, "*.tar")}
    return [report for report in files_of(folder, f"*{_ENDING}") if report.name in shards]


def _report_name(shard: str) -> str:
    return shard.removesuffix(".tar") + _ENDING
