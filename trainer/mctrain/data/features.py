"""Caches what the frozen trunk sees: features and ImageNet logits of every view of every photo, one file a shard and view.

A file is written whole or not at all, so a killed run continues with the first view that is missing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.data.arrays import load_arrays, save_arrays
from mctrain.data.shards import file_digest, samples
from mctrain.data.views import view
from mctrain.export.graph import Graph, Port, write_graph
from mctrain.models import lite
from mctrain.models.towers import IMAGE_SPEC
from picsight_engine.models.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# raise when the trunk, its preprocessing or the crops change: older files are then computed again
LAYOUT = 1
BATCH = 4  # larger batches gain nothing on a CPU


@dataclass(frozen=True, slots=True)
class Features:
    """One view of the photos of a shard: keys, features [n, 1280] and logits [n, 1000], both float16."""

    keys: NDArray[np.str_]
    features: NDArray[np.float16]
    logits: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Views:
    """Which views are cached: how many, and the smallest share of the photo's area in a crop."""

    count: int
    least: float

    def name(self, number: int) -> str:
        """Tells two settings' files apart; the whole photo and its mirror image do not depend on `least`."""
        return f"{number}" if number < 2 else f"{number}-{self.least:g}"


def cache_features(
    shards: Sequence[Path], views: Views, cache: Path, progress: Callable[[int, str], None]
) -> None:
    """Computes the views that are missing; `progress` hears of every finished batch: photos, and what is running."""
    trunk: Graph | None = None
    for number, shard in itertools.product(range(views.count), shards):
        path = _path(cache, shard, views, number)
        if path.exists():
            continue
        if trunk is None:
            trunk = _trunk(cache)
        progress(0, f"{shard.name} view {number}")
        save_arrays(path, _look(trunk, _batches(shard, views, number), progress))


def cached(shard: Path, views: Views, number: int, cache: Path) -> Features:
    """One view of a shard from the cache."""
    return Features(**load_arrays(_path(cache, shard, views, number)))


def _look(
    trunk: Graph,
    batches: Iterator[tuple[list[str], NDArray[np.float32]]],
    progress: Callable[[int, str], None],
) -> dict[str, NDArray[Any]]:
    """What the trunk gives for all batches, end to end."""
    keys: list[str] = []
    features, logits = [], []
    for batch_keys, pixels in batches:
        out, scores = trunk(pixels)
        keys += batch_keys
        features.append(out.astype(np.float16))
        logits.append(scores.astype(np.float16))
        progress(len(batch_keys), "")
    return {"keys": np.array(keys), "features": np.concatenate(features), "logits": np.concatenate(logits)}


def _batches(shard: Path, views: Views, number: int) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    stream = samples(shard)
    while batch := list(itertools.islice(stream, BATCH)):
        pictures = [view(sample.image(), sample.key, number, views.least) for sample in batch]
        pixels = np.stack([preprocess(picture, IMAGE_SPEC) for picture in pictures])
        yield [sample.key for sample in batch], pixels


def _path(cache: Path, shard: Path, views: Views, number: int) -> Path:
    return cache / f"features-{file_digest(shard)[:16]}-{views.name(number)}-{LAYOUT}.npz"


def _trunk(cache: Path) -> Graph:
    """The trunk in ONNX Runtime, which runs it 1.5 to 3 times faster than torch."""
    path = cache / f"lite0-{file_digest(lite.weights_path())[:16]}.onnx"
    if not path.exists():
        import torch

        cache.mkdir(parents=True, exist_ok=True)
        staging = path.with_suffix(".part")
        example = torch.zeros(2, 3, lite.SIZE, lite.SIZE)
        write_graph(lite.load_lite0(), example, Port("pixels", {0: "n"}), ["features", "logits"], staging)
        staging.replace(path)
    return Graph(path)
