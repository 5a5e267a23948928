"""Compares a reinforced set with its manifest: files, samples, pixels of replayed views, and embeddings computed again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.reading.index import open_shard
from mctrain.data.reinforced.sample import parse_sample
from mctrain.data.replay import picture_digest, replay, versions
from mctrain.data.shards import file_digest
from mctrain.data.views import PUBLIC_SIZE
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.data.reading.index import Shard
    from mctrain.data.reinforced.manifest import ReinforcedManifest, Replay, ShardRecord
    from mctrain.data.reinforced.sample import ReinforcedSample
    from mctrain.teachers.teacher import Teacher

    Advance = Callable[[int, str], None]

_WRITE_ANEW = "copy it again, or let the job write it anew"
_EXACT, _ROUNDED = 0.999, 0.99  # least cosines for embeddings stored as float32 and as bfloat16
_LOWER_HALF = 0xFFFF  # bits of a float32 that are zero if it was a bfloat16


@dataclass(slots=True)
class VerifyReport:
    """Findings, a sentence each; `chosen` are the complete samples to embed again."""

    findings: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    samples: int = 0
    read: int = 0
    replayed: int = 0
    chosen: list[ReinforcedSample] = field(default_factory=list)


def check_set(
    folder: Path, manifest: ReinforcedManifest, cache: Path, count: int, advance: Advance, *, whole: bool
) -> VerifyReport:
    """Checks all shards, and reads `count` samples spread evenly over the set, or all."""
    found = VerifyReport()
    total, first = manifest.samples, 0
    count = min(count, total)
    numbers = {(2 * part + 1) * total // (2 * count) for part in range(count)}
    for record in manifest.shards:
        advance(0, record.name)
        path = folder / record.name
        try:
            if (digest := file_digest(path)) != record.sha256:
                found.findings.append(
                    f"{path} is not the file that was written: its SHA-256 begins with {digest[:12]} instead of "
                    f"{record.sha256[:12]}; {_WRITE_ANEW}."
                )
            shard = open_shard(path, cache)
        except DataError as fault:
            found.findings.append(f"{str(fault).rstrip('.')}; {_WRITE_ANEW}.")
        else:
            if shard.whole != record.samples:
                found.findings.append(
                    f"{record.name} holds {shard.whole} whole samples where the manifest has {record.samples}; {_WRITE_ANEW}."
                )
            chosen = {each - first for each in numbers}
            _read_samples(record, shard, chosen, manifest.widths, found, whole=whole)
            _replay_views(record, shard, manifest.widths, found)
        first += record.samples
        advance(1, "")
    return found


def _read_samples(
    record: ShardRecord,
    shard: Shard,
    chosen: Collection[int],
    widths: Sequence[int],
    found: VerifyReport,
    *,
    whole: bool,
) -> None:
    numbers = [each for each in range(shard.whole) if whole or each in chosen]
    broken = []
    for number in numbers:
        try:
            sample = _read(shard, number, widths)
        except DataError as fault:
            broken.append(str(fault))
            continue
        if number in chosen:
            found.chosen.append(sample)
    found.samples += shard.whole
    found.read += len(numbers)
    if broken:
        found.findings.append(
            f"{record.name}: {len(broken)} of {len(numbers)} samples that were read are broken, first: {broken[0]}"
        )


def _read(shard: Shard, number: int, widths: Sequence[int]) -> ReinforcedSample:
    """Reads a sample and checks that its photo can be decoded; raises DataError if it is broken."""
    sample = parse_sample(shard.key(number), shard.members(number), widths)
    digest = hashlib.sha256(sample.photo).hexdigest()
    if sample.texts.about.get("sha256", digest) != digest:
        raise DataError(f"The photo of {sample.key} does not match the SHA-256 in its JSON.")
    sample.image()
    return sample


def _replay_views(record: ShardRecord, shard: Shard, widths: Sequence[int], found: VerifyReport) -> None:
    moved = [
        f"view {view.view} of {key} {reason}"
        for key, view in record.replays.items()
        if (reason := _change(shard, key, view, widths))
    ]
    found.replayed += len(record.replays)
    if moved:
        found.moved.append(
            f"{record.name}: {len(moved)} of {len(record.replays)} replayed views moved, first: {moved[0]}."
        )


def _change(shard: Shard, key: str, recorded: Replay, widths: Sequence[int]) -> str | None:
    """How a recorded view has changed; None if its pixels are identical."""
    number = shard.find(key)
    if number is None:
        return "is not in it any more"
    try:
        sample = _read(shard, number, widths)
        if recorded.view >= len(sample.views):
            return f"is not in it any more, only {len(sample.views)} views are"
        digest = picture_digest(replay(sample.image(), sample.views[recorded.view], PUBLIC_SIZE))
    except DataError as fault:
        return f"cannot be replayed: {str(fault).rstrip('.')}"
    if digest == recorded.digest:
        return None
    return f"has the digest {digest[:12]} instead of {recorded.digest[:12]}"


def explain_change(then: Mapping[str, str]) -> str:
    """Why pixels have changed, as far as the manifest's versions show, and what to do."""
    now = versions()
    here = " and ".join(f"{name} {version}" for name, version in now.items())
    if all(then.get(name) == now[name] for name in now):
        return (
            f"The views were recorded with {here}, the same as here: so photos or records were changed, or Pillow now uses "
            "another decoder; let the job write these shards anew."
        )
    was = " and ".join(f"{name} {then.get(name, '(unknown)')}" for name in now)
    return (
        f"The views were recorded with {was}, and replayed with {here}. Digests do not say how far the pixels moved: "
        "compare embeddings (--teacher), and where these moved too, train with the libraries of then or let the job write "
        "the set anew."
    )


