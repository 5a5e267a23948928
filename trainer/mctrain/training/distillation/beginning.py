"""Where the table of tokens begins: each near what the teacher says of it alone, in as many dimensions as the student is wide.

From random numbers a tower needs half as many steps again to come as far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.tokens.clip import spelled_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mctrain.models.text import Text
    from mctrain.training.distillation.corpus import Words

_ROUNDS = 4  # of the search for the directions in which vectors differ most


@torch.no_grad()
def begin_tokens(text: Text, teacher: Words, tokens: NDArray[np.uint16]) -> None:
    """Fills the table of a tower for all that occur among `tokens`, with the deviation that it has; the others stay random."""
    met = np.unique(tokens).astype(np.int64)
    spelled = spelled_out()
    vectors = torch.from_numpy(teacher([spelled[own] for own in met]))  # [met, dim]
    vectors -= vectors.mean(0)
    table = text.words.weight  # [vocabulary, width]
    most = min(*vectors.shape, table.shape[1])
    _, _, directions = torch.pca_lowrank(vectors, q=most, center=False, niter=_ROUNDS)
    begun = vectors @ directions  # [met, most]
    table[torch.from_numpy(met), :most] = begun * (table.std() / begun.std())
