"""Two halves of a set: one to choose settings by, the other to report.

They go by the parity of the SHA-256 of a photo's key, as a number. `everyday-dev` was drawn by the multiples of 20 of that same
number, so there the parity of the number of twenties decides.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_DRAWN = 20


def reporting(keys: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the photos [n] are reported on; settings are chosen by the others."""
    numbers = [int(hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest(), 16) for key in keys]
    if all(number % _DRAWN == 0 for number in numbers):
        numbers = [number // _DRAWN for number in numbers]
    return np.array([number % 2 == 1 for number in numbers], np.bool_)
