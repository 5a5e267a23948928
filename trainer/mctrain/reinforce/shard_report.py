"""What became of one shard, in a file beside it: its presence says that the shard is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 (read_record reads the annotations)
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.data.reinforced.manifest import Replay, ShardRecord, read_record, write_record
from mctrain.data.shards import file_digest
from mctrain.places import files_of, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.places import Place

_ENDING = ".report.json"


@dataclass(slots=True)
class ShardOutcome:
    """What became of a shard as it is made: how many samples it has, and of its source faults by reason, the faulty keys with
    theirs, refused keys; digests of replayed views by key; what else is counted; and a sentence of warning.
    """

    samples: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    faulty: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    replays: dict[str, tuple[int, str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    warning: str = ""

    def miss(self, key: str, reason: str) -> None:
        """Counts a sample that cannot be used."""
        self.faults[reason] += 1
        self.faulty.append((key, reason))


@dataclass(frozen=True, slots=True)
class Faulty:
    """A sample of the source that could not be used, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The shard as the manifest has it, the mark of its source (`mark_of`), and the samples that were left out.

    `counts` are of captions: those that were kept, and those that were dropped by reason. `warning` is a sentence, or empty.
    """

    shard: ShardRecord
    source: str
    faulty: tuple[Faulty, ...]
    refused: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    warning: str = ""


def report_of(outcome: ShardOutcome, source: str, digest: str, name: str) -> ShardReport:
    """The report of a shard of this SHA-256 that is called `name`; `source` is the mark of what it is made of."""
    record = ShardRecord(
        name=name,
        samples=outcome.samples,
        sha256=digest,
        faults=dict(outcome.faults),
        replays={key: Replay(*own) for key, own in outcome.replays.items()},
    )
    faulty = tuple(Faulty(*own) for own in outcome.faulty)
    return ShardReport(record, source, faulty, tuple(outcome.refused), dict(outcome.counts), outcome.warning)


def mark_of(shard: Place) -> str:
    """Another text as soon as the shard is another one: the SHA-256 of a file here; in a store, what it tells without being read.

    Raises:
        DataError: the shard is missing.
    """
    return file_digest(shard) if isinstance(shard, Path) else version_of(shard)


def save_report(folder: Place, report: ShardReport) -> None:
    """Replaces the report of a shard in this folder.

    Raises:
        OSError: the disk is full or refuses it.
        TrainerError: the store refuses it.
    """
    write_record(folder / _name(report.shard.name), report)


def load_report(folder: Place, name: str) -> ShardReport | None:
    """The report of a whole shard; None where the shard or its report is missing or damaged, and it must be made again."""
    return read_record(folder / _name(name), ShardReport) if (folder / name).is_file() else None


def folder_reports(folder: Place) -> list[Place]:
    """Where the reports of the shards lie that a folder holds: two listings, and nothing is read."""
    shards = {_name(shard.name) for shard in files_of(folder, "*.tar")}
    return [report for report in files_of(folder, f"*{_ENDING}") if report.name in shards]


def load_reports(there: Sequence[Place]) -> list[ShardReport]:
    """Those of these reports that can be read."""
    return [report for place in there if (report := read_record(place, ShardReport))]


def _name(shard: str) -> str:
    return shard.removesuffix(".tar") + _ENDING
