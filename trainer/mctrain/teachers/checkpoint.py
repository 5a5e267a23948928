"""A checkpoint as a teacher: torch for its towers, and for pretrained trunks ONNX Runtime and what is cached of them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.data.shards import file_digest
from mctrain.errors import WeightsError
from mctrain.models.lite import Joined, LiteShape, join_logits
from mctrain.models.minilm import MiniLmShape
from mctrain.teachers.fit.sentences import Sentences
from mctrain.teachers.folds import FOLDS, fold_of, load_folds
from mctrain.teachers.looks import Looks
from mctrain.tokens.tokenizer import load_tokenizer
from mctrain.weights.checkpoint import CHECKPOINT, load_checkpoint
from picsight_engine.models.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import PIL.Image
    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.models.heads import Head
    from mctrain.models.lite import LiteTower
    from mctrain.models.minilm import MiniLmTower
    from mctrain.weights.checkpoint import Checkpoint

    Tower = Callable[[Sequence[PIL.Image.Image], Sequence[str]], Tensor]
    Words = Callable[[Sequence[str]], Tensor]

_BATCH = 8
_TEXTS = 32


class CheckpointTeacher:
    """Any checkpoint with both towers; one that was fitted in folds judges each photo by a head that has not seen it."""

    def __init__(self, path: Path, cache: Path) -> None:
        """Opens it.

        Raises:
            WeightsError: there is none, it is damaged, it has no text tower, or the heads of its folds are missing.
        """
        file = path / CHECKPOINT if path.is_dir() else path
        checkpoint = load_checkpoint(file)
        if checkpoint.clip.text is None:
            raise WeightsError(f"{file} has no text tower, so it can judge nothing; choose a whole model.")
        self.name = checkpoint.preset.name or file.parent.name
        self.width = checkpoint.preset.dim
        self.scale = round(checkpoint.clip.scale().item(), 4)
        self.spec = checkpoint.preset.image_spec()
        folds = load_folds(file.parent, checkpoint)
        files = (file, file.parent / FOLDS) if folds else (file,)
        self.digest = "-".join(file_digest(own)[:16] for own in files)
        self._photos = _photos_of(checkpoint, folds, cache)
        self._texts = _texts_of(checkpoint, cache)

    @torch.no_grad()
    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        parts = [
            self._photos(pictures[start : start + _BATCH], keys[start : start + _BATCH])
            for start in range(0, len(pictures), _BATCH)
        ]
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        return self._texts(texts).numpy()


def _photos_of(checkpoint: Checkpoint, folds: list[dict[str, Tensor]], cache: Path) -> Tower:
    shape, spec = checkpoint.preset.image, checkpoint.preset.image_spec()
    if not isinstance(shape, LiteShape):

        def whole(pictures: Sequence[PIL.Image.Image], _keys: Sequence[str]) -> Tensor:
            pixels = np.stack([preprocess(picture, spec) for picture in pictures])
            return F.normalize(checkpoint.clip.image(torch.from_numpy(pixels)), dim=1)

        return whole

    tower = cast("LiteTower", checkpoint.clip.image)
    heads = _heads(tower.head, folds)
    factors = tower.trunk.factors if isinstance(tower.trunk, Joined) else torch.ones(1)
    looks = Looks(shape.networks, spec, cache)

    def with_heads(pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> Tensor:
        features, logits = looks.of(pictures)
        joined = join_logits(logits, factors)
        folds = torch.tensor([fold_of(key, len(heads)) for key in keys])
        vectors = torch.empty(len(keys), checkpoint.preset.dim)
        for fold in sorted(set(folds.tolist())):
            rows = folds == fold
            vectors[rows] = heads[fold](features[rows], joined[rows])
        return vectors

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
    shape, tower = checkpoint.preset.text, cast("Any", checkpoint.clip.text)
    if isinstance(shape, MiniLmShape):
        own = cast("MiniLmTower", tower)
        sentences = Sentences(own.trunk, cache)

        def with_head(texts: Sequence[str]) -> Tensor:
            vectors = sentences.of(texts, lambda *_: None)
            return cast("Tensor", own.head(torch.from_numpy(vectors.astype(np.float32))))

        return with_head

    tokenizer = load_tokenizer(shape)

    def whole(texts: Sequence[str]) -> Tensor:
        ids = torch.from_numpy(tokenizer.encode(list(texts)))
        return torch.cat([F.normalize(tower(part), dim=1) for part in torch.split(ids, _TEXTS)])

    return whole
