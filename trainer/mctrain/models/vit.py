"""The ViT image towers: ViT-B/16 with a convolutional stem, and ViT-L/14 with a single patch convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.models.blocks import TransformerLayer

if TYPE_CHECKING:
    from collections.abc import Iterable

_INITIAL = 0.02
_CLASS_INITIAL = 1e-6


@dataclass(frozen=True, slots=True)
class VitShape:
    """A ViT tower's parameters: patches of `patch` pixels, `grid` of them on a side.

    With `stem` it is ViT-B's form: three convolutions, no position for the class token. Without it is ViT-L's: one
    convolution, a position for the class token, a norm before the layers. `padding` of the stem's first convolution and
    `epsilon` of the norms are 1 and 1e-5 in Apple's first code, 0 and 1e-6 in timm.
    """

    width: int
    layers: int
    patch: int
    grid: int
    stem: bool
    padding: int
    epsilon: float


class StemConv(nn.Module):
    """A non-overlapping convolution, BatchNorm, GELU."""

    def __init__(self, cin: int, cout: int, side: int, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, side, side, padding, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(cout)

    def forward(self, x: Tensor) -> Tensor:
        """[n, cin, h, w] → [n, cout, h / side, w / side]."""
        return F.gelu(self.bn(self.conv(x)))


class ConvStem(nn.Module):
    """Three convolutions of strides 4, 2, 2 instead of one of 16."""

    def __init__(self, width: int, padding: int) -> None:
        super().__init__()
        inner = width // 4
        self.first = StemConv(3, inner, 4, padding)
        self.second = StemConv(inner, inner, 2)
        self.last = nn.Conv2d(inner, width, 2, 2)

    def forward(self, pixels: Tensor) -> Tensor:
        """[n, 3, size, size] → [n, width, size / 16, size / 16]."""
        return cast("Tensor", self.last(self.second(self.first(pixels))))


class Vit(nn.Module):
    """Photos [n, 3, size, size] → embeddings [n, dim], not of unit length."""

    def __init__(self, shape: VitShape, dim: int, *, head_bias: bool) -> None:
        super().__init__()
        width, patches = shape.width, shape.grid**2
        self.patches: nn.Module = (
            ConvStem(width, shape.padding)
            if shape.stem
            else nn.Conv2d(3, width, shape.patch, shape.patch, bias=False)
        )
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, patches if shape.stem else patches + 1, width))
        self.class_has_position = not shape.stem
        self.norm_before = None if shape.stem else nn.LayerNorm(width, eps=shape.epsilon)
        self.layers = nn.ModuleList(
            TransformerLayer(width, epsilon=shape.epsilon) for _ in range(shape.layers)
        )
        self.norm = nn.LayerNorm(width, eps=shape.epsilon)
        self.head = nn.Linear(width, dim, bias=head_bias)
        self._initialise()

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeds normalised photos."""
        x = self.patches(pixels).flatten(2).transpose(1, 2)  # [n, patches, width]
        # len(x) would make the exported batch size constant
        first = self.class_token.expand(x.shape[0], -1, -1)
        if self.class_has_position:
            x = torch.cat([first, x], 1) + self.positions
        else:
            x = torch.cat([first, x + self.positions], 1)  # [n, 1 + patches, width]
        if self.norm_before is not None:
            x = self.norm_before(x)
        *before, last = cast("Iterable[TransformerLayer]", self.layers)
        for layer in before:
            x = layer(x)
        pooled = last.at(x, x.new_zeros(x.shape[0], dtype=torch.int64))  # [n, width]: the class token's row
        return cast("Tensor", self.head(self.norm(pooled)))

    def _initialise(self) -> None:
        nn.init.normal_(self.class_token, std=_CLASS_INITIAL)
        nn.init.trunc_normal_(self.positions, std=_INITIAL)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=_INITIAL)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
