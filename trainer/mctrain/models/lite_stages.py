"""EfficientNet-Lite in two halves: frozen lower stages, whose maps are computed once, and trainable upper stages.

The upper half is implemented as matrix products over [channels, places, photos], with one matrix of places per channel for
depthwise convolutions, and BatchNorm folded in. It equals timm's, and trains about twice as fast on a CPU as torch's
convolutions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

if TYPE_CHECKING:
    from mctrain.models.lite import Lite

_CEILING = 6.0  # maximum of ReLU6


class LowerStages(nn.Module):
    """Photos [n, 3, size, size] → the maps before the stage `first` as [n, places, channels]."""

    def __init__(self, network: Lite, first: int) -> None:
        super().__init__()
        whole = cast("Any", network.network)
        self.stem = nn.Sequential(whole.conv_stem, whole.bn1)
        self.stages = nn.Sequential(*whole.blocks[:first])

    def forward(self, pixels: Tensor) -> Tensor:
        """Computes the maps."""
        maps = self.stages(self.stem(pixels))  # [n, channels, side, side]
        return cast("Tensor", maps.flatten(2).transpose(1, 2))


class _Linear(nn.Module):
    """A 1x1 convolution with its BatchNorm: a weight [to, from] and a bias [to]."""

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        weight, bias = _folded(convolution, norm)
        self.weight = nn.Parameter(weight.flatten(1))
        self.bias = nn.Parameter(bias)

    def forward(self, maps: Tensor) -> Tensor:
        """[from, places, n] → [to, places, n]."""
        # flat: [to, places * n]
        flat = torch.addmm(self.bias[:, None].to(maps.dtype), self.weight.to(maps.dtype), maps.flatten(1))
        return flat.view(-1, *maps.shape[1:])


class _Depthwise(nn.Module):
    """A depthwise convolution with its BatchNorm: taps [channels, kernel²] and a bias [channels].

    A channel's matrix [places out, places in] holds the tap between each pair of places; an index equal to the number of
    taps selects a zero.
    """

    index: Tensor

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d, side: int) -> None:
        super().__init__()
        weight, bias = _folded(convolution, norm)
        self.taps = nn.Parameter(weight.flatten(1))
        self.bias = nn.Parameter(bias)
        kernel, stride = convolution.kernel_size[0], convolution.stride[0]
        self.side = math.ceil(side / stride)
        self.register_buffer("index", _crossings(side, self.side, kernel, stride), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """[channels, places, n] → [channels, places out, n]."""
        matrices = F.pad(self.taps, (0, 1)).to(maps.dtype)[:, self.index]  # [channels, out, in]
        return torch.baddbmm(self.bias[:, None, None].to(maps.dtype), matrices, maps)


class _Block(nn.Module):
    """Expansion, depthwise convolution, projection; residual if the shape is unchanged."""

    def __init__(self, block: Any, side: int) -> None:
        super().__init__()
        self.widen = _Linear(block.conv_pw, block.bn1)
        self.around = _Depthwise(block.conv_dw, block.bn2, side)
        self.narrow = _Linear(block.conv_pwl, block.bn3)
        self.adds = bool(block.has_skip)

    def forward(self, maps: Tensor) -> Tensor:
        """[channels, places, n] → [channels out, places out, n]."""
        wide = F.hardtanh(self.widen(maps), 0.0, _CEILING, inplace=True)
        seen = F.hardtanh(self.around(wide), 0.0, _CEILING, inplace=True)
        narrow = self.narrow(seen)
        return cast("Tensor", narrow + maps if self.adds else narrow)


class UpperStages(nn.Module):
    """Maps [n, places, channels] before the stage `first` → pooled features [n, 1280]; products use the type `numbers`."""

    def __init__(self, network: Lite, first: int, side: int, numbers: torch.dtype = torch.float32) -> None:
        """`side` is the side of the maps, in places."""
        super().__init__()
        self._numbers = numbers
        self.blocks = nn.ModuleList()
        for block in _blocks(network, first):
            upper = _Block(block, side)
            side = upper.around.side
            self.blocks.append(upper)
        whole = cast("Any", network.network)
        self.last = _Linear(whole.conv_head, whole.bn2)

    def forward(self, maps: Tensor) -> Tensor:
        """Computes the features."""
        inner = maps.to(self._numbers).permute(2, 1, 0).contiguous()  # [channels, places, n]
        for block in self.blocks:
            inner = block(inner)
        inner = F.hardtanh(self.last(inner), 0.0, _CEILING, inplace=True)  # [1280, places, n]
        return inner.float().mean(1).T

    @torch.no_grad()
    def write_back(self, network: Lite, first: int) -> None:
        """Writes the trained weights into the network: BatchNorm keeps its statistics and scales, so convolutions are unfolded."""
        for upper, block in zip(self.blocks, _blocks(network, first), strict=True):
            upper = cast("_Block", upper)
            unfold(block.conv_pw, block.bn1, upper.widen.weight, upper.widen.bias)
            unfold(block.conv_dw, block.bn2, upper.around.taps, upper.around.bias)
            unfold(block.conv_pwl, block.bn3, upper.narrow.weight, upper.narrow.bias)
        whole = cast("Any", network.network)
        unfold(whole.conv_head, whole.bn2, self.last.weight, self.last.bias)


def _blocks(network: Lite, first: int) -> list[Any]:
    stages = cast("Any", network.network).blocks[first:]
    return [block for stage in stages for block in stage]


def _scale(norm: nn.BatchNorm2d) -> Tensor:
    """BatchNorm's factor per channel, from its statistics."""
    return norm.weight / torch.sqrt(cast("Tensor", norm.running_var) + norm.eps)


@torch.no_grad()
def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    scale = _scale(norm)
    return convolution.weight * scale[:, None, None, None], norm.bias - cast(
        "Tensor", norm.running_mean
    ) * scale


@torch.no_grad()
def unfold(convolution: nn.Conv2d, norm: nn.BatchNorm2d, weight: Tensor, bias: Tensor) -> None:
    """Splits a folded weight [cout, cin / groups * kh * kw, in any shape] and bias [cout] into a convolution and its norm."""
    scale = _scale(norm)
    convolution.weight.copy_(weight.view_as(convolution.weight) / scale[:, None, None, None])
    norm.bias.copy_(bias + cast("Tensor", norm.running_mean) * scale)


def _crossings(side: int, out: int, kernel: int, stride: int) -> Tensor:
    """The index of the tap between each place in and out [out², side²], with TensorFlow's SAME padding; kernel² for none."""
    padding = max((out - 1) * stride + kernel - side, 0) // 2  # the smaller half comes first
    steps = torch.arange(side)[None, :] + padding - stride * torch.arange(out)[:, None]  # [out, side]
    there = (steps >= 0) & (steps < kernel)
    taps = steps[:, None, :, None] * kernel + steps[None, :, None, :]  # [out, out, side, side]: rows first
    reached = there[:, None, :, None] & there[None, :, None, :]
    return torch.where(reached, taps, kernel * kernel).reshape(out * out, side * side)
