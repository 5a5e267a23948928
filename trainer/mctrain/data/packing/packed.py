"""`manifest.json` of a folder of packed shards: how they were made, what is in each, and what was kept out.

No path and no name of a photo's file stands in it: a folder of shards may be passed on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mctrain.data.shards import file_digest
from mctrain.errors import DataError
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mctrain.data.packing.plan import Settings

MANIFEST = "manifest.json"
_FORMAT = 1
_KIND = "packed photos"


@dataclass(frozen=True, slots=True)
class PackedShard:
    """One shard: its file, what it was made of, what it holds, and photos that could not be packed, by key with a code.

    `human` and `synthetic` count the photos by their first caption; a shard of which nothing could be packed has no bytes.
    """

    name: str
    plan: str
    bytes: int
    sha256: str
    photos: int
    unchanged: int
    human: int
    synthetic: int
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PackingManifest:
    """What holds for all shards of a folder: settings, evaluation photos by key with the reason, and counts of what was left out."""

    settings: Settings
    refused: dict[str, str]
    copies: int
    faults: int

    def write(self, folder: Path, shards: Mapping[str, PackedShard]) -> None:
        """Writes it with the records of the shards that are finished, in one step."""
        records = [asdict(shards[name]) for name in sorted(shards)]
        photos = sum(record["photos"] for record in records)
        content = {"format": _FORMAT, "kind": _KIND, "photos": photos, **asdict(self), "shards": records}
        with write_whole(folder / MANIFEST) as file:
            file.write(json.dumps(content, indent=1).encode())


def finished_shards(folder: Path) -> dict[str, PackedShard]:
    """The shards that an earlier run finished in a folder, by the digest of what they were made of.

    Raises:
        DataError: the folder holds something else, which is never written over.
    """
    content = _read(folder)
    if content is None:
        if folder.is_dir() and any(path.suffix != ".part" for path in folder.iterdir()):
            raise DataError(
                f"{folder} holds other files; choose an empty folder, or one that was packed into before."
            )
        return {}
    try:
        if (content["format"], content["kind"]) != (_FORMAT, _KIND):
            raise DataError(f"{folder / MANIFEST} is not one of packed photos; choose another folder.")
        return {record["plan"]: PackedShard(**record) for record in content["shards"]}
    except (KeyError, TypeError) as fault:
        raise DataError(f"{folder / MANIFEST} is damaged; remove the folder and pack again.") from fault


def is_whole(record: PackedShard, folder: Path, name: str) -> bool:
    """Whether a finished shard still lies in the folder under this name, byte for byte."""
    if record.name != name:
        return False
    path = folder / name
    return file_digest(path) == record.sha256 if path.is_file() else not record.photos


def clear(folder: Path, kept: Mapping[str, PackedShard]) -> None:
    """Removes shards that belong to other settings or photos, and what a killed run left half written."""
    for path in (*folder.glob("shard-*.tar"), *folder.glob(".*.part")):
        if path.name not in kept and path.is_file():
            path.unlink()


def _read(folder: Path) -> Any:
    try:
        return json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        raise DataError(f"{folder / MANIFEST} cannot be read: {fault}.") from fault
