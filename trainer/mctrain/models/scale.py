"""The factor that sharpens cosines, which is learnt as its logarithm, and the bounds that this keeps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

FIRST_SCALE = 1 / 0.07
LARGEST_SCALE = 100.0


def limit_scale(log_scale: nn.Parameter) -> None:
    """Brings the logarithm back between 0 and ln 100.

    For after each step and after reading a file: a bound in the forward pass has no gradient beyond it, so that a factor
    which got there would never come back.
    """
    # a new tensor, for one that was read may be memory of somebody else
    log_scale.data = log_scale.data.clamp(0, math.log(LARGEST_SCALE))
