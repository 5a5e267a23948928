"""Reads shards for training by an index: batches depend only on epoch and seed, not on the workers or the first step."""

from __future__ import annotations

import os
from collections import Counter
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from torch.utils.data import Dataset

from mctrain.data.held_out import is_held_out
from mctrain.data.reading.batch import Skipped, collate, load
from mctrain.data.reading.index import open_shard
from mctrain.data.reading.sampling import draw_sample, order
from mctrain.data.reinforced.sample import PLAIN, name_role
from mctrain.data.shard_names import find_shards
from mctrain.data.shards import file_digest
from mctrain.errors import DataError, SampleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mctrain.data.reading.batch import DrawnSample, TrainingBatch
    from mctrain.data.reading.index import Shard
    from mctrain.data.reading.sampling import EpochPart, ReaderSettings
    from mctrain.data.reinforced.sample import Needs
    from mctrain.paths import AnyPath


class Data(Protocol):
    """The samples of shards, in the batches of a pass."""

    def __len__(self) -> int:
        """The number of samples that are not held out."""

    @property
    def guarantee(self) -> str:
        """A sentence on how a stopped run resumes."""

    @property
    def digests(self) -> Mapping[str, str]:
        """A digest of each shard, by its name."""

    @property
    def skipped(self) -> Counter[str]:
        """The number of samples skipped so far, by reason."""

    def batches(self, part: EpochPart, workers: int) -> Iterator[TrainingBatch]:
        """The batches of a pass or of some of its steps, read by `workers` processes (0: by this one).

        Raises:
            DataError: the samples cannot be used.
        """


if TYPE_CHECKING:
    # opens the shards of a folder that cannot be indexed
    StreamOpener = Callable[[AnyPath, Sequence[AnyPath], ReaderSettings], Data]

_MOST_SKIPPED = 256  # for one row of a batch; more means that the shards are at fault
_order = lru_cache(maxsize=1)(order)


class TrainingData:
    """The complete samples of shards, and the number skipped so far, by reason."""

    def __init__(self, shards: Sequence[Path], cache: Path, settings: ReaderSettings) -> None:
        """Indexes the shards that are not in the cache; reads only the headers of the tars.

        Raises:
            DataError: a shard is missing or damaged, or no sample is complete.
        """
        self._shards = tuple(open_shard(shard, cache, settings.needs) for shard in shards)
        self._settings = settings
        self._seen = _seen(self._shards, settings.held_out)
        self._lacking = sum((Counter(shard.lacking) for shard in self._shards), Counter[str]())
        self._skipped: dict[str, str] = {}  # reasons by key
        if not len(self):
            raise DataError(_explain(shards, self._lacking, settings.needs))

    def __len__(self) -> int:
        """The number of complete samples that are not held out."""
        return len(self._seen)

    @property
    def guarantee(self) -> str:
        """A sentence on how a stopped run resumes."""
        return f"{len(self)} samples of {len(self._shards)} shard{'s' * (len(self._shards) != 1)}, by an index: a run that was stopped goes on exactly where it was."

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each shard's index, by the shard's path below their common folder."""
        above = os.path.commonpath([shard.path.parent for shard in self._shards])
        return {shard.path.relative_to(above).as_posix(): file_digest(shard.rows) for shard in self._shards}

    @property
    def skipped(self) -> Counter[str]:
        """The number of skipped samples by reason: incomplete ones from the start, others once they are read."""
        lacking = Counter({f"no {role}": count for role, count in self._lacking.items()})
        return lacking + Counter(self._skipped.values())

    def batches(self, part: EpochPart, workers: int) -> Iterator[TrainingBatch]:
        """The batches of a pass or of some of its steps; `workers` (0: this process reads) does not change them.

        Raises:
            DataError: too many samples in a row are broken, or one cannot be read.
        """
        steps = _Steps(self._shards, self._seen, self._settings, part)
        wanted = range(len(self) // part.batch)[part.start : part.stop]
        yield from load(steps, wanted, workers, self._skipped)


class _Steps(Dataset["TrainingBatch | str"]):
    """The batches of a pass by step; an error is returned as an item, because a worker would raise it as a traceback."""

    def __init__(
        self, shards: tuple[Shard, ...], seen: Sequence[int], settings: ReaderSettings, part: EpochPart
    ) -> None:
        self._shards = shards
        self._seen = seen
        self._settings = settings
        self._part = part
        self._ends = np.cumsum([shard.whole for shard in shards])

    def __getitem__(self, step: int) -> TrainingBatch | str:
        part = self._part
        skipped: list[Skipped] = []
        try:
            return collate([self._draw(part.batch * step + row, skipped) for row in part.rows], skipped)
        except DataError as fault:
            return str(fault)

    def _draw(self, place: int, skipped: list[Skipped]) -> DrawnSample:
        """The sample at a place of the order; if it is unusable, the first usable one in the same row of the following batches.

        So no sample occurs twice in a batch, except at the end of a pass.
        """
        count, batch = len(self._seen), self._part.batch
        for _ in range(min(count, _MOST_SKIPPED)):
            number = self._seen[int(_order(count, self._part.epoch, self._part.seed)[place])]
            shard = int(np.searchsorted(self._ends, number, side="right"))
            number -= int(self._ends[shard]) - self._shards[shard].whole
            key = self._shards[shard].key(number)
            try:
                return draw_sample(key, self._shards[shard].members(number), self._settings, self._part)
            except SampleError as fault:
                skipped.append(Skipped(key, fault.reason, str(fault)))
            place = place + batch if place + batch < count else (place + 1) % batch
        raise DataError(f"{len(skipped)} samples in a row cannot be used. The last: {skipped[-1].message}")


def _seen(shards: Sequence[Shard], held_out: float) -> Sequence[int]:
    """The numbers of the samples that are not held out, counted across all shards; a range if none is held out."""
    if not held_out:
        return range(sum(shard.whole for shard in shards))
    keys = chain.from_iterable(shard.keys() for shard in shards)
    return [number for number, key in enumerate(keys) if not is_held_out(key, held_out)]


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


MOST_INDEXED = 1 << 14  # each takes one of a process's 65,536 memory maps, and time at the start of a run


def open_data(
    folder: AnyPath, patterns: Sequence[str], cache: Path, settings: ReaderSettings, stream: StreamOpener
) -> Data:
    """Opens the shards of a folder that match the patterns, by `stream` if any is in a store or they are too many to index.

    Raises:
        DataError: a shard is missing or damaged, no sample is complete, or streamed shards have no manifest.
        TrainerError: a package is missing.
    """
    shards = find_shards(folder, patterns)
    local = [shard for shard in shards if isinstance(shard, Path)]
    if len(local) == len(shards) <= MOST_INDEXED:
        return TrainingData(local, cache, settings)
    return stream(folder, shards, settings)