@dataclass(frozen=True, slots=True)
class CosineCheck:
    """A teacher's cosines between stored and fresh embeddings of `what`, their lower bound, and the item furthest below 1."""

    what: str
    cosines: tuple[float, ...]
    bound: float
    furthest: str

    def finding(self, teacher: str) -> str | None:
        """A sentence if they have changed, else None."""
        if min(self.cosines) >= self.bound:
            return None
        return (
            f"The embeddings that {teacher} gives for {self.what} moved: the least cosine is {min(self.cosines):.4f} "
            f"({self.furthest}) and the mean {np.mean(self.cosines):.4f}, where {self.bound} is expected; use the original weights "
            "and libraries, or let the job write the set anew."
        )


def demand_teachers(manifest: ReinforcedManifest, teachers: Sequence[Teacher]) -> list[str]:
    """A sentence for each teacher whose weights are not those that the set was made with.

    Raises:
        DataError: their number or embedding widths differ from the manifest's.
    """
    recorded, given = ([item.width for item in each] for each in (manifest.teachers, teachers))
    if recorded != given:
        names = ", ".join(f"{item.name} ({item.width} numbers)" for item in manifest.teachers)
        raise DataError(
            f"The teachers that were given have embeddings of {given} numbers, and those of the manifest of {recorded}; "
            f"give --teacher for each, in this order: {names}."
        )
    return [
        f"The teacher {then.name} has other weights than the set was made with: its digest is {now.digest} instead of "
        f"{then.digest}; find the original weights, or let the job write the set anew."
        for then, now in zip(manifest.teachers, teachers, strict=True)
        if then.digest and then.digest != now.digest
    ]


def measure(
    samples: Sequence[ReinforcedSample], columns: slice, teacher: Teacher, advance: Advance
) -> tuple[CosineCheck, CosineCheck]:
    """Compares a teacher's fresh embeddings of the samples' views and texts with the stored `columns`."""
    photos: list[tuple[float, str]] = []
    texts: list[tuple[float, str]] = []
    for sample in samples:
        image = sample.image()
        shown = [replay(image, view, teacher.spec.size) for view in sample.views]
        fresh = teacher.photos(shown, [sample.key] * len(shown))  # [A, width]
        near = _cosines(sample.image_embeddings[:, columns], fresh)
        photos += ((cosine, f"view {view} of {sample.key}") for view, cosine in enumerate(near))
        tags = [None, *(tag for tag, texts in sample.texts.synthetic.items() if texts)]
        words = [text for tag in tags for text in sample.texts_of(tag)]
        stored = np.concatenate([sample.rows_of(tag) for tag in tags])  # [texts, D]
        near = _cosines(stored[:, columns], teacher.texts(words))
        texts += ((cosine, f"“{text:.40}” of {sample.key}") for text, cosine in zip(words, near, strict=True))
        advance(1, teacher.name)
    bound = _ROUNDED if all(_is_rounded(each.image_embeddings) for each in samples) else _EXACT
    one, other = (
        CosineCheck(what, tuple(cosine for cosine, _ in near), bound, min(near)[1])
        for what, near in (("photos", photos), ("texts", texts))
    )
    return one, other


def _cosines(stored: NDArray[np.float32], fresh: NDArray[np.float32]) -> list[float]:
    """[n, width], [n, width] → [n]; normalises, because bfloat16 vectors are not exactly of unit length."""
    products = np.einsum("ij,ij->i", stored, fresh)
    lengths = np.linalg.norm(stored, axis=1) * np.linalg.norm(fresh, axis=1)
    return [float(cosine) for cosine in products / lengths]


def _is_rounded(embeddings: NDArray[np.float32]) -> bool:
    """Whether the embeddings were stored as bfloat16."""
    return not (np.ascontiguousarray(embeddings).view(np.uint32) & _LOWER_HALF).any()
