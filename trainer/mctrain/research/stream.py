"""Reads shards sequentially, without an index: those in a store, or more than can be memory-mapped.

The order of the shards depends on epoch and seed. Each worker of each rank reads different shards and mixes their samples in
a shuffle buffer. A pass that resumes in the middle begins with the shards that were only partly read: some of their samples
are seen twice, and the samples that were in the buffer are not seen in that pass.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import TYPE_CHECKING

from torch.utils.data import IterableDataset, get_worker_info

from mctrain.data.held_out import is_held_out
from mctrain.data.reading.batch import Skipped, collate, load
from mctrain.data.reading.sampling import draw_sample, order
from mctrain.data.reinforced.manifest import MANIFEST
from mctrain.data.reinforced.sample import missing_member, role_of
from mctrain.data.shards import grouped
from mctrain.errors import DataError, SampleError
from mctrain.paths import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mctrain.data.reading.batch import DrawnSample, TrainingBatch
    from mctrain.data.reading.sampling import EpochPart, ReaderSettings
    from mctrain.data.shards import SampleMembers
    from mctrain.paths import AnyPath


_MOST_SKIPPED = 256  # in a row; more means that the shards are at fault
# samples in the shuffle buffer, of 0.1 to 0.3 MB each; and how many before the first batch
_MIXED, _FIRST = 1000, 250


class StreamedData:
    """The samples of shards, counted by the manifest, and the number skipped so far, by reason."""

    def __init__(self, shards: Sequence[CountedShard], settings: ReaderSettings) -> None:
        """Reads nothing from the shards; raises DataError if they hold no samples."""
        self._shards = tuple(shards)
        self._settings = settings
        self._skipped: dict[str, str] = {}  # reasons by key
        if not len(self):
            raise DataError(
                f"The {len(shards)} shards of {shards[0].path.parent} hold no samples, by their manifest."
            )

    def __len__(self) -> int:
        """The expected number of samples that are not held out."""
        return round(sum(each.samples for each in self._shards) * (1 - self._settings.held_out))

    @property
    def guarantee(self) -> str:
        """A sentence on how a stopped run resumes."""
        return (
            f"{len(self)} samples of {len(self._shards)} shard{'s' * (len(self._shards) != 1)}, streamed: a run that was stopped goes on at the beginning of the "
            "shards that it stopped in, so some samples are seen twice in that pass, and some not at all."
        )

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each shard, from the manifest."""
        return {each.name: each.digest for each in self._shards}

    @property
    def skipped(self) -> Counter[str]:
        """The number of samples skipped so far, and of shards that could not be read to the end, by reason."""
        return Counter(self._skipped.values())

    def batches(self, part: EpochPart, workers: int) -> Iterator[TrainingBatch]:
        """The batches of a pass or of some of its steps, read by `workers` processes (0: by this one).

        Raises:
            DataError: there are fewer shards than ranks, or no sample is usable.
        """
        streams = len(self._shards[part.rank :: part.ranks])
        if not streams:
            raise DataError(
                f"{len(self._shards)} shards cannot be streamed by {part.ranks} processes, each of which needs at least one; "
                "start fewer, or write smaller shards."
            )
        steps = _Stream(self._shards, self._settings, part, len(self) // part.batch)
        yield from load(steps, None, min(workers, streams), self._skipped)


class _Stream(IterableDataset["TrainingBatch | str"]):
    """The batches that one process reads; an error is yielded as an item, because a worker would raise it as a traceback."""

    def __init__(
        self, shards: Sequence[CountedShard], settings: ReaderSettings, part: EpochPart, steps: int
    ) -> None:
        self._shards = shards
        self._settings = settings
        self._part = part
        self._stop = steps if part.stop is None else min(part.stop, steps)
        self._skipped: list[Skipped] = []

    def __iter__(self) -> Iterator[TrainingBatch | str]:
        part, worker = self._part, get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        rows = len(part.rows)
        seen = rows * len(range(number, part.start, workers))
        samples = self._draws(number, workers, seen)
        try:
            for _ in range(part.start + number, self._stop, workers):
                batch = collate(list(islice(samples, rows)), self._skipped)
                self._skipped = []
                yield batch
        except DataError as fault:
            yield str(fault)

    def _draws(self, number: int, workers: int, seen: int) -> Iterator[DrawnSample]:
        """The drawn samples of this process, without end; the first turn skips the shards that `seen` samples cover."""
        part = self._part
        for turn in count():
            drawn = order(len(self._shards), part.epoch, part.seed).tolist()
            shards = [self._shards[place] for place in drawn][part.rank :: part.ranks][number::workers]
            while turn == 0 and shards and seen >= shards[0].samples:
                seen -= shards.pop(0).samples
            usable = 0
            draw = random.Random(f"{part.seed} {part.epoch} {part.rank} {number} {turn}")  # noqa: S311 (no secret)
            for sample in self._mixed(shards, draw):
                if (drawn := self._seen(sample)) is not None:
                    usable += 1
                    yield drawn
            if not usable and turn:
                self._give_up()

    def _seen(self, sample: SampleMembers) -> DrawnSample | None:
        """Draws from a sample; None if it is unusable or held out."""
        if self._settings.held_out and is_held_out(sample.key, self._settings.held_out):
            return None
        needs = self._settings.needs
        members = {each: content for each, content in sample.members.items() if role_of(each) in needs.read}
        try:
            if role := needs.missing(map(role_of, members)):
                raise missing_member(sample.key, role)
            return draw_sample(sample.key, members, self._settings, self._part)
        except SampleError as fault:
            self._skip(sample.key, fault.reason, str(fault))
            return None

    def _skip(self, key: str, reason: str, message: str) -> None:
        self._skipped.append(Skipped(key, reason, message))
        if len(self._skipped) > _MOST_SKIPPED + self._part.batch:  # no batch was completed since
            self._give_up()

    def _give_up(self) -> None:
        last = f" The last: {self._skipped[-1].message}" if self._skipped else ""
        raise DataError(f"{len(self._skipped)} samples in a row cannot be used.{last}")

    def _mixed(self, shards: Sequence[CountedShard], draw: random.Random) -> Iterator[SampleMembers]:
        """Shuffles the samples of some shards through a buffer, which grows by one with each sample drawn."""
        waiting: list[SampleMembers] = []
        room = _FIRST
        for group in chain.from_iterable(map(self._groups, shards)):
            waiting.append(group)
            if len(waiting) >= room:
                room = min(room + 1, _MIXED)
                yield _drawn(waiting, draw)
        while waiting:
            yield _drawn(waiting, draw)

    def _groups(self, shard: CountedShard) -> Iterator[SampleMembers]:
        """The samples of a shard, as far as it can be read; damage counts as one skip."""
        for group in grouped(shard.path):
            if group.fault is not None and group.fault.kind == "damaged shard":
                self._skip(shard.name, group.fault.kind, f"{shard.name}: {group.fault.sentence}")
            else:
                yield group


def _drawn(waiting: list[SampleMembers], draw: random.Random) -> SampleMembers:
    place = draw.randrange(len(waiting))
    waiting[place], waiting[-1] = waiting[-1], waiting[place]
    return waiting.pop()


@dataclass(frozen=True, slots=True)
class CountedShard:
    """A shard, how many samples it holds, and its SHA-256."""

    path: AnyPath
    name: str
    samples: int
    digest: str


def open_stream(folder: AnyPath, shards: Sequence[AnyPath], settings: ReaderSettings) -> StreamedData:
    """Streams shards of a folder, counted by the manifest that `mctrain` wrote when it packed, reinforced or joined them.

    Raises:
        DataError: the manifest is missing or damaged, or does not name one of the shards.
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
            str(folder / record["name"]): CountedShard(
                folder / record["name"],
                record["name"],
                int(record["samples"] if "samples" in record else record["photos"]),
                record["sha256"],
            )
            for record in records
        }
    except (ValueError, KeyError, TypeError) as fault:
        raise DataError(f"The manifest {path} is damaged; make it again.") from fault
    if strange := [shard for shard in shards if str(shard) not in known]:
        raise DataError(
            f"The manifest {path} does not name {strange[0].name}, one of {len(strange)} such shards."
        )
    return StreamedData([known[str(shard)] for shard in shards], settings)
