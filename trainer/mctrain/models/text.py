"""The text towers: CLIP's transformer, causal or not, and Text-RepMixer with a convolutional block at either end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.models.blocks import RepMixerBlock, TransformerLayer

if TYPE_CHECKING:
    from collections.abc import Iterable

VOCABULARY = 49408
CONTEXT = 77
END = 49407  # the largest id, so that argmax finds the end of a text

_INITIAL = 0.02
_POSITIONS_INITIAL = 0.01
_KERNEL: tuple[int, int] = (1, 11)  # of Text-RepMixer
_RATIO = 4


@dataclass(frozen=True, slots=True)
class TextShape:
    """A text tower's parameters; `mixers` adds a convolutional block before and after the `layers` of attention.

    `context` is the text length in tokens.
    """

    width: int
    layers: int
    causal: bool = False
    mixers: bool = False
    context: int = CONTEXT


class ChannelMap(nn.Conv2d):
    """A 1x1 convolution as a matrix product, which halves the time of its backward pass on a CPU."""

    def __init__(self, conv: nn.Conv2d) -> None:
        with torch.device("meta"):  # without drawing weights that are replaced at once
            super().__init__(conv.in_channels, conv.out_channels, 1)
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """[n, cin, h, w] → [n, cout, h, w]."""
        return F.linear(x.movedim(1, 3), self.weight.flatten(1), self.bias).movedim(3, 1)


class TextRepMixer(RepMixerBlock):
    """Mixes words with up to five neighbours on each side (zero padding), then channels.

    Unlike the image block it has no 1x1 branch, and both its convolutions are 11 wide.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width, _RATIO * width, _KERNEL, _KERNEL, scale=False)
        self.ffn.fc1, self.ffn.fc2 = ChannelMap(self.ffn.fc1), ChannelMap(self.ffn.fc2)
        for layer in (self.ffn.fc1, self.ffn.fc2):
            nn.init.trunc_normal_(layer.weight, std=_INITIAL)

    def forward(self, x: Tensor) -> Tensor:
        """[n, tokens, width] → the same shape."""
        mixed = self._mixed(x)
        mixed = mixed + cast("Tensor", self.layer_scale(self.ffn(mixed)))
        return mixed.squeeze(2).transpose(1, 2)

    def at(self, x: Tensor, row: Tensor) -> Tensor:
        """The output of `forward` at one row of each sequence: [n, tokens, width], [n] → [n, width].

        Neighbours are mixed in the whole sequence, which is cheap; channels at that row only.
        """
        mixed = self._mixed(x)
        place = row[:, None, None, None].expand(-1, x.shape[2], 1, 1)
        near = self.ffn.depthwise(mixed).gather(3, place)  # [n, width, 1, 1]
        added = self.layer_scale(self.ffn.channels(near))
        return cast("Tensor", (mixed.gather(3, place) + added).flatten(1))

    def _mixed(self, x: Tensor) -> Tensor:
        """Mixes neighbours: [n, tokens, width] → [n, width, 1, tokens]."""
        return cast("Tensor", self.mixer(x.transpose(1, 2).unsqueeze(2)))


class Text(nn.Module):
    """Token ids [n, context] → embeddings [n, dim], not of unit length.

    A causal tower masks later tokens; nothing else is masked. In other towers padding affects the result, so texts must
    be padded with zeros to the context, as in training.
    """

    def __init__(self, shape: TextShape, dim: int) -> None:
        super().__init__()
        width = shape.width
        self.causal = shape.causal
        self.words = nn.Embedding(VOCABULARY, width)
        self.positions = nn.Parameter(torch.empty(shape.context, width))
        attention = [TransformerLayer(width, causal=shape.causal) for _ in range(shape.layers)]
        ends = [TextRepMixer(width), TextRepMixer(width)] if shape.mixers else []
        self.layers = nn.ModuleList([*ends[:1], *attention, *ends[1:]])
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Parameter(torch.empty(width, dim))
        self._initialise(attention, width)

    def forward(self, ids: Tensor) -> Tensor:
        """Embeds texts; a causal tower also takes fewer ids than its context."""
        x = self.words(ids) + self.positions[: ids.shape[1]]  # [n, tokens, width]
        end = ids.argmax(1)  # [n]
        *before, last = cast("Iterable[TransformerLayer | TextRepMixer]", self.layers)
        for layer in before:
            x = layer(x)
        pooled = last.at(x, end)  # [n, width]: the state at the end token
        return cast("Tensor", self.norm(pooled) @ self.projection)

    def _initialise(self, layers: list[TransformerLayer], width: int) -> None:
        """CLIP's initialisation: the deeper the tower, the smaller the residual weights."""
        added = width**-0.5 * (2 * len(layers)) ** -0.5
        nn.init.normal_(self.words.weight, std=_INITIAL)
        nn.init.normal_(self.positions, std=_POSITIONS_INITIAL)
        nn.init.normal_(self.projection, std=width**-0.5)
        for layer in layers:
            nn.init.normal_(layer.attention.qkv.weight, std=width**-0.5)
            nn.init.normal_(layer.attention.proj.weight, std=added)
            nn.init.zeros_(layer.attention.qkv.bias)
            nn.init.zeros_(layer.attention.proj.bias)
            nn.init.normal_(layer.fc1.weight, std=(2 * width) ** -0.5)
            nn.init.normal_(layer.fc2.weight, std=added)
