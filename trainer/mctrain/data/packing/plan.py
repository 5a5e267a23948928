"""What is to be packed, known before any photo is decoded: each picture once, under a key of its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from mctrain.data.packing.prepare import LIMITS, RULE
from mctrain.data.refusal import shipped
from picsight_engine.errors import ImageError
from picsight_engine.photos.identity import fingerprint
from picsight_engine.photos.reading import read_photo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mctrain.data.sources.listing import SourceListing
    from mctrain.data.words import SampleTexts


@dataclass(frozen=True, slots=True)
class PackingSettings:
    """How photos are packed: the longest short side in pixels, photos a shard, and the licence where none is told."""

    side: int = 512
    per_shard: int = 1000
    license: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """One picture: its key, a file that holds it, and the words of all its copies."""

    key: str
    path: Path
    words: SampleTexts


@dataclass(frozen=True, slots=True)
class Refused:
    """An evaluation photo, and by what it was known: its key, or its bytes."""

    path: Path
    by: Literal["key", "bytes"]


@dataclass(frozen=True, slots=True)
class PackingPlan:
    """How to pack what: the pictures by shard, in the order of their keys, and what was left out.

    `refused` are evaluation photos by the key that they would have, `copies` files that hold a picture another one holds.
    """

    settings: PackingSettings
    shards: tuple[tuple[Planned, ...], ...]
    refused: dict[str, Refused]
    copies: tuple[str, ...]
    faults: tuple[str, ...]


def content_key(data: bytes) -> str:
    """The key of a photo: it follows from the coded picture, so one that is moved, renamed, rated or described keeps it."""
    return fingerprint(data).hex()


def make_plan(
    listing: SourceListing, settings: PackingSettings, progress: Callable[[int, str], None]
) -> PackingPlan:
    """Reads every file once: its key, whether it is an evaluation photo, whether another file holds the same."""
    known = shipped()
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
            pictures[key] = replace(pictures[key], words=pictures[key].words.joined(entry.words))
        else:
            pictures[key] = Planned(key, entry.path, entry.words)
    ordered = [pictures[key] for key in sorted(pictures) if key not in refused]
    shards = [
        tuple(ordered[start : start + settings.per_shard])
        for start in range(0, len(ordered), settings.per_shard)
    ]
    return PackingPlan(settings, tuple(shards), refused, tuple(copies), tuple(faults))


def digest(shard: tuple[Planned, ...], settings: PackingSettings) -> str:
    """What a shard's bytes follow from: a finished one with the same digest need not be made again."""
    content = [
        [each.key, each.words.human, dict(each.words.synthetic), dict(each.words.about)] for each in shard
    ]
    text = json.dumps([RULE, settings.side, settings.license, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
