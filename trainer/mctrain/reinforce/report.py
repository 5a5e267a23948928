"""What became of one shard, in a file beside it: its presence says that the shard is whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from mctrain.data.reinforced.manifest import Replay, ShardRecord, parse_record
from mctrain.data.shards import file_digest
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class Outcome:
    """What became of a shard as it is made: how many samples it has, and of its source faults by reason, the faulty keys with
    theirs, refused keys; digests of replayed views by key; and what else is counted."""

    samples: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    faulty: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    replays: dict[str, tuple[int, str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

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
    """The shard as the manifest has it, the SHA-256 of its source, and the samples that were left out.

    `counts` are of captions: those that were kept, and those that were dropped by reason.
    """

    shard: ShardRecord
    source: str
    faulty: tuple[Faulty, ...]
    refused: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)


def report_of(outcome: Outcome, source: Path, made: Path, name: str) -> ShardReport:
    """The report of a shard that is to be called `name` and lies whole at `made`."""
    record = ShardRecord(
        name=name,
        samples=outcome.samples,
        sha256=file_digest(made),
        faults=dict(outcome.faults),
        replays={key: Replay(*own) for key, own in outcome.replays.items()},
    )
    faulty = tuple(Faulty(*own) for own in outcome.faulty)
    return ShardReport(record, file_digest(source), faulty, tuple(outcome.refused), dict(outcome.counts))


def save_report(shard: Path, report: ShardReport) -> None:
    """Replaces the shard's report.

    Raises:
        OSError: the disk is full or refuses it.
    """
    with write_whole(_path(shard)) as file:
        file.write(json.dumps(asdict(report), indent=1).encode())


def load_report(shard: Path) -> ShardReport | None:
    """The report of a whole shard; None where the shard or its report is missing or damaged, and it must be made again."""
    try:
        content = json.loads(_path(shard).read_bytes())
        report = parse_record(ShardReport, content, "it")
    except (OSError, ValueError, TypeError):
        return None
    return report if shard.is_file() else None


def _path(shard: Path) -> Path:
    return shard.with_suffix(".report.json")
