"""The rate rises, falls along a cosine and ends at its floor."""

from __future__ import annotations

import pytest
import torch
from open_clip_train.scheduler import cosine_lr

from mctrain.optimisation.optimizer import rate_at


def test_without_a_floor_it_is_open_clips():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = cosine_lr(optimizer, 1e-3, 7, 40)
    assert [rate_at(step, 40, 7, 1e-3) for step in range(40)] == pytest.approx(
        [theirs(step) for step in range(40)]
    )


def test_a_warm_up_leaves_half_of_a_short_run_to_come_down():
    """Ten steps are what `my-photos` makes of a hundred photos, and ten its warm-up."""
    rates = [rate_at(step, 10, 10, 1e-4, 1e-6) for step in range(10)]
    assert rates[:5] == pytest.approx([2e-5, 4e-5, 6e-5, 8e-5, 1e-4])
    assert rates[5] == pytest.approx(1e-4)
    assert sorted(rates[5:], reverse=True) == rates[5:]
    assert rates[9] == pytest.approx(1e-6 + (1e-4 - 1e-6) * 0.0955, rel=1e-3)
    assert rate_at(0, 1, 10, 1e-4) == 1e-4
