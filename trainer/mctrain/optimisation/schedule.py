"""The learning rate over a run."""

from __future__ import annotations

import math


def rate_at(step: int, steps: int, warmup: int, peak: float, floor: float = 0.0) -> float:
    """A straight rise over `warmup` steps, then half a cosine down to `floor` at `steps`, where it stays.

    The rise takes no more than the first half: a recipe's warm-up is meant for more steps than some photos make, and a run that
    ended in it would never come down.
    """
    warmup = min(warmup, steps // 2)
    if step < warmup:
        return peak * (step + 1) / warmup
    length = max(1, steps - warmup)
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * min(step - warmup, length) / length))
