"""MCi, MobileCLIP's convolutional image towers (FastViT with a few additions), MCi0 to MCi4.

photo → stem (1/4 of the size) → stages, each but the first with downsampling → wide convolution → mean → head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from mctrain.models.blocks import (
    ConvFfn,
    ConvNorm,
    LayerScale,
    MobileOne,
    RepMixerBlock,
    SelfAttention,
    SqueezeExcite,
)

HEAD_WIDTH = 32
_MIXER: tuple[int, int] = (3, 3)
_WIDE: tuple[int, int] = (7, 7)
_INITIAL = 0.02


@dataclass(frozen=True, slots=True)
class MciShape:
    """An MCi tower's parameters; the two lists and `ratio` as in the paper, stages counted from 0.

    `attention`: the stages with attention instead of RepMixer, each preceded by a learnt position encoding.
    `excite`: the stages whose downsampling has squeeze-and-excite. `large`: the form of MCi3 and MCi4, a stem without
    1x1 branches and LayerNorm instead of BatchNorm before attention.
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]
    ratio: int
    attention: tuple[int, ...]
    excite: tuple[int, ...]
    large: bool = False


class LargeKernel(nn.Module):
    """Halves the map and doubles the channels, two from each: a 7x7 and a 3x3 depthwise convolution, summed."""

    def __init__(self, cin: int, cout: int, *, excite: bool) -> None:
        super().__init__()
        self.large = ConvNorm(cin, cout, _WIDE, stride=2, groups=cin)
        self.small = ConvNorm(cin, cout, (3, 3), stride=2, groups=cin)
        self.se: nn.Module = SqueezeExcite(cout, cout // 4) if excite else nn.Identity()
        self.act: nn.Module = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """[n, cin, h, w] → [n, cout, h / 2, w / 2]."""
        return cast("Tensor", self.act(self.se(self.large(x) + self.small(x))))


class Downsample(nn.Module):
    """Downsampling at the start of a stage: the large kernel, then a pointwise mix of channels."""

    def __init__(self, cin: int, cout: int, *, excite: bool) -> None:
        super().__init__()
        self.expand: nn.Module = LargeKernel(cin, cout, excite=excite)
        self.point: nn.Module = MobileOne(cout, cout, (1, 1), scale=False)

    def forward(self, x: Tensor) -> Tensor:
        """[n, cin, h, w] → [n, cout, h / 2, w / 2]."""
        return cast("Tensor", self.point(self.expand(x)))


class Positions(nn.Module):
    """Conditional position encoding (RepCPE): each channel plus a depthwise convolution with zero padding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, _WIDE, padding=3, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → the same shape."""
        return x + cast("Tensor", self.conv(x))


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each position."""

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class AttentionBlock(nn.Module):
    """Mixes all positions of the map by attention in heads of 32, then channels as in the RepMixer block."""

    def __init__(self, channels: int, hidden: int, *, large: bool) -> None:
        super().__init__()
        self.norm: nn.Module = ChannelNorm(channels) if large else nn.BatchNorm2d(channels)
        self.attention = SelfAttention(channels, head=HEAD_WIDTH, bias=False)
        self.layer_scale_1: nn.Module = LayerScale(channels)
        self.ffn = ConvFfn(channels, hidden, _WIDE)
        self.layer_scale_2: nn.Module = LayerScale(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → the same shape."""
        rows = self.attention(self.norm(x).flatten(2).transpose(1, 2))  # [n, h·w, c]
        x = x + self.layer_scale_1(rows.transpose(1, 2).reshape(x.shape))
        return x + cast("Tensor", self.layer_scale_2(self.ffn(x)))


class MciStage(nn.Module):
    """Blocks at one resolution."""

    def __init__(self, shape: MciShape, index: int) -> None:
        super().__init__()
        width, hidden = shape.widths[index], shape.widths[index] * shape.ratio
        attends = index in shape.attention
        self.downsample = (
            Downsample(shape.widths[index - 1], width, excite=index in shape.excite) if index else None
        )
        self.positions: nn.Module | None = Positions(width) if attends else None
        self.blocks = nn.ModuleList(
            AttentionBlock(width, hidden, large=shape.large)
            if attends
            else RepMixerBlock(width, hidden, _MIXER, _WIDE, scale=True)
            for _ in range(shape.depths[index])
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, c of the stage before, h, w] → [n, c, h / 2, w / 2]; the first stage keeps size and width."""
        for step in (self.downsample, self.positions, *self.blocks):
            if step is not None:
                x = step(x)
        return x


class Mci(nn.Module):
    """Photos [n, 3, size, size] → embeddings [n, dim], not of unit length."""

    def __init__(self, shape: MciShape, dim: int, *, head_bias: bool) -> None:
        super().__init__()
        first, last = shape.widths[0], shape.widths[-1]
        branches = not shape.large
        self.stem = nn.Sequential(
            MobileOne(3, first, (3, 3), stride=2, scale=branches),
            MobileOne(first, first, (3, 3), stride=2, groups=first, scale=branches),
            MobileOne(first, first, (1, 1), scale=False),
        )
        self.stages = nn.ModuleList(MciStage(shape, index) for index in range(len(shape.depths)))
        self.final: nn.Module = MobileOne(last, 2 * last, (3, 3), groups=last, scale=True, se=2 * last // 16)
        self.head = nn.Linear(2 * last, dim, bias=head_bias)
        self.apply(_initialise)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeds normalised photos."""
        x = self.stem(pixels)  # [n, c, size / 4, size / 4]
        for stage in self.stages:
            x = stage(x)
        x = self.final(x)  # [n, 2·c, size / 32, size / 32], or a 64th after five stages
        return cast("Tensor", self.head(x.mean((2, 3))))


def _initialise(module: nn.Module) -> None:
    """Initialises linear maps and the networks after the mixers with small weights; the rest keeps torch's defaults."""
    layers: tuple[nn.Module, ...] = ()
    if isinstance(module, nn.Linear):
        layers = (module,)
    elif isinstance(module, ConvFfn):
        layers = (cast("ConvNorm", module.depthwise).conv, module.fc1, module.fc2)
    for layer in layers:
        linear = cast("nn.Linear", layer)
        nn.init.trunc_normal_(linear.weight, std=_INITIAL)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
