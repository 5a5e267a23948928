"""`everyday-dev`: everyday photos with short searches, drawn by key from the described and labelled parts and set apart.

The set has no shard of its own. Training reads the parts without these photos, and what measures packs them together.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from mctrain.data.archive import write_archive
from mctrain.data.named import find_shards
from mctrain.data.shards import samples
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EVERYDAY = "everyday-dev"
_PARTS = (
    "coco-described-*.tar.gz",
    "labelled-train-*.tar.gz",
    "photos-described-*.tar.gz",
    "more-described-*.tar.gz",
)
_ONE_OF = 20


def is_drawn(key: str, words: Mapping[str, Any]) -> bool:
    """Whether a photo belongs to the set: it has queries, and the SHA-256 of its key, as a number, is a multiple of 20."""
    number = int(hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest(), 16)
    return bool(words.get("queries")) and number % _ONE_OF == 0


def pack_everyday(data: Path, folder: Path) -> Path:
    """Writes the set's photos, in the order of the parts, into a shard of `folder`; equal data give equal bytes.

    Raises:
        DataError: a part is missing or damaged, or none of the photos is in them.
    """
    drawn = [
        (sample.key, {sample.suffix: sample.photo, "json": json.dumps(sample.words).encode()})
        for part in find_shards(data, _PARTS)
        for sample in samples(part)
        if is_drawn(sample.key, sample.words)
    ]
    if not drawn:
        raise DataError(
            f"The parts in {data} hold no photo of {EVERYDAY}; give the folder of the whole data."
        )
    packed = folder / f"{EVERYDAY}-000000.tar"
    write_archive(packed, drawn)
    return packed
