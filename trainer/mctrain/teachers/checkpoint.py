"""A checkpoint as a teacher: torch for its towers, and for pretrained trunks ONNX Runtime and what is cached of them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mctrain.data.shards import file_digest
from mctrain.errors import WeightsError
from mctrain.models.lite import Joined, join_logits
from mctrain.teachers.fit.sentences import Sentences
from mctrain.teachers.folds import FOLDS, fold_of, load_folds
from mctrain.teachers.looks import Looks
from mctrain.teachers.towers import Towers
from mctrain.weights.checkpoint import Run, checkpoint_file, load_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.models.heads import Head
    from mctrain.models.lite import LiteShape, LiteTower
    from mctrain.models.minilm import MiniLmTower
    from mctrain.weights.checkpoint import Checkpoint

    Photos = Callable[[Sequence[PIL.Image.Image], Sequence[str]], NDArray[np.float32]]
    Words = Callable[[Sequence[str]], NDArray[np.float32]]


class CheckpointTeacher:
    """Any checkpoint with both towers; one that was fitted in folds judges each photo by a head that has not seen it."""

    def __init__(self, path: Path, cache: Path) -> None:
        """Opens it.

        Raises:
            WeightsError: there is none, it is damaged, it has no text tower, or the heads of its folds are missing.
        """
        file = checkpoint_file(path)
        checkpoint = load_checkpoint(file)
        preset = checkpoint.preset
        folds = load_folds(file.parent, checkpoint)
        files = (file, file.parent / FOLDS) if folds else (file,)
        digest = "-".join(file_digest(own)[:16] for own in files)
        origin = checkpoint.origin
        fitted = isinstance(origin, Run)
        if (
            not fitted and torch.cuda.is_available()
        ):  # the trunks of a fit have ONNX Runtime, its heads are small
            checkpoint.clip.cuda()
        towers = Towers(checkpoint.clip, preset, preset.name or file.parent.name, digest)
        self.name, self.digest = towers.name, towers.digest
        self.width, self.scale, self.spec = towers.width, towers.scale, towers.spec
        # only a fit that tunes no stages leaves the image trunk as its package has it
        kept = isinstance(origin, Run) and origin.recipe.stages is None
        self._photos = _photos_of(checkpoint, folds, cache) if kept else towers.photos
        self._texts = _texts_of(checkpoint, cache) if fitted else towers.texts

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return self._photos(pictures, keys)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return self._texts(texts)


def _photos_of(checkpoint: Checkpoint, folds: list[dict[str, Tensor]], cache: Path) -> Photos:
    shape, spec = cast("LiteShape", checkpoint.preset.image), checkpoint.preset.image_spec()
    tower = cast("LiteTower", checkpoint.clip.image)
    heads = _heads(tower.head, folds)
    factors = tower.trunk.factors if isinstance(tower.trunk, Joined) else torch.ones(1)
    looks = Looks(shape.networks, spec, cache)

    @torch.no_grad()
    def with_heads(pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        vectors = torch.empty(len(keys), checkpoint.preset.dim)
        if not len(keys):
            return vectors.numpy()
        features, logits = looks.of(pictures)
        joined = join_logits(logits, factors)
        folds = torch.tensor([fold_of(key, len(heads)) for key in keys])
        for fold in sorted(set(folds.tolist())):
            rows = folds == fold
            vectors[rows] = heads[fold](features[rows], joined[rows])
        return vectors.numpy()

    return with_heads


def _heads(whole: Head, folds: list[dict[str, Tensor]]) -> list[Head]:
    """A head for each fold, or the one of all photos where there are none."""
    heads = [copy.deepcopy(whole) for _ in folds]
    try:
        for head, state in zip(heads, folds, strict=True):
            head.load_state_dict(state)
    except (RuntimeError, TypeError) as fault:
        raise WeightsError(f"{FOLDS} holds heads of another fit; `mctrain teach` writes it again.") from fault
    return heads or [whole]


def _texts_of(checkpoint: Checkpoint, cache: Path) -> Words:
    tower = cast("MiniLmTower", checkpoint.clip.text)
    sentences = Sentences(tower.trunk, cache)

    @torch.no_grad()
    def with_head(texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = sentences.of(texts, lambda *_: None)
        return cast("Tensor", tower.head(torch.from_numpy(vectors.astype(np.float32)))).numpy()

    return with_head
