"""The convolutional block of Text-RepMixer, the text tower of MobileCLIP-S0.

Words mix with up to five neighbours on each side, before and after, zeros beyond both ends. Unlike the images' block this
one has no 1x1 branch, and both its convolutions are 11 wide.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.models.blocks import RepMixerBlock

_KERNEL: tuple[int, int] = (1, 11)
_RATIO = 4


class ChannelMap(nn.Conv2d):
    """A 1x1 convolution, computed as the matrix product that it is: on a processor the way back takes half the time."""

    def __init__(self, conv: nn.Conv2d) -> None:
        with torch.device("meta"):  # without drawing weights that are replaced at once
            super().__init__(conv.in_channels, conv.out_channels, 1)
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """[n, cin, h, w] → [n, cout, h, w]."""
        return F.linear(x.movedim(1, 3), self.weight.flatten(1), self.bias).movedim(3, 1)


class TextRepMixer(RepMixerBlock):
    """Neighbouring words mixed, then channels mixed."""

    def __init__(self, width: int) -> None:
        super().__init__(width, _RATIO * width, _KERNEL, _KERNEL, scale=False)
        self.ffn.fc1, self.ffn.fc2 = ChannelMap(self.ffn.fc1), ChannelMap(self.ffn.fc2)
        for layer in (self.ffn.fc1, self.ffn.fc2):
            nn.init.trunc_normal_(layer.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """[n, tokens, width] → the same shape."""
        mixed = self._mixed(x)
        mixed = mixed + cast("Tensor", self.layer_scale(self.ffn(mixed)))
        return mixed.squeeze(2).transpose(1, 2)

    def at(self, x: Tensor, row: Tensor) -> Tensor:
        """What `forward` gives at one row of each sequence: [n, tokens, width], [n] → [n, width].

        Neighbours are mixed in the whole sequence, which is little work; channels at that row alone.
        """
        mixed = self._mixed(x)
        place = row[:, None, None, None].expand(-1, x.shape[2], 1, 1)
        near = self.ffn.depthwise(mixed).gather(3, place)  # [n, width, 1, 1]
        added = self.layer_scale(self.ffn.channels(near))
        return cast("Tensor", (mixed.gather(3, place) + added).flatten(1))

    def _mixed(self, x: Tensor) -> Tensor:
        """Neighbours mixed: [n, tokens, width] → [n, width, 1, tokens]."""
        return cast("Tensor", self.mixer(x.transpose(1, 2).unsqueeze(2)))
