"""The learning rate over a run."""

from __future__ import annotations

import math


def rate_at(step: int, steps: int, warmup: int, peak: float) -> float:
    """A straight rise over `warmup` steps, then half a cosine down to zero at `steps`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
