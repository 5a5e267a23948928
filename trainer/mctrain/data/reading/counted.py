"""How many samples each shard of a folder holds, by the manifest that lies there: a stream cannot count before it has passed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.data.reinforced.manifest import MANIFEST
from mctrain.errors import DataError
from mctrain.places import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.places import Place


@dataclass(frozen=True, slots=True)
class Counted:
    """A shard, how many samples it holds, and its SHA-256."""

    place: Place
    name: str
    samples: int
    digest: str


def count_samples(folder: Place, shards: Sequence[Place]) -> tuple[Counted, ...]:
    """What the manifest of a folder says of some of its shards, which `mctrain` packed, reinforced or joined.

    Raises:
        DataError: there is no manifest, it is damaged, or it does not name one of the shards.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{path} is missing: shards that are streamed are counted by it. `mctrain data pack`, `data join` and `reinforce` "
            "write one."
        )
    try:
        records = json.loads(read(path))["shards"]
        known = {
            str(folder / own["name"]): Counted(
                folder / own["name"],
                own["name"],
                int(own["samples"] if "samples" in own else own["photos"]),
                own["sha256"],
            )
            for own in records
        }
    except (ValueError, KeyError, TypeError) as fault:
        raise DataError(f"The manifest {path} is damaged; make it anew.") from fault
    if strange := [shard for shard in shards if str(shard) not in known]:
        raise DataError(
            f"The manifest {path} does not name {strange[0].name}, one of {len(strange)} such shards."
        )
    return tuple(known[str(shard)] for shard in shards)
