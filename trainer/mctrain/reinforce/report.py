"""What became of one shard, in a file beside it: its presence says that the shard is whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mctrain.data.reinforced.manifest import ShardRecord, parse_record
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Faulty:
    """A sample of the source that could not be reinforced, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The shard as the manifest has it, the SHA-256 of its source, and the samples that were left out."""

    shard: ShardRecord
    source: str
    faulty: tuple[Faulty, ...]
    refused: tuple[str, ...]


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
