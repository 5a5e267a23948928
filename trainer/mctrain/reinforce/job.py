"""The job: which shards remain, each made whole or not at all, and the manifest of what is there.

The unit is one shard. It is written under a temporary name, read back, and renamed; its record follows. A shard with a
record is done; one without is made again, to the same bytes. So a job may be killed at any moment, run in parts on
several machines, and repeated.
"""

from __future__ import annotations

import glob
import json
from collections import Counter
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from mctrain.data.archive import write_archive
from mctrain.data.augment.draw import slots_of
from mctrain.data.augment.replay import versions
from mctrain.data.reinforced.manifest import MANIFEST, Manifest, Replay, ShardRecord, Teacher, save_manifest
from mctrain.data.reinforced.parse import parse_sample
from mctrain.data.reinforced.sample import members_of
from mctrain.data.shards import file_digest, grouped
from mctrain.errors import DataError, TrainerError
from mctrain.reinforce.report import Faulty, ShardReport, load_report, save_report
from mctrain.reinforce.shard import Outcome, reinforce
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path

    from mctrain.data.reinforced.sample import ReinforcedSample
    from mctrain.data.reinforced.storage import Storage
    from mctrain.reinforce.shard import Drawing
    from mctrain.teachers.teacher import Ensemble

JOB = "job.json"
_PACKAGES = ("picsight", "torch", "numpy", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Job:
    """What is made of which shards, by which teachers, into which folder; `limit` photos of each shard, None for all."""

    shards: tuple[Path, ...]
    folder: Path
    drawing: Drawing
    storage: Storage
    limit: int | None = None

    def configuration(self) -> dict[str, Any]:
        """What the bytes of a shard depend on beside its source and the teachers."""
        drawing = self.drawing
        return {
            "augmentation": asdict(drawing.augmentation),
            "seed": drawing.seed,
            "storage": str(self.storage),
            "jpeg": drawing.jpeg,
            "limit": self.limit,
            "phrasing": drawing.phrasing.digest(),
        }

    def target(self, shard: Path) -> Path:
        """The reinforced shard of a source."""
        return self.folder / _name(shard)


def begin(job: Job, ensemble: Ensemble) -> tuple[Path, ...]:
    """Writes down what the folder is for, or compares it with what it was for; the shards that are to be made.

    Raises:
        TrainerError: the folder holds other shards, a job of another configuration or of other teachers, or a source.
        DataError: a source cannot be read.
    """
    _claim(job, recorded(ensemble))
    return tuple(shard for shard in job.shards if not _is_made(job, shard))


def run(
    job: Job,
    left: Sequence[Path],
    ensemble: Ensemble,
    pool: ProcessPoolExecutor,
    progress: Callable[[int, str], None],
) -> Manifest:
    """Makes the shards that `begin` named; `pool` decodes, and `progress` hears of every sample and the name of its shard.

    Raises:
        DataError: a shard is missing, or does not come back as it was written.
    """
    for shard in left:
        _make(job, shard, ensemble, pool, progress)
    return collect(job, recorded(ensemble))


def collect(job: Job, teachers: tuple[Teacher, ...]) -> Manifest:
    """Writes the manifest of all shards that the folder holds, whoever made them."""
    found = [report for path in sorted(job.folder.glob("*.tar")) if (report := load_report(path))]
    manifest = Manifest(
        configuration=job.configuration(),
        teachers=teachers,
        shards=tuple(report.shard for report in found),
        refused=tuple(key for report in found for key in report.refused),
        versions=versions() | {name: metadata.version(name) for name in _PACKAGES},
    )
    save_manifest(job.folder / MANIFEST, manifest)
    return manifest


def recorded(ensemble: Ensemble) -> tuple[Teacher, ...]:
    """The teachers as a manifest has them."""
    return tuple(Teacher(own.name, own.width, own.scale, own.digest) for own in ensemble.members)


def part_of(shards: Sequence[Path], part: int, parts: int) -> tuple[Path, ...]:
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


def _name(shard: Path) -> str:
    """Of the reinforced shard of a source."""
    return f"{shard.name.partition('.')[0]}.tar"


def _claim(job: Job, teachers: tuple[Teacher, ...]) -> None:
    own = [shard for shard in job.shards if job.target(shard).exists() and job.target(shard).samefile(shard)]
    if own:
        raise TrainerError(f"{own[0]} would be written over; choose another folder with -o.")
    wanted = {"configuration": job.configuration(), "teachers": [asdict(own) for own in teachers]}
    path = job.folder / JOB
    if not path.exists():
        if any(load_report(path) is None for path in job.folder.glob("*.tar")):
            raise TrainerError(f"{job.folder} holds other shards; choose another folder with -o.")
        with write_whole(path) as file:
            file.write(json.dumps(wanted, indent=1).encode())
        return
    try:
        found = json.loads(path.read_bytes())
        before = found["configuration"]
        other = [f"another {name}" for name, own in job.configuration().items() if before.get(name) != own]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise DataError(f"{path} cannot be read: {fault}; choose another folder with -o.") from fault
    if found != wanted:
        told = (*other, "other teachers")[0]
        raise TrainerError(f"{job.folder} was begun with {told}; choose another folder with -o.")


def _is_made(job: Job, shard: Path) -> bool:
    """Whether the folder holds what was made of this very source: where either was changed or damaged, it is made again."""
    target = job.target(shard)
    report = load_report(target)
    return (
        report is not None
        and report.source == file_digest(shard)
        and report.shard.sha256 == file_digest(target)
    )


def _make(
    job: Job,
    shard: Path,
    ensemble: Ensemble,
    pool: ProcessPoolExecutor,
    progress: Callable[[int, str], None],
) -> None:
    target = job.target(shard)
    staging = target.with_name(f".{target.name}.making")
    for left in job.folder.glob(f".*{glob.escape(staging.name)}*"):  # by a run that was killed
        left.unlink()
    outcome = Outcome()
    stream = reinforce(shard, job.drawing, ensemble, pool, outcome, limit=job.limit)
    keys: list[str] = []
    write_archive(staging, _members(job, stream, keys, lambda: progress(1, shard.name)))
    _verify(staging, keys, ensemble)
    record = ShardRecord(
        name=target.name,
        samples=len(keys),
        sha256=file_digest(staging),
        faults=dict(outcome.faults),
        replays={key: Replay(*own) for key, own in outcome.replays.items()},
    )
    faulty = tuple(Faulty(*own) for own in outcome.faulty)
    staging.replace(target)
    save_report(target, ShardReport(record, file_digest(shard), faulty, tuple(outcome.refused)))


def _members(
    job: Job, samples: Iterator[ReinforcedSample], keys: list[str], tell: Callable[[], None]
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Samples as the archive wants them; their keys are noted as they pass."""
    slots = slots_of(job.drawing.augmentation)
    for sample in samples:
        yield sample.key, members_of(sample, job.storage, slots)
        keys.append(sample.key)
        tell()


def _verify(path: Path, keys: list[str], ensemble: Ensemble) -> None:
    """Reads a shard back as training will.

    Raises:
        DataError: it does not hold the samples that were written, or one of them is not whole.
    """
    widths = tuple(own.width for own in ensemble.members)
    read = [parse_sample(group.key, group.members, widths).key for group in grouped(path)]
    if read != keys:
        raise DataError(
            f"{path} holds {len(read)} samples of the {len(keys)} that were written; make it again."
        )
