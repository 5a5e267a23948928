"""The convolutional blocks that MobileCLIP's image towers and its Text-RepMixer are made of, in their training form.

Each sums several branches, all linear, that `reparameterize` folds into one convolution. BatchNorm has torch's defaults
(epsilon 1e-5), GELU is the exact one, every convolution pads with zeros to keep the size.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

LAYER_SCALE = 1e-5

Kernel = tuple[int, int]


class ConvNorm(nn.Module):
    """A convolution without bias, then BatchNorm: [n, cin, h, w] → [n, cout, h / stride, w / stride]."""

    def __init__(self, cin: int, cout: int, kernel: Kernel, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        half = kernel[0] // 2, kernel[1] // 2
        self.conv = nn.Conv2d(cin, cout, kernel, stride, half, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x: Tensor) -> Tensor:
        """Runs both."""
        return cast("Tensor", self.bn(self.conv(x)))


class SqueezeExcite(nn.Module):
    """Weighs channels by what the whole map holds: [n, c, h, w] → the same shape."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """A mean over both axes, since pooling by a kernel of the map's size has no ONNX form at a free batch."""
        pooled = x.mean((2, 3), keepdim=True)  # [n, c, 1, 1]
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(pooled))))


class LayerScale(nn.Module):
    """A factor for each channel [c, 1, 1], small at first, so that a deep tower starts as an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → the same shape."""
        return x * self.gamma


class MobileOne(nn.Module):
    """A convolution, beside it a 1x1 convolution (`scale`) and the input itself (`skip`), each with BatchNorm, summed.

    The skip is there where input and output have one shape. Squeeze-and-excite comes before the activation.
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: Kernel,
        *,
        stride: int = 1,
        groups: int = 1,
        scale: bool,
        se: int = 0,
    ) -> None:
        super().__init__()
        self.conv = ConvNorm(cin, cout, kernel, stride=stride, groups=groups)
        self.scale = ConvNorm(cin, cout, (1, 1), stride=stride, groups=groups) if scale else None
        self.skip = nn.BatchNorm2d(cin) if cin == cout and stride == 1 else None
        self.se: nn.Module = SqueezeExcite(cout, se) if se else nn.Identity()
        self.act: nn.Module = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """[n, cin, h, w] → [n, cout, h / stride, w / stride]."""
        total = self.conv(x)
        for branch in (self.scale, self.skip):
            if branch is not None:
                total = total + branch(x)
        return cast("Tensor", self.act(self.se(total)))


class RepMixer(nn.Module):
    """Mixes neighbouring positions by depthwise convolutions: x + s · (mix(x) - norm(x)); the residual is inside."""

    def __init__(self, channels: int, kernel: Kernel, *, scale: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.mix = MobileOne(channels, channels, kernel, groups=channels, scale=scale)
        self.mix.act = nn.Identity()
        self.layer_scale = LayerScale(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → the same shape."""
        return x + cast("Tensor", self.layer_scale(self.mix(x) - self.norm(x)))


class ConvFfn(nn.Module):
    """A depthwise convolution with BatchNorm, then two 1x1 convolutions around a GELU."""

    def __init__(self, channels: int, hidden: int, kernel: Kernel) -> None:
        super().__init__()
        self.depthwise: nn.Module = ConvNorm(channels, channels, kernel, groups=channels)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → the same shape."""
        return self.channels(self.depthwise(x))

    def channels(self, x: Tensor) -> Tensor:
        """What stands behind the depthwise convolution and looks at one place at a time: [n, c, h, w] → the same shape."""
        return cast("Tensor", self.fc2(F.gelu(self.fc1(x))))


class RepMixerBlock(nn.Module):
    """Neighbours mixed, then channels mixed; no norm stands before either."""

    def __init__(
        self, channels: int, hidden: int, kernel: Kernel, ffn_kernel: Kernel, *, scale: bool
    ) -> None:
        super().__init__()
        self.mixer: nn.Module = RepMixer(channels, kernel, scale=scale)
        self.ffn = ConvFfn(channels, hidden, ffn_kernel)
        self.layer_scale: nn.Module = LayerScale(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → the same shape."""
        x = self.mixer(x)
        return x + cast("Tensor", self.layer_scale(self.ffn(x)))
