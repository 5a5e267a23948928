"""A checkpoint as a teacher: runs towers in torch, and pretrained trunks in ONNX Runtime with cached features."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mctrain.data.replay import picture_digest, replay
from mctrain.data.shards import file_digest
from mctrain.data.views import DrawnView
from mctrain.errors import WeightsError
from mctrain.models.graph import Graph
from mctrain.models.lite import JoinedNetworks, join_logits
from mctrain.teachers.fit.features import DIGITS, LAYOUT, load_arrays, sized_networks
from mctrain.teachers.fit.text_vectors import TrunkVectors
from mctrain.teachers.folds import FOLDS, fold_of, load_folds
from mctrain.teachers.towers import ModelTeacher
from mctrain.weights.checkpoint import HeadFit, checkpoint_file, load_checkpoint
from picsight_engine.bundles.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.models.blocks import Head
    from mctrain.models.lite import LiteShape, LiteTower
    from mctrain.models.minilm import MiniLmTower
    from mctrain.teachers.fit.features import SizedNetwork
    from mctrain.weights.checkpoint import Checkpoint
    from picsight_engine.bundles.bundle import ImageSpec

    _Known = tuple[NDArray[np.float16], NDArray[np.float16]]


_FILES_AT_ONCE = 12  # cached files per network, 11 MB each: the views of a shard


class FeatureExtractor:
    """Several networks applied to the same pictures."""

    def __init__(self, networks: Sequence[str], spec: ImageSpec, cache: Path) -> None:
        self._spec = spec
        self._networks = [_Network(network, cache) for network in sized_networks(networks, spec.size)]

    def of(self, pictures: Sequence[PIL.Image.Image]) -> tuple[Tensor, Tensor]:
        """RGB pictures → features [n, networks * 1280] and logits [networks, n, 1000], rounded to float16 as in the cache."""
        size = (self._spec.size, self._spec.size)
        squares = [
            picture if picture.size == size else replay(picture, DrawnView(None), self._spec.size)
            for picture in pictures
        ]
        digests = [picture_digest(each)[:DIGITS] for each in squares]
        outputs = [network.of(squares, digests, self._spec) for network in self._networks]
        features = np.concatenate([each for each, _ in outputs], axis=1).astype(np.float32)
        logits = np.stack([each for _, each in outputs]).astype(np.float32)
        return torch.from_numpy(features), torch.from_numpy(logits)


class _Network:
    """A network with its cached outputs by pixels, and its graph for new pixels."""

    def __init__(self, network: SizedNetwork, cache: Path) -> None:
        self._sized, self._cache = network, cache
        self._graph: Graph | None = None
        self._places: dict[str, tuple[Path, int]] = {}
        for path in sorted(cache.glob(f"seen-{network.name}-*-{LAYOUT}.npz")):
            for row, digest in enumerate(load_arrays(path, ["pixels"])["pixels"].tolist()):
                self._places[digest] = (path, row)
        self._load = lru_cache(_FILES_AT_ONCE)(load_arrays)

    def of(self, squares: Sequence[PIL.Image.Image], digests: Sequence[str], spec: ImageSpec) -> _Known:
        """Features [n, 1280] and logits [n, 1000]."""
        missing = [row for row, digest in enumerate(digests) if digest not in self._places]
        fresh = dict(zip(missing, self._compute([squares[row] for row in missing], spec), strict=True))
        rows = []
        for row, digest in enumerate(digests):
            if row not in fresh:
                path, place = self._places[digest]
                arrays = self._load(path)
                fresh[row] = arrays["features"][place], arrays["logits"][place]
            rows.append(fresh[row])
        features, logits = zip(*rows, strict=True)
        return np.stack(features), np.stack(logits)

    def _compute(self, squares: Sequence[PIL.Image.Image], spec: ImageSpec) -> list[_Known]:
        if not squares:
            return []
        if self._graph is None:
            self._graph = Graph(self._sized.graph_file(self._cache))
        features, logits = self._graph(np.stack([preprocess(each, spec) for each in squares]))
        return list(zip(features.astype(np.float16), logits.astype(np.float16), strict=True))


class FittedTeacher(ModelTeacher):
    """A fit: a package's trunks run in ONNX Runtime, and a head that was not trained on a photo embeds it."""

    def __init__(
        self, checkpoint: Checkpoint, name: str, digest: str, folds: list[dict[str, Tensor]], cache: Path
    ) -> None:
        """Raises WeightsError if `folds` are heads of another fit."""
        super().__init__(checkpoint.clip, checkpoint.preset, name, digest)
        tower = cast("LiteTower", checkpoint.clip.image)
        self._text = cast("MiniLmTower", checkpoint.clip.text)
        self._heads = _heads(tower.head, folds)
        self._factors = tower.trunk.factors if isinstance(tower.trunk, JoinedNetworks) else torch.ones(1)
        networks = cast("LiteShape", checkpoint.preset.image).networks
        # Tuned stages are in no package, so such a trunk runs as any tower.
        is_tuned = cast("HeadFit", checkpoint.origin).recipe.stages is not None
        self._extractor = None if is_tuned else FeatureExtractor(networks, self.spec, cache)
        self._sentences = TrunkVectors(self._text.trunk, cache)

    @torch.no_grad()
    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        if self._extractor is None or not len(keys):
            return super().photos(pictures, keys)
        features, logits = self._extractor.of(pictures)
        joined = join_logits(logits, self._factors)
        folds = torch.tensor([fold_of(key, len(self._heads)) for key in keys])
        vectors = torch.empty(len(keys), self.width)
        for fold in sorted(set(folds.tolist())):
            rows = folds == fold
            vectors[rows] = self._heads[fold](features[rows], joined[rows])
        return vectors.numpy()

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        vectors = self._sentences.of(texts, lambda *_: None)
        return cast("Tensor", self._text.head(torch.from_numpy(vectors.astype(np.float32)))).numpy()


def open_checkpoint(path: Path, cache: Path) -> ModelTeacher:
    """Any checkpoint with both towers as a teacher.

    Raises:
        WeightsError: there is none, it is damaged, it has no text tower, or the heads of its folds are missing.
    """
    file = checkpoint_file(path)
    checkpoint = load_checkpoint(file)
    preset = checkpoint.preset
    folds = load_folds(file.parent, checkpoint)
    files = (file, file.parent / FOLDS) if folds else (file,)
    name, digest = preset.name or file.parent.name, "-".join(file_digest(each)[:16] for each in files)
    if isinstance(checkpoint.origin, HeadFit):
        return FittedTeacher(checkpoint, name, digest, folds, cache)
    if torch.cuda.is_available():
        checkpoint.clip.cuda()
    return ModelTeacher(checkpoint.clip, preset, name, digest)


def _heads(whole: Head, folds: list[dict[str, Tensor]]) -> list[Head]:
    """A head for each fold, or the one for all photos if there are no folds."""
    heads = [copy.deepcopy(whole) for _ in folds]
    try:
        for head, state in zip(heads, folds, strict=True):
            head.load_state_dict(state)
    except (RuntimeError, TypeError) as fault:
        raise WeightsError(f"{FOLDS} holds heads of another fit; `mctrain teach` writes it again.") from fault
    return heads or [whole]
