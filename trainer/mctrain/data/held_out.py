"""Held-out photos for evaluation: a share of the user's photos, and `everyday-dev`.

Both are selected by key, so a held-out photo stays held out in a larger set and in models trained on top. `everyday-dev`,
everyday photos with short searches, has no shard: training skips these photos in the described and labelled parts, and
evaluation packs them together.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from mctrain.data.shard_names import find_shards
from mctrain.data.shards import grouped, samples, write_archive
from mctrain.data.texts import text_field, texts_of
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


EVERYDAY = "everyday-dev"
_PARTS = (
    "coco-described-*.tar.gz",
    "labelled-train-*.tar.gz",
    "photos-described-*.tar.gz",
    "more-described-*.tar.gz",
)
_ONE_OF = 20
_LEAST = 5
_MOST = 5000  # most photos of either kind: enough as distractors and as targets

_Member = tuple[str, dict[str, bytes]]


def is_held_out(key: str, share: float) -> bool:
    """Whether a photo is held out: by the upper bits of its key's SHA-256; the lowest bit selects halves."""
    return int.from_bytes(hashlib.sha256(key.encode(errors="surrogatepass")).digest()[:8]) < share * 2**64


def pack_library(shards: Sequence[Path], share: float, folder: Path) -> Path:
    """Writes the held-out photos and others into a shard of `folder`, as a library to search with their captions.

    Raises:
        DataError: there are too few held-out photos.
    """
    held_out, others = list[_Member](), list[_Member]()
    for member in _described(shards):
        kind = held_out if is_held_out(member[0], share) else others
        if len(kind) < _MOST:
            kind.append(member)
    if len(held_out) < _LEAST:
        raise DataError(
            f"Of these photos {len(held_out)} with words would be kept apart, and a model cannot be judged by fewer than {_LEAST}; "
            "add photos or words, or keep a larger share apart: --set apart.share=0.5."
        )
    packed = folder / "own-000000.tar"
    write_archive(packed, [*held_out, *others])
    return packed


def _described(shards: Sequence[Path]) -> Iterator[_Member]:
    """The readable photos with texts: human captions, or else the first synthetic text."""
    for shard in shards:
        for sample in grouped(shard):
            try:
                texts = (
                    []
                    if sample.fault
                    else [text for text in texts_of(sample.members).captions if text.strip()]
                )
                if texts:
                    sample.image()
                    yield (
                        sample.key,
                        {sample.suffix: sample.photo, "json": json.dumps({"queries": texts}).encode()},
                    )
            except DataError:
                continue  # training counts it as skipped, and `mctrain data check` reports it


def is_everyday(key: str, words: Mapping[str, Any]) -> bool:
    """Whether a photo belongs to the set: it has queries, and the SHA-256 of its key, as a number, is a multiple of 20."""
    number = int(hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest(), 16)
    return bool(words.get("queries")) and number % _ONE_OF == 0


def training_searches(data: Path, number: int) -> list[str]:
    """Short searches of the training photos, drawn by their SHA-256; raises DataError if a part is missing or damaged."""
    found = {
        query
        for part in find_shards(data, _PARTS)
        for sample in samples(part)
        if not is_everyday(sample.key, sample.record)
        for query in text_field(sample.record, "queries")
    }
    return sorted(found, key=lambda query: hashlib.sha256(query.encode()).digest())[:number]


def pack_everyday(data: Path, folder: Path) -> Path:
    """Writes the set's photos, in the order of the parts, into a shard of `folder`; equal data give equal bytes.

    Raises:
        DataError: a part is missing or damaged, or they contain none of the photos.
    """
    drawn = [
        (sample.key, {sample.suffix: sample.photo, "json": json.dumps(sample.record).encode()})
        for part in find_shards(data, _PARTS)
        for sample in samples(part)
        if is_everyday(sample.key, sample.record)
    ]
    if not drawn:
        raise DataError(
            f"The parts in {data} hold no photo of {EVERYDAY}; give the folder of the whole data."
        )
    packed = folder / f"{EVERYDAY}-000000.tar"
    write_archive(packed, drawn)
    return packed
