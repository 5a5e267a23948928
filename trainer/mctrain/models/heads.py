"""The two trained heads: each maps a frozen trunk's features into the shared space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)


@dataclass(frozen=True, slots=True)
class HeadShape:
    """A head in numbers: widths, the shares dropped in training, and the ImageNet classes of its branch (0 = none)."""

    features: int
    hidden: int
    dim: int
    dropout: float
    input_dropout: float
    classes: int = 0
    branch: float = 0.0


class Head(nn.Module):
    """z-scores → a linear map and a small network, summed → unit vectors [n, dim].

    With a branch it also reads the square roots of the classifier's probabilities, so that the names of classes that
    the training photos never show stay reachable.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: HeadShape) -> None:
        super().__init__()
        self.branch_weight = shape.branch
        self.register_buffer("mean", torch.zeros(shape.features))
        self.register_buffer("deviation", torch.ones(shape.features))
        self.drop = nn.Dropout(shape.input_dropout)
        self.straight = nn.Linear(shape.features, shape.dim)
        self.widen = nn.Linear(shape.features, shape.hidden)
        self.drop_hidden = nn.Dropout(shape.dropout)
        self.narrow = nn.Linear(shape.hidden, shape.dim)
        self.branch = nn.Linear(shape.classes, shape.dim, bias=False) if shape.classes else None
        if self.branch is not None:
            nn.init.normal_(self.branch.weight, std=0.02)

    def fit_scores(self, features: Tensor) -> None:
        """Takes the mean and deviation of the training features [n, features]."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp(min=1e-4))

    def forward(self, features: Tensor, logits: Tensor | None = None) -> Tensor:
        """[n, features], and with a branch [n, classes] → [n, dim]."""
        scores = self.drop((features - self.mean) / self.deviation)
        mixed = self.straight(scores) + self.narrow(self.drop_hidden(F.gelu(self.widen(scores))))
        if self.branch is not None and logits is not None:
            mixed = mixed + self.branch_weight * self.branch(torch.softmax(logits, dim=1).sqrt())
        return F.normalize(mixed, dim=1)
