"""What photos of a library lose because they show nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.vectors.int8 import best_dots, quantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.models.blankness import Blankness
    from picsight_engine.vectors.matrix import Rows


@dataclass(frozen=True, slots=True)
class Blanks:
    """The few rows that lose something: where they stand [p], and how much of their scores [p]."""

    positions: NDArray[np.intp]
    losses: NDArray[np.float32]


def find_blanks(rows: Rows, blankness: Blankness) -> Blanks | None:
    """The rows that show little or nothing, as near as eight bits tell; None where there is none."""
    if not len(rows.ids):
        return None
    codes, scales = quantize(blankness.axis()[np.newaxis])
    losses = blankness.losses(best_dots(rows.codes, codes, scales) * rows.scales)
    positions = np.flatnonzero(losses)
    return Blanks(positions, losses[positions]) if len(positions) else None
