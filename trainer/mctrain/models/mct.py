"""The convolutional block of Text-RepMixer, the text tower of MobileCLIP-S0.

Words mix with up to five neighbours on each side, before and after, zeros beyond both ends. Unlike the images' block this
one has no 1x1 branch, and both its convolutions are 11 wide.
"""

from __future__ import annotations

from torch import Tensor, nn

from mctrain.models.blocks import RepMixerBlock

_KERNEL: tuple[int, int] = (1, 11)
_RATIO = 4


class TextRepMixer(RepMixerBlock):
    """Neighbouring words mixed, then channels mixed."""

    def __init__(self, width: int) -> None:
        super().__init__(width, _RATIO * width, _KERNEL, _KERNEL, scale=False)
        for layer in (self.ffn.fc1, self.ffn.fc2):
            nn.init.trunc_normal_(layer.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """[n, tokens, width] → the same shape."""
        row = x.transpose(1, 2).unsqueeze(2)  # [n, width, 1, tokens]
        return super().forward(row).squeeze(2).transpose(1, 2)
