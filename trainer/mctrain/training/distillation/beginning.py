"""Where the table of tokens begins: each near what the teacher says of it alone, in as many dimensions as the student is wide.

From random numbers a tower needs some hundred steps more to come as far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mctrain.teachers.fit.arrays import load_array, save_arrays
from mctrain.tokens.clip import spelled_out

if TYPE_CHECKING:
    from pathlib import Path

    from mctrain.models.text import Text
    from mctrain.training.distillation.corpus import Words

_ROUNDS = 4  # of the search for the directions in which vectors differ most


@torch.no_grad()
def begin_tokens(text: Text, teacher: Words, cache: Path) -> None:
    """Fills the table of a tower, with the deviation that it began with; a random seed decides nothing here."""
    path = cache / f"tokens-{teacher.name}.npz"
    if not path.exists():
        save_arrays(path, {"vectors": teacher(spelled_out())})
    vectors = torch.from_numpy(load_array(path, "vectors"))  # [vocabulary, dim]
    vectors -= vectors.mean(0)
    table = text.words.weight  # [vocabulary, width]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _, _, directions = torch.pca_lowrank(
            vectors, q=min(table.shape[1], vectors.shape[1]), center=False, niter=_ROUNDS
        )
    begun = vectors @ directions
    table[:, : begun.shape[1]] = begun * (table.std() / begun.std())
