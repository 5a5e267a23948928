"""What photos of a library lose because they show nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.vectors.int8 import best_dots, quantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.bundles.blankness import Blankness
    from picsight_engine.vectors.matrix import Rows


def find_losses(rows: Rows, blankness: Blankness) -> NDArray[np.float32] | None:
    """What each row loses of its scores [n], as near as eight bits tell; None where none does."""
    if not len(rows.ids):
        return None
    codes, scales = quantize(blankness.axis()[np.newaxis])
    losses = blankness.losses(best_dots(rows.codes, codes, scales) * rows.scales)
    return losses if losses.any() else None
