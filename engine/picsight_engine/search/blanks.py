"""Which photos of a library show nothing, so that they come last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.vectors.int8 import best_dots, quantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.models.blankness import Blankness
    from picsight_engine.vectors.matrix import Rows


def blank_rows(rows: Rows, blankness: Blankness) -> NDArray[np.bool_]:
    """The rows [n] that show nothing, by eight bits: photos and blanks lie further apart than these are off."""
    codes, scales = quantize(blankness.axis()[np.newaxis])
    found: NDArray[np.bool_] = best_dots(rows.codes, codes, scales) * rows.scales >= blankness.cut
    return found
