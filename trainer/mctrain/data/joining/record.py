"""What became of one joined shard, in a file beside it: its presence says that the shard is whole."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 (read_record reads the annotations)
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mctrain.data.reinforced.manifest import ShardRecord, Teacher, read_record, write_record
from mctrain.places import size_of

if TYPE_CHECKING:
    from mctrain.places import Place

RULE = 2  # raise when joined shards become others: older ones are then joined again
SUFFIX = ".joined.json"


@dataclass(frozen=True, slots=True)
class JoinRecord:
    """The shard as the manifest has it, and of what it was made: the version of its source, the digest of the photos' index.

    `scaled` counts samples whose crops were, `unchecked` those whose photo no hash vouches for; `refused` are keys of
    evaluation photos, `left_out` those of other samples that could not be joined, by reason.
    """

    shard: ShardRecord
    rule: int
    source: str
    photos: str
    teachers: tuple[Teacher, ...]
    bytes: int
    scaled: int
    unchecked: int
    refused: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def save_record(target: Place, record: JoinRecord) -> None:
    """Replaces the record of a shard; written behind it."""
    write_record(_place(target), record)


def load_record(target: Place) -> JoinRecord | None:
    """The record of a whole shard; None where the shard or its record is missing or damaged, and it must be made again."""
    record = read_record(_place(target), JoinRecord)
    return record if record and target.is_file() and size_of(target) == record.bytes else None


def _place(target: Place) -> Place:
    return target.parent / (target.name.removesuffix(".tar") + SUFFIX)
