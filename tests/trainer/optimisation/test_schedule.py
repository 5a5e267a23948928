"""The learning rate over a run."""

from __future__ import annotations

from itertools import pairwise

from mctrain.optimisation.schedule import rate_at


def test_the_rate_rises_and_falls_to_zero():
    rates = [rate_at(step, 100, 10, 1.0) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[-1] < 0.001
    assert all(a >= b for a, b in pairwise(rates[10:]))
