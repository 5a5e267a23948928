"""Joins an image tower and a text tower of the MobileCLIP family into the model that is trained, loaded and exported."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.models.mci import Mci, MciShape
from mctrain.models.scale import LARGEST_SCALE, limit_scale
from mctrain.models.text import Text
from mctrain.models.vit import Vit

if TYPE_CHECKING:
    from mctrain.models.presets import Preset

FIRST_SCALE = 1 / 0.07


class MobileClip(nn.Module):
    """Two towers and the logarithm of the factor that sharpens their cosines; `text` is None for an image tower alone."""

    text: Text | None

    def __init__(self, preset: Preset, *, with_text: bool = True) -> None:
        super().__init__()
        kind = Mci if isinstance(preset.image, MciShape) else Vit
        self.image = kind(preset.image, preset.dim, head_bias=preset.head_bias)  # type: ignore[arg-type]
        self.text = Text(preset.text, preset.dim) if with_text else None
        self.logit_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE))) if with_text else None

    def scale(self) -> Tensor:
        """The factor itself; `limit_scale` keeps its logarithm within bounds."""
        if self.logit_scale is None:
            return torch.tensor(LARGEST_SCALE)
        return self.logit_scale.exp()

    def limit_scale(self) -> None:
        """Keeps the factor between 1 and 100, where there is one."""
        if self.logit_scale is not None:
            limit_scale(self.logit_scale)

    def forward(self, pixels: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Photos [n, 3, size, size] and token ids [m, 77] → unit vectors [n, dim] and [m, dim], and the factor."""
        assert self.text is not None
        return F.normalize(self.image(pixels), dim=1), F.normalize(self.text(ids), dim=1), self.scale()


class UnitVectors(nn.Module):
    """A tower whose embeddings come out at unit length, as the engine wants them."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, batch: Tensor) -> Tensor:
        """A batch of the tower's input → [n, dim]."""
        return F.normalize(self.tower(batch), dim=1)
