"""Caches what frozen networks see: features and ImageNet logits of every view of every photo, one file a network, shard and view.

A file is written whole or not at all, so a killed run continues with the first one that is missing. The digest of each
view's pixels stands beside its features: who sees the same pixels again, whatever they come from, need not compute them.
"""

from __future__ import annotations

import itertools
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mctrain.data.replay import picture_digest, replay
from mctrain.data.shards import Sample, file_digest, samples
from mctrain.data.views import draw_views
from mctrain.data.workers import open_pool
from mctrain.errors import DataError
from mctrain.graphs.graph import Graph, Port, provide_graph
from mctrain.models import lite
from mctrain.whole_files import write_whole
from picsight_engine.bundles.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.recipes.tables import Augmentation
    from picsight_engine.bundles.bundle import ImageSpec


# raise when the networks or their preprocessing change: older files are then computed again
LAYOUT = 2
DIGITS = 32  # of the digest of pixels
BATCH = 4  # larger batches gain nothing on a CPU


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes the arrays, none of them of objects, beside `path` and moves them into place."""
    with write_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file written by `save_arrays`.

    Raises:
        DataError: it is damaged.
    """
    with _opened(path) as file:
        return {name: file[name] for name in file.files}


def load_array(path: Path, name: str) -> NDArray[Any]:
    """One array of a file written by `save_arrays`; the others are not read.

    Raises:
        DataError: it is damaged.
    """
    with _opened(path) as file:
        array: NDArray[Any] = file[name]
        return array


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as fault:
        raise DataError(f"{path} is damaged; remove it, it is made again.") from fault


@dataclass(frozen=True, slots=True)
class Seen:
    """One view of the photos of a shard: keys, digests of its pixels, features [n, 1280] and logits [n, 1000], both float16."""

    keys: NDArray[np.str_]
    pixels: NDArray[np.str_]
    features: NDArray[np.float16]
    logits: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Views:
    """Which views of photos are looked at, by which networks, after which preprocessing."""

    augmentation: Augmentation
    seed: int
    networks: tuple[str, ...]
    spec: ImageSpec

    def looks(self) -> tuple[Look, ...]:
        """Each network and how it looks at the photos."""
        return looks_of(self.networks, self.spec.size)


@dataclass(frozen=True, slots=True)
class Look:
    """A network, the size of the photos that it is given, and the one at which it looks at them, in pixels."""

    network: str
    given: int
    size: int

    @property
    def name(self) -> str:
        """Part of the names of files of what is seen so."""
        of = "" if self.size == self.given else f"of{self.given}"
        return f"{self.network}-{self.size}{of}"

    def graph_file(self, cache: Path) -> Path:
        """The network as a graph: ONNX Runtime runs it 1.5 to 3 times faster than torch."""
        path = cache / f"{self.name}-{file_digest(lite.weights_path(self.network))[:16]}.onnx"
        example = torch.zeros(2, 3, self.given, self.given)
        return provide_graph(
            path,
            lambda: lite.load_lite(self.network, self.size),
            example,
            Port("pixels", {0: "n"}),
            ["features", "logits"],
        )


def looks_of(networks: Sequence[str], size: int) -> tuple[Look, ...]:
    """How networks look at photos of `size` pixels together."""
    sizes = lite.look_sizes(networks, size)
    return tuple(Look(network, size, own) for network, own in zip(networks, sizes, strict=True))


@dataclass(frozen=True, slots=True)
class _Work:
    """One view of one shard, and the networks that have not seen it."""

    shard: Path
    digest: str
    view: int
    views: Views
    looks: tuple[Look, ...]
    cache: Path

    def path(self, look: Look) -> Path:
        """The file of what a network sees."""
        name = self.views.augmentation.name_of(self.view, self.views.seed)
        return self.cache / f"seen-{look.name}-{self.digest[:16]}-{name}-{LAYOUT}.npz"


def cache_features(
    shards: Sequence[Path],
    views: Views,
    cache: Path,
    progress: Callable[[int, str], None],
    *,
    workers: int = 1,
) -> None:
    """Computes what is missing in `workers` processes; `progress` hears of every view of a shard: photos, and its name.

    Raises:
        DataError: a shard is damaged, or has no photo.
    """
    work = list(_missing(shards, views, cache))
    for look in {look for own in work for look in own.looks}:
        look.graph_file(cache)
    if workers == 1:
        for own in work:
            progress(_look(own), f"{own.shard.name} view {own.view}")
        return
    with open_pool(workers) as pool:
        for own, count in zip(work, pool.map(_look, work), strict=True):
            progress(count, f"{own.shard.name} view {own.view}")


def cached(shard: Path, views: Views, view: int, cache: Path) -> list[Seen]:
    """What each network sees of one view of a shard, from the cache."""
    work = _Work(shard, file_digest(shard), view, views, views.looks(), cache)
    return [Seen(**load_arrays(work.path(look))) for look in work.looks]


def _missing(shards: Sequence[Path], views: Views, cache: Path) -> Iterator[_Work]:
    """Whole photos first: they are of use without the rest."""
    digests = {shard: file_digest(shard) for shard in shards}
    for view, shard in itertools.product(range(views.augmentation.views), shards):
        own = _Work(shard, digests[shard], view, views, views.looks(), cache)
        missing = tuple(look for look in own.looks if not own.path(look).exists())
        if missing:
            yield replace(own, looks=missing)


def _look(work: _Work) -> int:
    """Computes one view of one shard and writes a file a network; how many photos it has."""
    graphs = {look: Graph(look.graph_file(work.cache)) for look in work.looks}
    found: dict[Look, list[tuple[NDArray[np.float16], ...]]] = {look: [] for look in work.looks}
    keys: list[str] = []
    pixels: list[str] = []
    stream = samples(work.shard)
    while batch := list(itertools.islice(stream, BATCH)):
        pictures = [view_of(sample, work.views, work.view) for sample in batch]
        keys += [sample.key for sample in batch]
        pixels += [picture_digest(picture)[:DIGITS] for picture in pictures]
        values = np.stack([preprocess(picture, work.views.spec) for picture in pictures])
        for look, graph in graphs.items():
            found[look].append(tuple(part.astype(np.float16) for part in graph(values)))
    if not keys:
        raise DataError(f"{work.shard} has no photo to learn from; leave it out.")
    for look, parts in found.items():
        features, logits = (np.concatenate(part) for part in zip(*parts, strict=True))
        known = {"keys": np.array(keys), "pixels": np.array(pixels)}
        save_arrays(work.path(look), {**known, "features": features, "logits": logits})
    return len(keys)


def view_of(sample: Sample, views: Views, view: int) -> PIL.Image.Image:
    """One of the views of a photo, as the networks get it."""
    image = sample.image()
    drawn = draw_views(views.augmentation, sample.key, views.seed, image.width, image.height)[view]
    return replay(image, drawn, views.spec.size)
