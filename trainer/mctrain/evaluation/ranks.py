"""The place of the first right answer in a ranking, counted from 0.

Equal scores count against the model: the rank is the number of wrong answers that score no less than the best right one.
So do scores that are no numbers, as a model gives whose weights have overflown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_BLOCK = 1024  # questions at a time, for a set of 25,000 captions and 5,000 photos has 125 million scores


def ranks(
    questions: NDArray[np.float32],
    answers: NDArray[np.float32],
    right: Callable[[slice], NDArray[np.bool_]],
) -> NDArray[np.int64]:
    """Ranks [m] of vectors [m, dim] asked of [n, dim], by their products; `right` tells of a block of questions which answers [block, n] are."""
    parts = [np.zeros(0, np.int64)]
    for start in range(0, len(questions), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(questions)))
        scores, wanted = questions[block] @ answers.T, right(block)  # [block, n]
        best = np.where(wanted, scores, -np.inf).max(1)
        parts.append((~(scores < best[:, None]) & ~wanted).sum(1))
    return np.concatenate(parts)
