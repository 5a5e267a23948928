"""What became of one joined shard, in a file beside it: its presence says that the shard is whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mctrain.data.reinforced.manifest import ShardRecord, Teacher, parse_record
from mctrain.errors import DataError

if TYPE_CHECKING:
    from mctrain.places import Place

RULE = 1  # raise when joined shards become others: older ones are then joined again
SUFFIX = ".joined.json"


@dataclass(frozen=True, slots=True)
class JoinRecord:
    """The shard as the manifest has it, and of what it was made: the version of its source, the digest of the photos' index.

    `scaled` counts samples whose crops were, `unchecked` those whose photo no hash vouches for; `refused` are keys of
    evaluation photos.
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


def save_record(target: Place, record: JoinRecord) -> None:
    """Replaces the record of a shard; written behind it."""
    with _place(target).write() as file:
        file.write(json.dumps(asdict(record), indent=1).encode())


def load_record(target: Place) -> JoinRecord | None:
    """The record of a whole shard; None where the shard or its record is missing or damaged, and it must be made again."""
    place = _place(target)
    if not place.exists():
        return None
    try:
        record = parse_record(JoinRecord, json.loads(place.read()), "it")
    except (DataError, ValueError, TypeError):
        return None
    return record if target.exists() and target.size() == record.bytes else None


def _place(target: Place) -> Place:
    return target.folder / (target.name.removesuffix(".tar") + SUFFIX)
