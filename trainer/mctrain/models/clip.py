"""Two towers that speak one space: frozen trunks with the trained heads on top."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from mctrain.models import lite, minilm
from mctrain.models.heads import Head, HeadShape

if TYPE_CHECKING:
    from mctrain.recipe import HeadTable


class Heads(nn.Module):
    """What is trained: a head for photos, a head for texts, and the factor that sharpens their cosines."""

    def __init__(self, table: HeadTable, temperature: float = 20.0) -> None:
        super().__init__()
        self.image = Head(
            HeadShape(
                features=lite.FEATURES,
                hidden=table.image_hidden,
                dim=table.dim,
                dropout=table.image_dropout,
                input_dropout=table.image_input_dropout,
                classes=lite.CLASSES if table.branch else 0,
                branch=table.branch,
            )
        )
        self.text = Head(
            HeadShape(
                features=minilm.WIDTH,
                hidden=table.text_hidden,
                dim=table.dim,
                dropout=table.text_dropout,
                input_dropout=table.text_input_dropout,
            )
        )
        self.log_scale = nn.Parameter(torch.tensor(math.log(temperature)))

    def scale(self) -> Tensor:
        """The factor itself; `limit_scale` keeps its logarithm within bounds."""
        return self.log_scale.exp()


class ImageTower(nn.Module):
    """Normalised photos [n, 3, 224, 224] → unit vectors [n, dim]."""

    def __init__(self, trunk: lite.Lite0, head: Head) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeds photos."""
        if self.head.branch is None:
            return cast("Tensor", self.head(self.trunk.pooled(pixels)))
        features, logits = self.trunk(pixels)
        return cast("Tensor", self.head(features, logits))


class TextTower(nn.Module):
    """Token ids [n, tokens], padded with 0 → unit vectors [n, dim]."""

    def __init__(self, trunk: minilm.MiniLM, head: Head) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, ids: Tensor) -> Tensor:
        """Embeds texts."""
        return cast("Tensor", self.head(self.trunk(ids)))


def build_towers(heads: Heads) -> tuple[ImageTower, TextTower]:
    """The whole towers, frozen, with only what their vectors depend on: the classifier stays only where a branch reads it."""
    trunk = lite.load_lite0()
    if heads.image.branch is None:
        trunk.drop_classifier()
    towers = ImageTower(trunk, heads.image), TextTower(minilm.load_minilm(), heads.text)
    for tower in towers:
        tower.eval().requires_grad_(requires_grad=False)
    return towers
