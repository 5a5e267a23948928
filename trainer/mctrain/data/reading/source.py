"""Opens what a run learns from: by an index where that can be, or else as a stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.data.named import find_shards
from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.stream import StreamedData, count_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.data.reading.settings import ReaderSettings
    from mctrain.places import Place

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
