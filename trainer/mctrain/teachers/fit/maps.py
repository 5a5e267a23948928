"""Caches the maps that the lower stages of a network make of every view of every photo: one file a shard and view.

Whoever trains upper stages sees the same maps in each pass, so that the lower ones look at a view once. Files are mapped into
memory, not read: those of Lite2 before its stage 5 take 69 KB a view.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.data.shards import file_digest, samples
from mctrain.data.workers import open_pool
from mctrain.errors import DataError
from mctrain.graphs.graph import Graph, Port, provide_graph
from mctrain.models.lite import load_lite, weights_path
from mctrain.models.lite_stages import LowerStages
from mctrain.teachers.fit.features import BATCH, view_of
from mctrain.whole_files import write_whole
from picsight_engine.bundles.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.teachers.fit.corpus import Corpus
    from mctrain.teachers.fit.features import Views

LAYOUT = 1  # raise when the maps change


@dataclass(frozen=True, slots=True)
class Maps:
    """Those of photos by their rows in a corpus; `files` [views][shards], and of each photo its shard and its place there."""

    files: tuple[tuple[NDArray[np.float16], ...], ...]  # each [n, places, channels]
    shards: NDArray[np.int64]
    places: NDArray[np.int64]

    @property
    def side(self) -> int:
        """Of a map, in places."""
        return math.isqrt(self.files[0][0].shape[1])

    def of(self, views: NDArray[np.int64], photos: NDArray[np.int64]) -> NDArray[np.float16]:
        """The maps of these views [n] of these photos [n] as [n, places, channels]."""
        found = np.empty((len(photos), *self.files[0][0].shape[1:]), np.float16)
        shards, places = self.shards[photos], self.places[photos]
        for row in np.lexsort((places, shards, views)).tolist():  # as they lie on the disk
            found[row] = self.files[views[row]][shards[row]][places[row]]
        return found


@dataclass(frozen=True, slots=True)
class _Work:
    """One view of one shard, and the first stage that does not look at it."""

    shard: Path
    digest: str
    view: int
    views: Views
    first: int
    cache: Path

    def path(self) -> Path:
        """The file of its maps."""
        (look,) = self.views.looks()
        name = self.views.augmentation.name_of(self.view, self.views.seed)
        return self.cache / f"maps-{look.name}-{self.first}-{self.digest[:16]}-{name}-{LAYOUT}.npy"

    def graph_file(self) -> Path:
        """The lower stages as a graph."""
        (look,) = self.views.looks()
        digest = file_digest(weights_path(look.network))[:16]
        return provide_graph(
            self.cache / f"lower-{look.name}-{self.first}-{digest}.onnx",
            lambda: LowerStages(load_lite(look.network), self.first),
            torch.zeros(2, 3, look.given, look.given),
            Port("pixels", {0: "n"}),
            ["maps"],
        )


def open_maps(
    corpus: Corpus,
    views: Views,
    first: int,
    *,
    cache: Path,
    progress: Callable[[int, str], None],
    workers: int,
) -> Maps:
    """The maps before the stage `first` of a corpus's photos; what is missing is computed.

    Raises:
        DataError: a shard or a file of maps is damaged.
    """
    count = views.augmentation.views
    digests = {shard: file_digest(shard) for shard in corpus.shards}
    work = [
        [_Work(shard, own, view, views, first, cache) for shard, own in digests.items()]
        for view in range(count)
    ]
    missing = [own for own in itertools.chain(*work) if not own.path().exists()]
    if missing:
        missing[0].graph_file()
        with open_pool(workers) as pool:
            for own, seen in zip(missing, pool.map(_look, missing), strict=True):
                progress(seen, f"{own.shard.name} view {own.view}")
    files = tuple(tuple(_mapped(own.path()) for own in row) for row in work)
    ends = np.cumsum([len(file) for file in files[0]])
    numbers = np.searchsorted(ends, corpus.rows, side="right")
    places = corpus.rows - np.concatenate([[0], ends])[numbers]
    return Maps(files, numbers, places)


def _mapped(path: Path) -> NDArray[np.float16]:
    try:
        mapped: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (EOFError, OSError, ValueError) as fault:
        raise DataError(f"{path} is damaged; remove it, it is made again.") from fault
    return mapped


def _look(work: _Work) -> int:
    """Computes the maps of one view of one shard; how many photos it has."""
    graph = Graph(work.graph_file())
    stream = samples(work.shard)
    parts = []
    while batch := list(itertools.islice(stream, BATCH)):
        pictures = [view_of(sample, work.views, work.view) for sample in batch]
        pixels = np.stack([preprocess(picture, work.views.spec) for picture in pictures])
        parts.append(graph(pixels)[0].astype(np.float16))
    maps = np.concatenate(parts)
    with write_whole(work.path()) as file:
        np.save(file, maps)
    return len(maps)
