"""Two halves of a set: one to choose settings by, the other to report.

`everyday-dev` was drawn by multiples of 20 of the same number, so it lies in the first half as a whole.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def is_reporting(key: str) -> bool:
    """Whether a photo belongs to the half that is reported: the SHA-256 of its key, as a number, is odd."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % 2 == 1


def reporting(keys: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the photos [n] are reported on; settings are chosen by the others."""
    return np.array([is_reporting(key) for key in keys], np.bool_)
