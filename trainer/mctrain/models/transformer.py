"""The transformer layer that the text towers and the ViT towers share: norms before, heads of 64, exact GELU."""

from __future__ import annotations

from typing import cast

import torch
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
        query, key, value = self._split(x)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return cast("Tensor", self.proj(mixed.transpose(1, 2).flatten(2)))

    def at(self, x: Tensor, row: Tensor) -> Tensor:
        """What `forward` gives at one row of each sequence: [n, rows, width], [n] → [n, width]."""
        query, key, value = self._split(x)
        asked = row[:, None, None, None]  # [n, 1, 1, 1]
        query = query.gather(2, asked.expand(-1, self.heads, 1, HEAD_WIDTH))
        seen = torch.arange(x.shape[1], device=x.device) <= asked if self.causal else None
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)  # [n, heads, 1, 64]
        return cast("Tensor", self.proj(mixed.flatten(1)))

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[n, rows, width] → queries, keys and values, each [n, heads, rows, 64]."""
        count, rows, _ = x.shape
        split = self.qkv(x).reshape(count, rows, 3, self.heads, HEAD_WIDTH)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind()
        return query, key, value


def take(x: Tensor, row: Tensor) -> Tensor:
    """One row of each sequence, explicitly: [n, rows, width], [n] → [n, width]."""
    return x.gather(1, row[:, None, None].expand(-1, 1, x.shape[2])).squeeze(1)


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
        return self._channels(x + self.attention(self.norm1(x)))

    def at(self, x: Tensor, row: Tensor) -> Tensor:
        """What `forward` gives at one row of each sequence: [n, rows, width], [n] → [n, width].

        A tower reads one row of its last layer, so that most of this layer need not be computed.
        """
        return self._channels(take(x, row) + self.attention.at(self.norm1(x), row))

    def _channels(self, x: Tensor) -> Tensor:
        """[..., width] → the same shape."""
        return x + cast("Tensor", self.fc2(F.gelu(self.fc1(self.norm2(x)))))
