"""Batches of texts of one length, so that nothing is padded: which texts stand together follows from seed and pass alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ORDER, _BANK = 1, 2  # tell the numbers drawn for one thing from those for another


def batches_of_pass(
    lengths: NDArray[np.int64], tokens: int, seed: int, number: int
) -> list[NDArray[np.int64]]:
    """The rows of each batch: every text once, about `tokens` tokens a batch, in an order in which lengths alternate.

    Each pass has equally many.
    """
    draw = np.random.default_rng([seed, number, _ORDER])
    batches = []
    for length in np.unique(lengths):
        rows = draw.permutation(np.flatnonzero(lengths == length))
        batches += np.array_split(rows, min(len(rows), -(-len(rows) * int(length) // tokens)))
    return [batches[place] for place in draw.permutation(len(batches))]


def bank_of_step(count: int, texts: int, seed: int, step: int) -> NDArray[np.int64]:
    """The rows of the texts that a step compares with; the same may come twice."""
    return np.random.default_rng([seed, step, _BANK]).integers(count, size=texts)
