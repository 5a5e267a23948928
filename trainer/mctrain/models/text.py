"""The text towers: CLIP's transformer, causal or not, and Text-RepMixer with a convolutional block at either end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from mctrain.models.mct import TextRepMixer
from mctrain.models.transformer import TransformerLayer

if TYPE_CHECKING:
    from collections.abc import Iterable

VOCABULARY = 49408
CONTEXT = 77
END = 49407  # the largest id, so that the first maximum of a row is where its text ends

_WORDS_INITIAL = 0.02
_POSITIONS_INITIAL = 0.01


@dataclass(frozen=True, slots=True)
class TextShape:
    """A text tower in numbers; `mixers` puts a convolutional block before and after the `layers` of attention.

    `context` is the number of tokens that it reads of a text.
    """

    width: int
    layers: int
    causal: bool = False
    mixers: bool = False
    context: int = CONTEXT


class Text(nn.Module):
    """Token ids [n, context] → embeddings [n, dim], not of unit length.

    Nothing is masked but the future, and that only where the tower is causal: in the others padding takes part,
    so it must be zeros up to the context as in training.
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
        """As CLIP does: the deeper the tower, the smaller what each layer adds."""
        added = width**-0.5 * (2 * len(layers)) ** -0.5
        nn.init.normal_(self.words.weight, std=_WORDS_INITIAL)
        nn.init.normal_(self.positions, std=_POSITIONS_INITIAL)
        nn.init.normal_(self.projection, std=width**-0.5)
        for layer in layers:
            nn.init.normal_(layer.attention.qkv.weight, std=width**-0.5)
            nn.init.normal_(layer.attention.proj.weight, std=added)
            nn.init.zeros_(layer.attention.qkv.bias)
            nn.init.zeros_(layer.attention.proj.bias)
            nn.init.normal_(layer.fc1.weight, std=(2 * width) ** -0.5)
            nn.init.normal_(layer.fc2.weight, std=added)
