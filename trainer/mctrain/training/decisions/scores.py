"""How far photos match tags, of whose words the best counts, as in the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mctrain.training.decisions.sight import Sight


@dataclass(frozen=True, slots=True)
class Tags:
    """The words of all tags, end to end, and whose each is."""

    vectors: Tensor  # [words, dim]
    owner: Tensor  # [words]
    count: int

    @classmethod
    def of(cls, words: tuple[tuple[str, ...], ...], sight: Sight) -> Tags:
        """Embeds the words of each tag."""
        said = [(text, tag) for tag, own in enumerate(words) for text in own]
        vectors = torch.from_numpy(sight.terms([text for text, _ in said]))
        return cls(vectors, torch.tensor([tag for _, tag in said]), len(words))

    def scores(self, photos: Tensor) -> Tensor:
        """Cosines [n, tags] of unit vectors [n, dim], of the best word each."""
        cosines = photos @ self.vectors.T  # [n, words]
        if len(self.vectors) == self.count:
            return cosines
        owner = self.owner.expand(len(photos), -1)
        lowest = torch.full((len(photos), self.count), -torch.inf)
        return lowest.scatter_reduce(1, owner, cosines, "amax")
