"""Reads shards as they pass, without an index: those of a store, or more than can be mapped into memory.

The order of the shards follows from epoch and seed; each rank, and each process of it, has shards of its own, and mixes the
samples of some of them in memory. A pass that is entered in its middle begins with the shards that are not read to their
end by then: of these, samples are seen twice, and those that were waiting to be mixed are not seen in that pass.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import TYPE_CHECKING

from torch.utils.data import IterableDataset, get_worker_info

from mctrain.data.apart import is_apart
from mctrain.data.reading.batch import Skipped, collate, load
from mctrain.data.reading.visit import Stored, order, see
from mctrain.data.reinforced.manifest import MANIFEST
from mctrain.data.reinforced.sample import PLAIN, REINFORCED, lacking, role_of
from mctrain.data.shards import grouped
from mctrain.errors import DataError, SampleError
from mctrain.places import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mctrain.data.reading.batch import TrainingBatch, Visit
    from mctrain.data.reading.visit import Pass, ReaderSettings
    from mctrain.data.shards import SampleMembers
    from mctrain.places import Place


_MOST_SKIPPED = 256  # one after the other: then the shards are at fault, not their samples
# samples that wait in memory, of 0.1 to 0.3 MB; and how many before the first batch
_MIXED, _FIRST = 1000, 250


class StreamedData:
    """The samples of shards by the number that their manifest tells, and what was skipped so far, by reason."""

    def __init__(self, shards: Sequence[CountedShard], settings: ReaderSettings) -> None:
        """Nothing of the shards is read.

        Raises:
            DataError: they hold nothing.
        """
        self._shards = tuple(shards)
        self._settings = settings
        self._skipped: dict[str, str] = {}  # reasons by key
        if not len(self):
            raise DataError(
                f"The {len(shards)} shards of {shards[0].place.parent} hold no samples, by their manifest."
            )

    def __len__(self) -> int:
        """How many samples are not kept apart: of a share that is drawn, as many as are to be expected."""
        return round(sum(each.samples for each in self._shards) * (1 - self._settings.apart))

    @property
    def guarantee(self) -> str:
        """What holds for a run that is stopped, in a sentence."""
        return (
            f"{len(self)} samples of {len(self._shards)} shards, streamed: a run that was stopped goes on at the beginning of the "
            "shards that it stopped in, so some samples are seen twice in that pass, and some not at all."
        )

    @property
    def digests(self) -> dict[str, str]:
        """Of each shard, as the manifest tells."""
        return {each.name: each.digest for each in self._shards}

    @property
    def skipped(self) -> Counter[str]:
        """How many samples were skipped since they were met, and how many shards that could not be read to their end."""
        return Counter(self._skipped.values())

    def steps(self, batch: int) -> int:
        """How many batches a pass has."""
        return len(self) // batch

    def batches(self, part: Pass, workers: int) -> Iterator[TrainingBatch]:
        """The batches of a pass, or of some steps of it, read by this process or by so many others.

        Raises:
            DataError: the samples are fewer than a batch, the shards fewer than the ranks, or none can be used.
        """
        if not self.steps(part.batch):
            raise DataError(f"{len(self)} samples make no batch of {part.batch}; take a smaller one.")
        each = len(self._shards[part.rank :: part.ranks])
        if not each:
            raise DataError(
                f"{len(self._shards)} shards cannot be streamed by {part.ranks} processes, each of which needs one of its own; "
                "start fewer, or write smaller shards."
            )
        steps = _Stream(self._shards, self._settings, part, self.steps(part.batch))
        yield from load(steps, None, min(workers, each), self._skipped)


class _Stream(IterableDataset["TrainingBatch | str"]):
    """The batches of a pass that one process reads; what ends the pass is an item too: raised in a worker, it would come as a
    traceback.
    """

    def __init__(
        self, shards: Sequence[CountedShard], settings: ReaderSettings, part: Pass, steps: int
    ) -> None:
        self._shards = shards
        self._settings = settings
        self._part = part
        self._stop = steps if part.stop is None else min(part.stop, steps)
        self._skipped: list[Skipped] = []

    def __iter__(self) -> Iterator[TrainingBatch | str]:
        part, worker = self._part, get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        rows = part.batch * (part.rank + 1) // part.ranks - part.batch * part.rank // part.ranks
        seen = rows * len(range(number, part.start, workers))
        visits = self._visits(number, workers, seen)
        try:
            for _ in range(part.start + number, self._stop, workers):
                batch = collate(list(islice(visits, rows)), self._skipped)
                self._skipped = []
                yield batch
        except DataError as fault:
            yield str(fault)

    def _visits(self, number: int, workers: int, seen: int) -> Iterator[Visit]:
        """What is seen of the samples of this process, from the shard on in which so many of them end; round and round."""
        part = self._part
        for turn in count():
            drawn = order(len(self._shards), part.epoch, part.seed).tolist()
            each = [self._shards[place] for place in drawn][part.rank :: part.ranks][number::workers]
            while turn == 0 and each and seen >= each[0].samples:
                seen -= each.pop(0).samples
            usable = 0
            draw = random.Random(f"{part.seed} {part.epoch} {part.rank} {number} {turn}")  # noqa: S311 (no secret)
            for sample in self._mixed(each, draw):
                if (visit := self._seen(sample)) is not None:
                    usable += 1
                    yield visit
            if not usable and turn:
                self._give_up()

    def _seen(self, sample: SampleMembers) -> Visit | None:
        """What is seen of a sample; None where it cannot be used, or is kept apart."""
        try:
            return self._see(sample)
        except SampleError as fault:
            self._skip(sample.key, fault.reason, str(fault))
            return None

    def _skip(self, key: str, reason: str, message: str) -> None:
        self._skipped.append(Skipped(key, reason, message))
        if len(self._skipped) > _MOST_SKIPPED + self._part.batch:  # no batch came meanwhile
            self._give_up()

    def _give_up(self) -> None:
        last = f" The last: {self._skipped[-1].message}" if self._skipped else ""
        raise DataError(f"{len(self._skipped)} samples in a row cannot be used.{last}")

    def _see(self, group: SampleMembers) -> Visit | None:
        if self._settings.apart and is_apart(group.key, self._settings.apart):
            return None
        needs = REINFORCED if isinstance(self._settings.views, Stored) else PLAIN
        if role := needs.missing(map(role_of, group.members)):
            raise lacking(group.key, role)
        members = {each: content for each, content in group.members.items() if role_of(each) in needs.read}
        return see(group.key, members, self._settings, self._part)

    def _mixed(self, shards: Sequence[CountedShard], draw: random.Random) -> Iterator[SampleMembers]:
        """The samples of some shards, each drawn from those that wait; these grow by one for each that is given."""
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
        """The samples of a shard as far as it can be read; that it cannot be read to its end is counted."""
        for group in grouped(shard.place):
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

    place: Place
    name: str
    samples: int
    digest: str


def count_samples(folder: Place, shards: Sequence[Place]) -> tuple[CountedShard, ...]:
    """What the manifest of a folder says of some of its shards, which `mctrain` packed, reinforced or joined.

    Raises:
        DataError: there is no manifest, it is damaged, or it does not name one of the shards.
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
            str(folder / each["name"]): CountedShard(
                folder / each["name"],
                each["name"],
                int(each["samples"] if "samples" in each else each["photos"]),
                each["sha256"],
            )
            for each in records
        }
    except (ValueError, KeyError, TypeError) as fault:
        raise DataError(f"The manifest {path} is damaged; make it anew.") from fault
    if strange := [shard for shard in shards if str(shard) not in known]:
        raise DataError(
            f"The manifest {path} does not name {strange[0].name}, one of {len(strange)} such shards."
        )
    return tuple(known[str(shard)] for shard in shards)
