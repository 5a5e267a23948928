"""What photos of a library lose because they show nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.vectors.int8 import best_dots, quantize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from picsight_engine.models.blankness import Blankness
    from picsight_engine.vectors.matrix import Rows


@dataclass(frozen=True, slots=True)
class Blanks:
    """The few photos that lose something of their scores: their rows [n], and how much each of them loses."""

    rows: NDArray[np.bool_]
    losses: Mapping[int, float]


def find_blanks(rows: Rows, blankness: Blankness) -> Blanks | None:
    """The rows that show little or nothing, as near as eight bits tell; None where there is none."""
    if not len(rows.ids):
        return None
    codes, scales = quantize(blankness.axis()[np.newaxis])
    losses = blankness.losses(best_dots(rows.codes, codes, scales) * rows.scales)
    blank = losses > 0
    found = dict(zip(rows.ids[blank].tolist(), losses[blank].tolist(), strict=True))
    return Blanks(blank, found) if found else None
