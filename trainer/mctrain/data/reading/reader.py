"""Reads shards for training by an index: batches follow from epoch and seed alone, whoever reads them and from which step.

`open_data` streams what cannot be indexed.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch.utils.data import Dataset

from mctrain.data.apart import is_apart
from mctrain.data.named import find_shards
from mctrain.data.reading.batch import Skipped, collate, load
from mctrain.data.reading.index import open_shard
from mctrain.data.reading.stream import StreamedData, count_samples
from mctrain.data.reading.visit import Stored, order, see
from mctrain.data.reinforced.sample import PLAIN, REINFORCED, name_role
from mctrain.data.shards import file_digest
from mctrain.errors import DataError, SampleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mctrain.data.reading.batch import TrainingBatch, Visit
    from mctrain.data.reading.index import Shard
    from mctrain.data.reading.visit import Pass, ReaderSettings
    from mctrain.data.reinforced.sample import Needs
    from mctrain.places import Place


_MOST_SKIPPED = 256  # for one place of a batch: then the shards are at fault, not their samples
_order = lru_cache(maxsize=1)(order)


class TrainingData:
    """The samples of shards that lack no member that is needed, and what was skipped so far, by reason."""

    def __init__(self, shards: Sequence[Path], cache: Path, settings: ReaderSettings) -> None:
        """Indexes what the cache does not know yet; of the samples, nothing but the heads of the tars is read.

        Raises:
            DataError: a shard is missing or damaged, or no sample is whole.
        """
        needs = REINFORCED if isinstance(settings.views, Stored) else PLAIN
        self._shards = tuple(open_shard(shard, cache, needs) for shard in shards)
        self._settings = settings
        self._seen = _seen(self._shards, settings.apart)
        self._lacking = sum((Counter(shard.lacking) for shard in self._shards), Counter[str]())
        self._skipped: dict[str, str] = {}  # reasons by key
        if not len(self):
            raise DataError(_explain(shards, self._lacking, needs))

    def __len__(self) -> int:
        """How many samples lack no member and are not kept apart."""
        return len(self._seen)

    @property
    def guarantee(self) -> str:
        """What holds for a run that is stopped, in a sentence."""
        return f"{len(self)} samples of {len(self._shards)} shards, by an index: a run that was stopped goes on exactly where it was."

    @property
    def digests(self) -> dict[str, str]:
        """Of each shard, by its path from where all of them lie, what lies where in it, without reading it: SHA-256 of its index."""
        above = os.path.commonpath([shard.path.parent for shard in self._shards])
        return {shard.path.relative_to(above).as_posix(): file_digest(shard.rows) for shard in self._shards}

    @property
    def skipped(self) -> Counter[str]:
        """How many samples were skipped: those that lack a member from the start, the others once they were met."""
        lacking = Counter({f"no {role}": count for role, count in self._lacking.items()})
        return lacking + Counter(self._skipped.values())

    def steps(self, batch: int) -> int:
        """How many batches a pass has; what is left over is not seen in it."""
        return len(self) // batch

    def batches(self, part: Pass, workers: int) -> Iterator[TrainingBatch]:
        """The batches of a pass, or of some steps of it, read by this process or by so many others: they are the same.

        Raises:
            DataError: the samples are fewer than a batch, too many in a row are broken, or the disk refuses one.
        """
        if not self.steps(part.batch):
            raise DataError(f"{len(self)} samples make no batch of {part.batch}; take a smaller one.")
        steps = _Steps(self._shards, self._seen, self._settings, part)
        wanted = range(self.steps(part.batch))[part.start : part.stop]
        yield from load(steps, wanted, workers, self._skipped)


class _Steps(Dataset["TrainingBatch | str"]):
    """The batches of a pass by step; what ends the pass is an item too: raised in a worker, it would come as a traceback."""

    def __init__(
        self, shards: tuple[Shard, ...], seen: Sequence[int], settings: ReaderSettings, part: Pass
    ) -> None:
        self._shards = shards
        self._seen = seen
        self._settings = settings
        self._part = part
        self._ends = np.cumsum([shard.whole for shard in shards])

    def __getitem__(self, step: int) -> TrainingBatch | str:
        part = self._part
        rows = range(part.batch * part.rank // part.ranks, part.batch * (part.rank + 1) // part.ranks)
        skipped: list[Skipped] = []
        try:
            return collate([self._visit(part.batch * step + row, skipped) for row in rows], skipped)
        except DataError as fault:
            return str(fault)

    def _visit(self, place: int, skipped: list[Skipped]) -> Visit:
        """The sample at a place of the order, or the first usable one behind it: the same row of the batches that follow.

        So no sample is twice in a batch, but at a pass's end.
        """
        count, batch = len(self._seen), self._part.batch
        for _ in range(min(count, _MOST_SKIPPED)):
            number = self._seen[int(_order(count, self._part.epoch, self._part.seed)[place])]
            shard = int(np.searchsorted(self._ends, number, side="right"))
            number -= int(self._ends[shard]) - self._shards[shard].whole
            key = self._shards[shard].key(number)
            try:
                return see(key, self._shards[shard].members(number), self._settings, self._part)
            except SampleError as fault:
                skipped.append(Skipped(key, fault.reason, str(fault)))
            place = place + batch if place + batch < count else (place + 1) % batch
        raise DataError(f"{len(skipped)} samples in a row cannot be used. The last: {skipped[-1].message}")


def _seen(shards: Sequence[Shard], apart: float) -> Sequence[int]:
    """The numbers of the samples that may be seen, counted through all shards; without any kept apart it takes no memory."""
    if not apart:
        return range(sum(shard.whole for shard in shards))
    keys = chain.from_iterable(shard.keys() for shard in shards)
    return [number for number, key in enumerate(keys) if not is_apart(key, apart)]


def _explain(shards: Sequence[Path], lacking: Counter[str], needs: Needs) -> str:
    reasons = ", ".join(f"{count} have no {name_role(role)}" for role, count in lacking.items())
    advice = ""
    if needs == PLAIN and lacking:
        advice = " Each photo needs a caption beside it: KEY.jpg and KEY.txt."
    elif lacking["photo"] or lacking["txt"]:
        advice = " The public sets come without photos and captions: fetch these and merge them in by key."
    elif lacking:
        advice = " `mctrain reinforce` adds what teachers say; without it they are plain data."
    names = ", ".join(shard.name for shard in shards[:3]) + (" …" if len(shards) > 3 else "")
    return f"No sample of {names or 'no shard'} can be trained on: {reasons or 'there is none'}.{advice}"


Data = TrainingData | StreamedData

MOST_INDEXED = 1 << 14  # each takes a map, of which a process has 65,536, and its turn when a run begins


def open_data(folder: Place, patterns: Sequence[str], cache: Path, settings: ReaderSettings) -> Data:
    """The shards of a folder that the patterns name: those of a store, and more than can be indexed, are streamed.

    Raises:
        DataError: a shard is missing or damaged, no sample is whole, or a stream has no manifest.
        TrainerError: a package is missing.
    """
    shards = find_shards(folder, patterns)
    local = [shard for shard in shards if isinstance(shard, Path)]
    if len(local) == len(shards) <= MOST_INDEXED:
        return TrainingData(local, cache, settings)
    return StreamedData(count_samples(folder, shards), settings)
