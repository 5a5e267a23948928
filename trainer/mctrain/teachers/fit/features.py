"""Caches outputs of frozen networks: features and ImageNet logits per view, one file per network, shard and view; and the
feature maps of a network's lower stages, one file per shard and view, for training the upper stages.

Files are written atomically, so a killed run continues with the first missing one. Features are stored with a digest of
the view's pixels and are reused for equal pixels. Maps are memory-mapped: those of Lite2 before stage 5 take 69 KB a view.
"""

from __future__ import annotations

import itertools
import math
import zipfile
import zlib
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mctrain.atomic_files import open_atomic
from mctrain.data.photo import decode_photo
from mctrain.data.reinforced.embeddings import load_array
from mctrain.data.replay import picture_digest, replay
from mctrain.data.shards import file_digest, samples
from mctrain.data.views import draw_views
from mctrain.data.workers import open_pool
from mctrain.errors import DataError
from mctrain.models import lite
from mctrain.models.graph import Graph, Port, provide_graph
from mctrain.models.lite_stages import LowerStages
from picsight_engine.bundles.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.data.shards import SampleMembers
    from mctrain.recipes.tables import Augmentation
    from picsight_engine.bundles.bundle import ImageSpec


# increment when the networks or their preprocessing change, to invalidate older files
LAYOUT = 2
_MAPS_LAYOUT = 1  # the same for maps
DIGITS = 32  # length of a pixel digest
_BATCH = 4  # larger batches gain nothing on a CPU


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes the arrays (no object arrays) atomically."""
    with open_atomic(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_arrays(path: Path, names: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
    """The arrays of a file written by `save_arrays`, or only the named ones; raises DataError if it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names or arrays.files}
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as fault:
        raise DataError(f"{path} is damaged; remove it; it is made again.") from fault


@dataclass(frozen=True, slots=True)
class Views:
    """The views of photos to embed, the networks, and the preprocessing; of a single network only the stages before `first`."""

    augmentation: Augmentation
    seed: int
    networks: tuple[str, ...]
    spec: ImageSpec
    first: int | None = None

    def sized(self) -> tuple[SizedNetwork, ...]:
        """Each network with its input sizes."""
        return tuple(
            replace(network, first=self.first) for network in sized_networks(self.networks, self.spec.size)
        )


@dataclass(frozen=True, slots=True)
class SizedNetwork:
    """A network, the size of its input photos, and the size to which it scales them, in pixels; or its stages before `first`."""

    network: str
    given: int
    size: int
    first: int | None = None

    @property
    def name(self) -> str:
        """The part of file names for this network and its sizes."""
        of = "" if self.size == self.given else f"of{self.given}"
        stages = "" if self.first is None else f"-{self.first}"
        return f"{self.network}-{self.size}{of}{stages}"

    def graph_file(self, cache: Path) -> Path:
        """The network as a graph: ONNX Runtime runs it 1.5 to 3 times faster than torch."""
        lower = "" if self.first is None else "lower-"
        digest = file_digest(lite.weights_path(self.network))[:16]
        return provide_graph(
            cache / f"{lower}{self.name}-{digest}.onnx",
            self._module,
            torch.zeros(2, 3, self.given, self.given),
            Port("pixels", {0: "n"}),
            ["features", "logits"] if self.first is None else ["maps"],
        )

    def _module(self) -> torch.nn.Module:
        if self.first is None:
            return lite.load_lite(self.network, self.size)
        return LowerStages(lite.load_lite(self.network), self.first)


def sized_networks(networks: Sequence[str], size: int) -> tuple[SizedNetwork, ...]:
    """The networks of a joined trunk with their input sizes, for photos of `size` pixels."""
    sizes = lite.input_sizes(networks, size)
    return tuple(SizedNetwork(network, size, each) for network, each in zip(networks, sizes, strict=True))


@dataclass(frozen=True, slots=True)
class _Work:
    """A view of a shard, and the networks without cached output for it."""

    shard: Path
    digest: str
    view: int
    views: Views
    networks: tuple[SizedNetwork, ...]
    cache: Path

    def path(self, network: SizedNetwork) -> Path:
        """The file of a network's output."""
        view = self.views.augmentation.name_of(self.view, self.views.seed)
        stem = f"{network.name}-{self.digest[:16]}-{view}"
        return self.cache / (
            f"seen-{stem}-{LAYOUT}.npz" if network.first is None else f"maps-{stem}-{_MAPS_LAYOUT}.npy"
        )


def cache_outputs(
    shards: Sequence[Path],
    views: Views,
    cache: Path,
    progress: Callable[[int, str], None],
    *,
    workers: int = 1,
) -> None:
    """Computes missing features or maps in `workers` processes; `progress` gets the photos and name of each finished view of a
    shard.

    Raises:
        DataError: a shard is damaged, or has no photo.
    """
    work = list(_missing(shards, views, cache))
    for network in {network for each in work for network in each.networks}:
        network.graph_file(cache)
    with open_pool(workers) if workers > 1 else nullcontext() as pool:
        counts = map(_compute, work) if pool is None else pool.map(_compute, work)
        for task, count in zip(work, counts, strict=True):
            progress(count, f"{task.shard.name} view {task.view}")


