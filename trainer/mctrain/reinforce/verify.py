"""Compares a reinforced set with its manifest: its files, its samples, and the pixels of views that are replayed."""

from __future__ import annotations

import bisect
import hashlib
import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.data.augment.operations import PUBLIC_SIZE
from mctrain.data.augment.replay import picture_digest, replay, versions
from mctrain.data.reading.index import open_shard
from mctrain.data.reinforced.layout import name_role
from mctrain.data.reinforced.parse import parse_sample
from mctrain.data.shards import file_digest
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image

    from mctrain.data.reading.index import Shard
    from mctrain.data.reinforced.manifest import Manifest, Replay, ShardRecord
    from mctrain.data.reinforced.sample import ReinforcedSample

    Advance = Callable[[int, str], None]

_WRITE_ANEW = "copy it again, or let the job write it anew"


@dataclass(frozen=True, slots=True)
class Whole:
    """A sample with its decoded photo."""

    sample: ReinforcedSample
    image: Image

    def shown(self, size: int) -> list[Image]:
        """The views, replayed at this size.

        Raises:
            DataError: one does not lie inside the photo.
        """
        return [replay(self.image, view, size) for view in self.sample.views]


@dataclass(frozen=True, slots=True)
class Opened:
    """A shard that can be read, and what the manifest says of it."""

    record: ShardRecord
    shard: Shard


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sample stands: in which shard, under which number."""

    opened: Opened
    number: int

    def read(self, widths: Sequence[int]) -> Whole:
        """The sample, with all that training needs of it.

        Raises:
            DataError: it is broken, or the disk refuses it.
        """
        key = self.opened.shard.key(self.number)
        sample = parse_sample(key, self.opened.shard.members(self.number), widths)
        digest = hashlib.sha256(sample.photo).hexdigest()
        if sample.words.about.get("sha256", digest) != digest:
            raise DataError(f"The photo of {key} is not the one whose SHA-256 its JSON has.")
        return Whole(sample, sample.image())


def open_shards(
    folder: Path, manifest: Manifest, cache: Path, advance: Advance
) -> tuple[list[Opened], list[str]]:
    """The shards that can be read, and a sentence about each that is missing, damaged or not the one that was written."""
    opened: list[Opened] = []
    findings: list[str] = []
    for record in manifest.shards:
        advance(0, record.name)
        path = folder / record.name
        try:
            if (found := file_digest(path)) != record.sha256:
                findings.append(
                    f"{path} is not the file that was written: its SHA-256 begins with {found[:12]} instead of "
                    f"{record.sha256[:12]}; {_WRITE_ANEW}."
                )
            shard = open_shard(path, cache)
            opened.append(Opened(record, shard))
            findings += _count_fault(record, shard)
        except DataError as fault:
            findings.append(f"{str(fault).rstrip('.')}; {_WRITE_ANEW}.")
        advance(1, "")
    return opened, findings


def _count_fault(record: ShardRecord, shard: Shard) -> list[str]:
    if shard.whole == record.samples and not shard.lacking:
        return []
    lacking = "".join(f", {count} more have no {name_role(role)}" for role, count in shard.lacking.items())
    counted = f"holds {shard.whole} whole samples where the manifest has {record.samples}{lacking}"
    return [f"{record.name} {counted}; {_WRITE_ANEW}."]


def every(opened: Iterable[Opened]) -> Iterator[Place]:
    """All samples of the shards."""
    return (Place(own, number) for own in opened for number in range(own.shard.whole))


def spread(opened: Sequence[Opened], count: int) -> list[Place]:
    """So many samples, or all: each from the middle of its part of the set, always the same ones."""
    ends = list(itertools.accumulate(own.shard.whole for own in opened))
    total = ends[-1] if ends else 0
    count = min(count, total)
    chosen = []
    for part in range(count):
        number = (2 * part + 1) * total // (2 * count)
        own = opened[at := bisect.bisect_right(ends, number)]
        chosen.append(Place(own, number - ends[at] + own.shard.whole))
    return chosen


def check_samples(chosen: Iterable[Place], widths: Sequence[int], advance: Advance) -> list[str]:
    """A sentence for each shard that has broken samples among the chosen ones."""
    looked: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    first: dict[str, str] = {}
    for place in chosen:
        name = place.opened.record.name
        looked[name] += 1
        try:
            place.read(widths)
        except DataError as fault:
            broken[name] += 1
            first.setdefault(name, str(fault))
        advance(1, "")
    return [
        f"{name}: {count} of {looked[name]} samples that were read are broken, first: {first[name]}"
        for name, count in broken.items()
    ]


def whole_ones(chosen: Iterable[Place], widths: Sequence[int]) -> list[Whole]:
    """The chosen samples that are not broken."""
    found = []
    for place in chosen:
        with suppress(DataError):
            found.append(place.read(widths))
    return found


def check_replays(opened: Sequence[Opened], manifest: Manifest, advance: Advance) -> list[str]:
    """A sentence for each shard where recorded views moved."""
    findings: list[str] = []
    for own in opened:
        moved = []
        for key, recorded in own.record.replays.items():
            if reason := _move(own, key, recorded, manifest.widths):
                moved.append(f"view {recorded.view} of {key} {reason}")
            advance(1, "")
        if moved:
            findings.append(
                f"{own.record.name}: {len(moved)} of {len(own.record.replays)} replayed views moved, first: {moved[0]}."
            )
    return findings


def _move(opened: Opened, key: str, recorded: Replay, widths: Sequence[int]) -> str | None:
    """What became of a recorded view; None where its pixels are the same to the last one."""
    number = opened.shard.find(key)
    if number is None:
        return "is not in it any more"
    try:
        whole = Place(opened, number).read(widths)
        if recorded.view >= len(whole.sample.views):
            return f"is not in it any more, only {len(whole.sample.views)} views are"
        found = picture_digest(replay(whole.image, whole.sample.views[recorded.view], PUBLIC_SIZE))
    except DataError as fault:
        return f"cannot be replayed: {str(fault).rstrip('.')}"
    if found == recorded.digest:
        return None
    return f"has the digest {found[:12]} instead of {recorded.digest[:12]}"


def explain_move(then: Mapping[str, str]) -> str:
    """Why pixels moved, as far as a manifest's versions tell, and what to do."""
    now = versions()
    changed = [name for name in now if then.get(name) != now[name]]
    if not changed:
        same = " and ".join(f"{name} {version}" for name, version in now.items())
        return (
            f"The views were recorded with {same}, as they are here: so photos or records were changed, or Pillow decodes "
            "with another library than it did; let the job write these shards anew."
        )
    was = " and ".join(f"{name} {then.get(name, '(not told)')}" for name in now)
    here = " and ".join(f"{name} {version}" for name, version in now.items())
    return (
        f"The views were recorded with {was}, and replayed with {here}. Digests do not tell how far the pixels moved: "
        f"compare embeddings (--teacher), and where these moved too, train with the {' and '.join(changed)} of then or "
        "let the job write the set anew."
    )
