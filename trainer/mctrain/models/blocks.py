"""Layers that several towers share: MobileCLIP's convolutional blocks, a transformer layer, a trained head.

Convolutional blocks are in their training form: each sums several linear branches, which `reparameterize` folds into one
convolution. BatchNorm has torch's defaults (epsilon 1e-5), GELU is exact, and every convolution pads with zeros to keep
the size. Transformer layers are pre-norm with heads of 64.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.errors import TrainerError

LAYER_SCALE = 1e-5
HEAD_WIDTH = 64  # of attention in a transformer
CLASSES = 1000  # of ImageNet
_RATIO = 4

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
    """Weights channels by their global averages: [n, c, h, w] → the same shape."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Uses a mean over both axes, because pooling with a kernel of the map's size does not export with a dynamic batch."""
        pooled = x.mean((2, 3), keepdim=True)  # [n, c, 1, 1]
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(pooled))))


class LayerScale(nn.Module):
    """A factor per channel [c, 1, 1], initially small, so that a deep tower starts as an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → the same shape."""
        return x * self.gamma


class MobileOne(nn.Module):
    """The sum of a convolution, a 1x1 convolution (`scale`) and the input (`skip`), each with BatchNorm.

    The skip exists if input and output have the same shape. Squeeze-and-excite comes before the activation.
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
        """The pointwise part after the depthwise convolution: [n, c, h, w] → the same shape."""
        return cast("Tensor", self.fc2(F.gelu(self.fc1(x))))


class RepMixerBlock(nn.Module):
    """Mixes neighbours, then channels, without norms before either."""

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


class SelfAttention(nn.Module):
    """Self-attention over a sequence, in heads of the width `head`; if causal, a row does not see later ones."""

    def __init__(
        self, width: int, *, causal: bool = False, head: int = HEAD_WIDTH, bias: bool = True
    ) -> None:
        super().__init__()
        self.heads, self.head = width // head, head
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[n, rows, width] → the same shape."""
        query, key, value = self._split(x)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return cast("Tensor", self.proj(mixed.transpose(1, 2).flatten(2)))

    def at(self, x: Tensor, row: Tensor) -> Tensor:
        """The output of `forward` at one row of each sequence: [n, rows, width], [n] → [n, width]."""
        query, key, value = self._split(x)
        asked = row[:, None, None, None]  # [n, 1, 1, 1]
        query = query.gather(2, asked.expand(-1, self.heads, 1, self.head))
        seen = torch.arange(x.shape[1], device=x.device) <= asked if self.causal else None
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)  # [n, heads, 1, head]
        return cast("Tensor", self.proj(mixed.flatten(1)))

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[n, rows, width] → queries, keys and values, each [n, heads, rows, head]."""
        count, rows, _ = x.shape
        split = self.qkv(x).reshape(count, rows, 3, self.heads, self.head)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind()
        return query, key, value


def take(x: Tensor, row: Tensor) -> Tensor:
    """Selects one row of each sequence: [n, rows, width], [n] → [n, width]."""
    return x.gather(1, row[:, None, None].expand(-1, 1, x.shape[2])).squeeze(1)


class TransformerLayer(nn.Module):
    """Attention, then two linear maps around a GELU, both residual."""

    def __init__(self, width: int, *, causal: bool = False, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.attention = SelfAttention(width, causal=causal)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.fc1 = nn.Linear(width, _RATIO * width)
        self.fc2 = nn.Linear(_RATIO * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[n, rows, width] → the same shape."""
        return self._channels(x + self.attention(self.norm1(x)))

    def at(self, x: Tensor, row: Tensor) -> Tensor:
        """The output of `forward` at one row of each sequence: [n, rows, width], [n] → [n, width].

        A tower reads only one row of its last layer, so most of that layer need not be computed.
        """
        return self._channels(take(x, row) + self.attention.at(self.norm1(x), row))

    def _channels(self, x: Tensor) -> Tensor:
        """[..., width] → the same shape."""
        return x + cast("Tensor", self.fc2(F.gelu(self.fc1(self.norm2(x)))))


class Head(nn.Module):
    """Features of a frozen trunk as z-scores → sum of a linear map and a small network → unit vectors [n, dim].

    A branch with weight `branch` also reads the square roots of the classifier's probabilities, so that classes missing
    from the training photos can still be found.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        features: int,
        dim: int,
        *,
        hidden: int,
        dropout: float,
        input_dropout: float,
        branch: float = 0.0,
    ) -> None:
        super().__init__()
        self.branch_weight = branch
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.drop = nn.Dropout(input_dropout)
        self.straight = nn.Linear(features, dim)
        self.widen = nn.Linear(features, hidden)
        self.drop_hidden = nn.Dropout(dropout)
        self.narrow = nn.Linear(hidden, dim)
        self.branch = nn.Linear(CLASSES, dim, bias=False) if branch else None
        if self.branch is not None:
            nn.init.normal_(self.branch.weight, std=0.02)

    def fit_scores(self, features: Tensor) -> None:
        """Sets the mean and deviation from the training features [n, features]."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp(min=1e-4))

    def forward(self, features: Tensor, logits: Tensor | None = None) -> Tensor:
        """[n, features], and with a branch [n, classes] → [n, dim]."""
        scores = self.drop((features - self.mean) / self.deviation)
        mixed = self.straight(scores) + self.narrow(self.drop_hidden(F.gelu(self.widen(scores))))
        if self.branch is not None and logits is not None:
            mixed = mixed + self.branch_weight * self.branch(torch.softmax(logits, dim=1).sqrt())
        return F.normalize(mixed, dim=1)

    def of_joined(self, given: Tensor) -> Tensor:
        """As `forward`, from features and logits side by side: [n, features + classes] → [n, dim]."""
        return cast("Tensor", self(given[:, : len(self.mean)], given[:, len(self.mean) :]))


def package_folder(package: str, module: str) -> Path:
    """The folder of a package with weights or a vocabulary; `module` is its import name.

    Raises:
        TrainerError: it is not installed.
    """
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise TrainerError(f"Pretrained weights are missing: install the package {package}.")
    return Path(spec.submodule_search_locations[0])
