"""Checks shards: counts their contents and reports faults."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL.Image import Resampling

from mctrain.data.checks.leakage import EvaluationDigests, shipped_digests
from mctrain.data.shards import PHOTO_SUFFIXES, SampleMembers, grouped, parse_record
from mctrain.data.texts import texts_by_kind, texts_of
from mctrain.errors import DataError
from mctrain.paths import size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.paths import AnyPath


_WORD_SUFFIXES = frozenset({"txt", "json", "syn.json"})
_KNOWN = PHOTO_SUFFIXES | _WORD_SUFFIXES | {"paug.json", "npz", "pth.gz", "url.txt"}


@dataclass(slots=True)
class ShardCheck:
    """Counts of one shard, and its faults as sentences; `held_out` counts the photos that training skips.

    `textless` counts photos without any text, `hashes` has the photos' difference hashes, `reserved` the keys of evaluation
    photos.
    """

    shard: str
    bytes: int = 0
    photos: int = 0
    photo_bytes: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    textless: int = 0
    least_side: int = 0
    largest_side: int = 0
    evaluation: int = 0
    held_out: int = 0
    faults: list[str] = field(default_factory=list)
    hashes: dict[str, int] = field(default_factory=dict)
    reserved: set[str] = field(default_factory=set)


def check_shards(shards: Sequence[AnyPath]) -> list[ShardCheck]:
    """Reads every member of every shard: counts, sizes, missing members, duplicate keys, evaluation keys."""
    seen: dict[str, str] = {}
    known = shipped_digests()
    return [_check(shard, seen, known) for shard in shards]


def find_near_copies(reports: Sequence[ShardCheck]) -> list[str]:
    """A sentence for each photo that is a near copy of an earlier one, in order."""
    places = [f"{report.shard} / {key}" for report in reports for key in report.hashes]
    found = near_copies([each for report in reports for each in report.hashes.values()])
    return [
        f"{places[late]} looks like {places[early]} ({bits} of 64 bits apart)" for late, early, bits in found
    ]


def find_evaluation_lookalikes(reports: Sequence[ShardCheck]) -> list[str]:
    """A sentence for each photo that looks like an evaluation photo but differs in key and bytes, so may be a re-encoded one."""
    known = sorted(shipped_digests().hashes)
    others = [
        (f"{report.shard} / {key}", hashed)
        for report in reports
        for key, hashed in report.hashes.items()
        if key not in report.reserved
    ]
    found = near_copies([*known, *(hashed for _, hashed in others)])
    return [others[late - len(known)][0] for late, early, _ in found if early < len(known) <= late]


def _check(shard: AnyPath, seen: dict[str, str], known: EvaluationDigests) -> ShardCheck:
    report = ShardCheck(shard.name)
    report.bytes = size_of(shard) if shard.is_file() else 0
    each: set[str] = set()
    for group in grouped(shard):
        if group.fault is not None:
            report.faults.append(group.fault.sentence)
        if group.key in each:
            report.faults.append(f"{group.key} occurs twice")
        elif group.key in seen:
            report.faults.append(f"{group.key} occurs in {seen[group.key]} too")
        each.add(group.key)
        for suffix in group.members.keys() - _KNOWN:
            report.faults.append(f"{group.key}.{suffix} is no known member of a sample")
        if group.suffix:
            _count_photo(report, group)
            _judge(report, group, known)
        if group.fault is None:
            _count_words(report, group)
    seen.update({key: seen.get(key, report.shard) for key in each})
    return report


def _judge(report: ShardCheck, group: SampleMembers, known: EvaluationDigests) -> None:
    """Reports evaluation photos."""
    if not known.holds_key(group.key) and not known.holds_photo(group.photo):
        return
    try:
        words = parse_record(group.members.get("json", b"{}"), group.key)
    except DataError:
        words = {}  # already reported
    report.reserved.add(group.key)
    if known.skips(group.key, words):
        report.held_out += 1
        return
    report.evaluation += 1
    what = "key" if known.holds_key(group.key) else "photo under another key"
    report.faults.append(f"{group.key} is an evaluation {what}: never trained on")


def _count_photo(report: ShardCheck, group: SampleMembers) -> None:
    report.photos += 1
    report.photo_bytes += len(group.photo)
    try:
        image = group.image()
    except DataError as fault:
        report.faults.append(str(fault))
        return
    side = min(image.size)
    report.least_side = min(report.least_side or side, side)
    report.largest_side = max(report.largest_side, side)
    if (hashed := difference_hash(image)) is not None:
        report.hashes[group.key] = hashed


def _count_words(report: ShardCheck, group: SampleMembers) -> None:
    if not _WORD_SUFFIXES & group.members.keys():
        report.faults.append(f"{group.key} has no words (txt, json)")
        return
    try:
        kinds = texts_by_kind(texts_of(group.members, group.key))
    except DataError as fault:
        report.faults.append(str(fault))
        return
    report.texts.update({kind: len(texts) for kind, texts in kinds.items()})
    report.textless += not any(kinds.values())


MOST_BITS = 4  # largest difference of near copies
_ALL_BITS = 64

# two hashes that differ in four bits are equal in at least one of five bands
_BANDS = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))


def difference_hash(image: PIL.Image.Image) -> int | None:
    """The difference hash: whether each of 8 x 8 points is brighter than its left neighbour, row by row.

    None if nearly all bits are equal: a blank page, a sky, a gradient.
    """
    grey = np.asarray(image.convert("L").resize((9, 8), Resampling.LANCZOS))
    found = int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes(), "big")
    return found if MOST_BITS < found.bit_count() < _ALL_BITS - MOST_BITS else None


def near_copies(hashes: Sequence[int]) -> list[tuple[int, int, int]]:
    """For each near copy of an earlier picture: its index, the earliest such index, and the differing bits."""
    values, firsts, owners = np.unique(np.array(hashes, np.uint64), return_index=True, return_inverse=True)
    earliest = firsts.copy()  # per distinct hash, the earliest picture near it
    for left, right in (_pairs(values, shift, width) for shift, width in _BANDS):
        np.minimum.at(earliest, left, firsts[right])
        np.minimum.at(earliest, right, firsts[left])
    found = earliest[owners]
    places = np.flatnonzero(found < np.arange(len(found)))
    bits = np.bitwise_count(values[owners[places]] ^ values[owners[found[places]]])
    return list(zip(places.tolist(), found[places].tolist(), bits.tolist(), strict=True))


def _pairs(values: NDArray[np.uint64], shift: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Near pairs of distinct hashes that are equal in one band, as two lists of indexes."""
    band = (values >> np.uint64(shift)) & np.uint64((1 << width) - 1)
    order = np.argsort(band, kind="stable")
    band = band[order]
    lefts, rights = [], []
    heads = np.arange(len(order))
    for step in range(1, len(order)):  # neighbours, then those one further, while any share the band
        heads = heads[: np.searchsorted(heads, len(order) - step)]
        heads = heads[band[heads] == band[heads + step]]
        if not len(heads):
            break
        left, right = order[heads], order[heads + step]
        near = np.bitwise_count(values[left] ^ values[right]) <= MOST_BITS
        lefts.append(left[near])
        rights.append(right[near])
    nothing = np.empty(0, np.intp)
    return np.concatenate([nothing, *lefts]), np.concatenate([nothing, *rights])
