"""Joins a reinforced set with its photos and captions by uid, shard by shard of the reinforced set.

The unit is one shard, written atomically, then its record. A shard with a record is done; one without is made again, with
the same bytes. So a run may be killed at any time, and divided among several machines.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.atomic_files import sweep_drafts
from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.reinforced.manifest import (
    MANIFEST,
    ReinforcedManifest,
    ShardRecord,
    TeacherRecord,
    load_record,
    save_manifest,
    write_record,
)
from mctrain.data.replay import versions
from mctrain.data.shards import grouped, parse_record, write_archive
from mctrain.errors import SampleError, TrainerError, as_sample_error
from mctrain.paths import draft, files_of, size_of, version_of, write
from mctrain.research.joining.join_sample import BY_UID, join_sample, match_photo
from mctrain.research.joining.sample_files import parse_facts, uid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mctrain.data.shard_names import NamedShard
    from mctrain.data.shards import SampleMembers
    from mctrain.paths import AnyPath
    from mctrain.research.joining.join_sample import MatchedPhoto
    from mctrain.research.joining.uid_index import UidIndex

_MARK = "joining.json"
RULE = 2  # increment when joined shards change, to join older ones again
SUFFIX = ".joined.json"


@dataclass(frozen=True, slots=True)
class JoinRecord:
    """The record of one joined shard, in a file beside it; if it exists, the shard is complete.

    It has the manifest's entry of the shard, the version of its source, and the digest of the photos' index.

    `scaled` counts samples whose crops were, `unchecked` those whose photo has no hash to check; `refused` are keys of
    evaluation photos, `left_out` those of other samples that could not be joined, by reason.
    """

    shard: ShardRecord
    rule: int
    source: str
    photos: str
    teachers: tuple[TeacherRecord, ...]
    bytes: int
    scaled: int
    unchecked: int
    refused: tuple[str, ...]
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JoinJob:
    """The inputs and the output folder of a join."""

    shards: Sequence[NamedShard]
    index: UidIndex
    teachers: tuple[TeacherRecord, ...]
    folder: AnyPath

    def record_of(self, shard: NamedShard) -> JoinRecord | None:
        """The record of this shard joined with these photos; None if it must be made."""
        record = _load_record(self.folder / shard.name)
        if record is None:
            return None
        made_of = (record.rule, record.source, record.photos, record.teachers)
        wanted = (RULE, version_of(shard.path), self.index.digest, self.teachers)
        return record if made_of == wanted else None


@dataclass(slots=True)
class _Tally:
    """Counts while one shard is joined."""

    keys: set[str] = field(default_factory=set)
    samples: int = 0
    faults: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    scaled: int = 0
    unchecked: int = 0
    refused: list[str] = field(default_factory=list)


def join(job: JoinJob, progress: Callable[[int, str], None]) -> tuple[JoinRecord, ...]:
    """Joins the missing shards; returns the records of all requested ones, in order.

    `progress` gets each sample and the name of its shard.

    Raises:
        DataError: a shard or a photo's file cannot be read at all.
        TrainerError: the folder holds other shards, or the store refuses one.
    """
    _claim(job.folder)
    records = [job.record_of(shard) or _make(job, shard, progress) for shard in job.shards]
    _collect(job)
    return tuple(records)


def _claim(folder: AnyPath) -> None:
    """Marks a folder for joined shards; shards without the mark are others and are never overwritten."""
    if (folder / _MARK).is_file():
        return
    if others := files_of(folder, "**/*.tar"):
        raise TrainerError(
            f"{folder} holds other shards, such as {others[0].name}; choose another folder with -o."
        )
    write(folder / _MARK, b"{}\n")


def _make(job: JoinJob, shard: NamedShard, progress: Callable[[int, str], None]) -> JoinRecord:
    tally, source, target = _Tally(), version_of(shard.path), job.folder / shard.name
    with draft(target) as path:
        digest = write_archive(path, _joined(job, shard, tally, progress))
    left_out = {reason: tuple(keys) for reason, keys in sorted(tally.faults.items())}
    counts = {reason: len(keys) for reason, keys in left_out.items()}
    record = JoinRecord(
        shard=ShardRecord(shard.name, tally.samples, digest, counts, {}),
        rule=RULE,
        source=source,
        photos=job.index.digest,
        teachers=job.teachers,
        bytes=size_of(target),
        scaled=tally.scaled,
        unchecked=tally.unchecked,
        refused=tuple(tally.refused),
        left_out=left_out,
    )
    write_record(_record_of(target), record)
    return record


def _joined(
    job: JoinJob, shard: NamedShard, tally: _Tally, progress: Callable[[int, str], None]
) -> Iterator[tuple[str, Mapping[str, bytes]]]:
    """The joinable samples of a shard, ready for an archive; the others are counted."""
    widths = [each.width for each in job.teachers]
    for group in grouped(shard.path):
        progress(1, shard.name)
        try:
            key = _key(group, tally)
            matched, caption = _found(job.index, key, group)
            if shipped_digests().holds_key(key) or shipped_digests().holds_photo(matched.fetched.photo):
                tally.refused.append(key)
                continue
            members, scaled = join_sample(key, group.members, matched, caption, widths)
        except SampleError as fault:
            tally.faults[fault.reason].append(group.key)
            continue
        tally.samples += 1
        tally.scaled += scaled
        tally.unchecked += matched.by == BY_UID
        yield key, members


def _key(group: SampleMembers, tally: _Tally) -> str:
    """The uid in lower case, the sample's new key.

    Raises:
        SampleError: it has none or a duplicate one, its JSON is broken, or the shard is damaged here.
    """
    if group.fault is not None and group.fault.kind == "damaged shard":
        raise SampleError(group.fault.sentence, "damaged shard")
    with as_sample_error("broken json"):  # without the photo's hash
        facts = parse_record(group.members.get("json", b"{}"), group.key)
    uid = uid_of(facts, group.key)
    if uid is None:
        raise SampleError(f"{group.key} has no uid.", "no uid")
    if uid.hex() in tally.keys:
        raise SampleError(f"{group.key} occurs twice.", "key twice")
    tally.keys.add(uid.hex())
    return uid.hex()


def _found(index: UidIndex, key: str, group: SampleMembers) -> tuple[MatchedPhoto, str]:
    """The photo of a sample, and its caption: the first non-blank one with this uid.

    Raises:
        SampleError: it has no matching photo.
    """
    places = list(index.find(bytes.fromhex(key)))
    fetch = cache(index.fetch)
    digest = str(parse_facts(group.members.get("json", b"")).get("sha256") or "").lower()
    matched = match_photo(
        digest, (each for place in places if place[1].photo and (each := fetch(*place)).photo), key
    )
    texts = (fetch(*place).text for place in places if place[1].text)
    return matched, next((text for text in texts if text.strip()), "")


def _collect(job: JoinJob) -> None:
    """Writes the manifest of all shards in the folder, including other runs', and removes drafts of killed runs."""
    places = files_of(job.folder, f"**/*{SUFFIX}")
    targets = [each.parent / (each.name.removesuffix(SUFFIX) + ".tar") for each in places]
    records = [record for target in targets if (record := _load_record(target))]
    records.sort(key=lambda record: record.shard.name)
    manifest = ReinforcedManifest(
        configuration={"joined": {"rule": RULE, "photos": job.index.digest}},
        teachers=job.teachers,
        shards=tuple(record.shard for record in records),
        refused=tuple(key for record in records for key in record.refused),
        versions=versions(),
    )
    save_manifest(job.folder / MANIFEST, manifest)
    for folder in dict.fromkeys(target.parent for target in targets):
        if isinstance(folder, Path):  # a store has no drafts
            sweep_drafts(folder, {target.name for target in targets if target.parent == folder})


def _load_record(target: AnyPath) -> JoinRecord | None:
    """The record of a complete shard; None if the shard or its record is missing or damaged and must be made again."""
    record = load_record(_record_of(target), JoinRecord)
    return record if record and target.is_file() and size_of(target) == record.bytes else None


def _record_of(target: AnyPath) -> AnyPath:
    return target.parent / (target.name.removesuffix(".tar") + SUFFIX)
