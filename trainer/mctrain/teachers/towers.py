"""A model in memory as a teacher, so that a student is measured like any other model."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.errors import WeightsError
from mctrain.models.tokenizer import load_tokenizer
from picsight_engine.bundles.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import PIL.Image
    from numpy.typing import NDArray
    from torch import nn

    from mctrain.models.clip import Clip
    from mctrain.models.presets import Preset

_PHOTOS = 8
_TEXTS = 32


class ModelTeacher:
    """A model with both towers, on its device; embeds in evaluation mode and restores the previous mode."""

    def __init__(self, clip: Clip, preset: Preset, name: str, digest: str) -> None:
        """Loads the tokenizer; raises WeightsError if the model has no text tower."""
        if clip.text is None:
            raise WeightsError(f"{name} has no text tower, so it can judge nothing; choose a whole model.")
        self.name = name
        self.digest = digest
        self.width = preset.dim
        self.scale = round(clip.scale().item(), 4)
        self.spec = preset.image_spec()
        self._clip = clip
        self._tokenizer = load_tokenizer(preset.text)
        self._device = next(clip.parameters()).device

    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]; `keys` are ignored."""
        assert len(pictures) == len(keys)
        parts = [pictures[start : start + _PHOTOS] for start in range(0, len(pictures), _PHOTOS)]
        stacked = (np.stack([preprocess(each, self.spec) for each in part]) for part in parts)
        return self._embed(self._clip.image, stacked)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        order = np.argsort([len(text) for text in texts], kind="stable")  # padded to the longest of a batch
        parts = [order[start : start + _TEXTS] for start in range(0, len(order), _TEXTS)]
        ids = (self._tokenizer.encode([texts[row] for row in part]) for part in parts)
        vectors = np.empty((len(texts), self.width), np.float32)
        vectors[order] = self._embed(cast("nn.Module", self._clip.text), ids)
        return vectors

    @torch.no_grad()
    def _embed(self, tower: nn.Module, parts: Iterator[NDArray[np.generic]]) -> NDArray[np.float32]:
        modes = [each.training for each in tower.modules()]
        tower.eval()
        vectors = [F.normalize(tower(torch.from_numpy(part).to(self._device)), dim=1) for part in parts]
        for module, mode in zip(tower.modules(), modes, strict=True):
            module.training = mode
        return (
            torch.cat([each.float().cpu() for each in vectors]).numpy()
            if vectors
            else np.empty((0, self.width), np.float32)
        )


def weights_digest(module: nn.Module) -> str:
    """The first 16 hex digits of a SHA-256 over all weights and their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return digest.hexdigest()[:16]
