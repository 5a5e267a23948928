"""What pretrained networks see in pictures: from the cache where these very pixels were seen before, else computed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.data.augment.records import View
from mctrain.data.augment.replay import picture_digest, replay
from mctrain.graphs.graph import Graph
from mctrain.teachers.fit.arrays import load_array, load_arrays
from mctrain.teachers.fit.features import DIGITS, LAYOUT, looks_of
from picsight_engine.models.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.teachers.fit.features import Look
    from picsight_engine.models.bundle import ImageSpec

    _Known = tuple[NDArray[np.float16], NDArray[np.float16]]

_FILES_AT_ONCE = 12  # of some 11 MB each, a network: the views of a shard


class Looks:
    """Several networks over the same pictures of one size."""

    def __init__(self, networks: Sequence[str], spec: ImageSpec, cache: Path) -> None:
        self._spec = spec
        self._networks = [_Network(look, cache) for look in looks_of(networks, spec.size)]

    def of(self, pictures: Sequence[PIL.Image.Image]) -> tuple[Tensor, Tensor]:
        """RGB pictures → features [n, networks * 1280] and logits [networks, n, 1000], rounded to halves as in the cache."""
        size = (self._spec.size, self._spec.size)
        squares = [own if own.size == size else self._squash(own) for own in pictures]
        digests = [picture_digest(own)[:DIGITS] for own in squares]
        looks = [network.of(squares, digests, self._spec) for network in self._networks]
        features = np.concatenate([own for own, _ in looks], axis=1).astype(np.float32)
        logits = np.stack([own for _, own in looks]).astype(np.float32)
        return torch.from_numpy(features), torch.from_numpy(logits)

    def _squash(self, picture: PIL.Image.Image) -> PIL.Image.Image:
        return replay(picture, View(None), self._spec.size)


class _Network:
    """One network, the pixels that it has seen, and its graph for those that it has not."""

    def __init__(self, look: Look, cache: Path) -> None:
        self._look, self._cache = look, cache
        self._graph: Graph | None = None
        self._places: dict[str, tuple[Path, int]] = {}
        for path in sorted(cache.glob(f"seen-{look.name}-*-{LAYOUT}.npz")):
            for row, digest in enumerate(load_array(path, "pixels").tolist()):
                self._places[digest] = (path, row)
        self._load = lru_cache(_FILES_AT_ONCE)(load_arrays)

    def of(self, squares: Sequence[PIL.Image.Image], digests: Sequence[str], spec: ImageSpec) -> _Known:
        """Features [n, 1280] and logits [n, 1000]."""
        missing = [row for row, digest in enumerate(digests) if digest not in self._places]
        fresh = dict(zip(missing, self._compute([squares[row] for row in missing], spec), strict=True))
        rows = [fresh[row] if row in fresh else self._known(digest) for row, digest in enumerate(digests)]
        features, logits = zip(*rows, strict=True)
        return np.stack(features), np.stack(logits)

    def _known(self, digest: str) -> _Known:
        path, row = self._places[digest]
        arrays = self._load(path)
        return arrays["features"][row], arrays["logits"][row]

    def _compute(self, squares: Sequence[PIL.Image.Image], spec: ImageSpec) -> list[_Known]:
        if not squares:
            return []
        if self._graph is None:
            self._graph = Graph(self._look.graph_file(self._cache))
        features, logits = self._graph(np.stack([preprocess(own, spec) for own in squares]))
        return list(zip(features.astype(np.float16), logits.astype(np.float16), strict=True))