def cached(
    shard: Path, views: Views, view: int, cache: Path
) -> tuple[list[str], NDArray[np.float16], NDArray[np.float16]]:
    """One view of a shard's photos: their keys, features [photos, networks * 1280] and logits [networks, photos, 1000]."""
    work = _Work(shard, file_digest(shard), view, views, views.sized(), cache)
    seen = [load_arrays(work.path(network)) for network in work.networks]
    features = np.concatenate([each["features"] for each in seen], axis=1)
    return seen[0]["keys"].tolist(), features, np.stack([each["logits"] for each in seen])


def _missing(shards: Sequence[Path], views: Views, cache: Path) -> Iterator[_Work]:
    """The missing work, whole photos first because they are useful alone."""
    digests = {shard: file_digest(shard) for shard in shards}
    for view, shard in itertools.product(range(views.augmentation.views), shards):
        task = _Work(shard, digests[shard], view, views, views.sized(), cache)
        missing = tuple(network for network in task.networks if not task.path(network).exists())
        if missing:
            yield replace(task, networks=missing)


def _compute(work: _Work) -> int:
    """Computes one view of one shard and writes a file per network; returns the number of photos."""
    graphs = {network: Graph(network.graph_file(work.cache)) for network in work.networks}
    found: dict[SizedNetwork, list[tuple[NDArray[np.float16], ...]]] = {each: [] for each in work.networks}
    keys: list[str] = []
    pixels: list[str] = []
    for batch, pictures, values in _batches(work):
        keys += [sample.key for sample in batch]
        pixels += [picture_digest(picture)[:DIGITS] for picture in pictures]
        for network, graph in graphs.items():
            found[network].append(tuple(part.astype(np.float16) for part in graph(values)))
    if not keys:
        raise DataError(f"{work.shard} has no photo to learn from; leave it out.")
    for network, parts in found.items():
        outputs = [np.concatenate(part) for part in zip(*parts, strict=True)]
        if network.first is None:
            known = {"keys": np.array(keys), "pixels": np.array(pixels)}
            save_arrays(work.path(network), known | dict(zip(("features", "logits"), outputs, strict=True)))
        else:
            with open_atomic(work.path(network)) as file:
                np.save(file, outputs[0])
    return len(keys)


def _batches(work: _Work) -> Iterator[tuple[list[SampleMembers], list[PIL.Image.Image], NDArray[np.float32]]]:
    """Batches of photos with this view, as pictures and as network input."""
    stream = samples(work.shard)
    while batch := list(itertools.islice(stream, _BATCH)):
        pictures = [view_of(sample, work.views, work.view) for sample in batch]
        yield batch, pictures, np.stack([preprocess(picture, work.views.spec) for picture in pictures])


def view_of(sample: SampleMembers, views: Views, view: int) -> PIL.Image.Image:
    """One view of a photo, at the networks' input size."""
    image = decode_photo(sample.photo, sample.key)
    drawn = draw_views(views.augmentation, sample.key, views.seed, image.width, image.height)[view]
    return replay(image, drawn, views.spec.size)


@dataclass(frozen=True, slots=True)
class Maps:
    """Feature maps by corpus row: `files` [views][shards], and each photo's shard and position in it."""

    files: tuple[tuple[NDArray[np.float16], ...], ...]  # each [n, places, channels]
    shards: NDArray[np.int64]
    places: NDArray[np.int64]

    @property
    def side(self) -> int:
        """The side of a map, in positions."""
        return math.isqrt(self.files[0][0].shape[1])

    def of(self, views: NDArray[np.int64], photos: NDArray[np.int64]) -> NDArray[np.float16]:
        """The maps of these views [n] of these photos [n] as [n, places, channels]."""
        found = np.empty((len(photos), *self.files[0][0].shape[1:]), np.float16)
        shards, places = self.shards[photos], self.places[photos]
        for row in np.lexsort((places, shards, views)).tolist():  # in disk order
            found[row] = self.files[views[row]][shards[row]][places[row]]
        return found


def open_maps(shards: Sequence[Path], rows: NDArray[np.int64], views: Views, cache: Path) -> Maps:
    """The cached maps before stage `views.first` for photos, given by their `rows` [n] in the shards.

    Raises:
        DataError: a file of maps is damaged.
    """
    (network,) = views.sized()
    digests = {shard: file_digest(shard) for shard in shards}
    files = tuple(
        tuple(
            load_array(_Work(shard, digest, view, views, (network,), cache).path(network))
            for shard, digest in digests.items()
        )
        for view in range(views.augmentation.views)
    )
    ends = np.cumsum([len(file) for file in files[0]])
    numbers = np.searchsorted(ends, rows, side="right")
    places = rows - np.concatenate([[0], ends])[numbers]
    return Maps(files, numbers, places)
