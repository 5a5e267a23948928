"""Looks through shards and tells what is in them and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mctrain.data.refusal import Reserved, shipped
from mctrain.data.shards import PHOTO_SUFFIXES, Sample, members, parse_words
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TEXT_LISTS = ("captions", "queries", "labels")


@dataclass(slots=True)
class ShardReport:
    """One shard in numbers, and its faults as sentences; `apart` are the photos that training passes over."""

    shard: str
    bytes: int = 0
    photos: int = 0
    photo_bytes: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    least_side: int = 0
    largest_side: int = 0
    evaluation: int = 0
    apart: int = 0
    faults: list[str] = field(default_factory=list)


def check_shards(shards: Sequence[Path]) -> list[ShardReport]:
    """Reads every member of every shard: counts, sizes, missing members, keys that occur twice, evaluation keys."""
    seen: dict[str, str] = {}
    known = shipped()
    return [_check(shard, seen, known) for shard in shards]


def _check(shard: Path, seen: dict[str, str], known: Reserved) -> ShardReport:
    report = ShardReport(shard.name)
    photos: dict[str, str] = {}
    described: set[str] = set()
    reserved: dict[str, str] = {}  # what is wrong with an evaluation photo, by its key
    try:
        report.bytes = shard.stat().st_size if shard.exists() else 0
        for key, suffix, content in members(shard):
            if suffix in PHOTO_SUFFIXES:
                _count_photo(report, Sample(key, suffix, content, {}), photos, seen)
                if fault := _reserved(key, content, known):
                    reserved[key] = fault
            elif suffix == "json":
                words = _count_words(report, key, content, described)
                if known.stands_apart(key, words):
                    report.apart += 1
                    reserved.pop(key, None)
            else:
                report.faults.append(f"{key}.{suffix} is neither a photo (jpg, webp) nor its json")
    except DataError as fault:
        report.faults.append(str(fault))
    report.evaluation = len(reserved)
    report.faults += reserved.values()
    report.faults += [f"{key} has no json" for key in photos if key not in described]
    report.faults += [f"{key} has no photo" for key in sorted(described) if key not in photos]
    return report


def _reserved(key: str, photo: bytes, known: Reserved) -> str | None:
    if known.holds_key(key):
        return f"{key} is an evaluation key: never trained on"
    if known.holds_photo(photo):
        return f"{key} is an evaluation photo under another key: never trained on"
    return None


def _count_photo(report: ShardReport, sample: Sample, photos: dict[str, str], seen: dict[str, str]) -> None:
    key = sample.key
    if key in photos:
        report.faults.append(f"{key} occurs twice")
    elif key in seen:
        report.faults.append(f"{key} occurs in {seen[key]} too")
    photos[key] = sample.suffix
    seen.setdefault(key, report.shard)
    report.photos += 1
    report.photo_bytes += len(sample.photo)
    try:
        side = min(sample.image().size)
    except DataError as fault:
        report.faults.append(str(fault))
        return
    report.least_side = min(report.least_side or side, side)
    report.largest_side = max(report.largest_side, side)


def _count_words(report: ShardReport, key: str, content: bytes, described: set[str]) -> dict[str, Any]:
    if key in described:
        report.faults.append(f"{key}.json occurs twice")
    described.add(key)
    try:
        words = parse_words(content, key)
    except DataError as fault:
        report.faults.append(str(fault))
        return {}
    for name in _TEXT_LISTS:
        report.texts[name] += len(words.get(name, ()))
    report.texts["label"] += words.get("label") is not None
    if not any(words.get(name) for name in (*_TEXT_LISTS, "label")):
        report.faults.append(f"{key} has neither captions nor labels")
    return words
