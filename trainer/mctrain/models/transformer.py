"""The transformer layer that the text towers and the ViT towers share: norms before, heads of 64, exact GELU."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

HEAD_WIDTH = 64
_RATIO = 4


class SelfAttention(nn.Module):
    """Attention between the rows of a sequence; causal where a row must not see those after it."""

    def __init__(self, width: int, *, causal: bool) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[n, rows, width] → the same shape."""
        count, rows, _ = x.shape
        split = self.qkv(x).reshape(count, rows, 3, self.heads, HEAD_WIDTH)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind()  # each [n, heads, rows, 64]
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return cast("Tensor", self.proj(mixed.transpose(1, 2).flatten(2)))


class TransformerLayer(nn.Module):
    """Attention, then two linear maps around a GELU, each added to what came in."""

    def __init__(self, width: int, *, causal: bool = False, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.attention = SelfAttention(width, causal=causal)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.fc1 = nn.Linear(width, _RATIO * width)
        self.fc2 = nn.Linear(_RATIO * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[n, rows, width] → the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + cast("Tensor", self.fc2(F.gelu(self.fc1(self.norm2(x)))))
