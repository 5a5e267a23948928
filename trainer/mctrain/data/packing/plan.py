"""Plans the shards before any photo is decoded: each picture once, under its content key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.packing.prepare import LIMITS, RULE
from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.identity import fingerprint
from picsight_engine.photos.reading import read_photo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mctrain.data.sources.listing import SourceListing
    from mctrain.data.texts import SampleTexts


@dataclass(frozen=True, slots=True)
class PackingSettings:
    """How photos are packed: the maximum short side in pixels, photos per shard, and the default licence."""

    side: int = 512
    per_shard: int = 1000
    license: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """One picture: its key, one of its files, and the texts of all its copies."""

    key: str
    path: Path
    texts: SampleTexts


@dataclass(frozen=True, slots=True)
class Refused:
    """An evaluation photo, and whether its key or its bytes identified it."""

    path: Path
    by: Literal["key", "bytes"]


@dataclass(frozen=True, slots=True)
class PackingPlan:
    """The pictures of each shard, in the order of their keys, and the files left out.

    `refused` maps the content keys of evaluation photos to their files; `copies` and `faults` are sentences.
    """

    settings: PackingSettings
    shards: tuple[tuple[Planned, ...], ...]
    refused: dict[str, Refused]
    copies: tuple[str, ...]
    faults: tuple[str, ...]


def content_key(data: bytes) -> str:
    """The key of a photo: a fingerprint of the coded picture, which moving, renaming, rating or captioning does not change."""
    return fingerprint(data).hex()


def make_plan(
    listing: SourceListing, settings: PackingSettings, progress: Callable[[int, str], None]
) -> PackingPlan:
    """Reads every file once, to find its key, evaluation photos and copies."""
    known = shipped_digests()
    pictures: dict[str, Planned] = {}
    refused: dict[str, Refused] = {}
    copies: list[str] = []
    faults = list(listing.faults)
    for entry in listing.entries:
        progress(1, "")
        try:
            data = read_photo(entry.path, LIMITS)
        except ImageError as fault:
            faults.append(str(fault))
            continue
        key = content_key(data)
        if known.holds_key(entry.path.stem):
            refused[key] = Refused(entry.path, "key")
        elif known.holds_photo(data):
            refused[key] = Refused(entry.path, "bytes")
        elif key in pictures:
            copies.append(f"{entry.path} is a copy of {pictures[key].path}")
            pictures[key] = replace(pictures[key], texts=pictures[key].texts.joined(entry.texts))
        else:
            pictures[key] = Planned(key, entry.path, entry.texts)
    ordered = [pictures[key] for key in sorted(pictures) if key not in refused]
    shards = [
        tuple(ordered[start : start + settings.per_shard])
        for start in range(0, len(ordered), settings.per_shard)
    ]
    return PackingPlan(settings, tuple(shards), refused, tuple(copies), tuple(faults))


def digest(shard: tuple[Planned, ...], settings: PackingSettings) -> str:
    """A digest of everything that determines a shard's bytes; a finished shard with the same digest is kept."""
    content = [
        [planned.key, planned.texts.human, dict(planned.texts.synthetic), dict(planned.texts.about)]
        for planned in shard
    ]
    text = json.dumps([RULE, settings.side, settings.license, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
