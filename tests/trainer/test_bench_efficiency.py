"""`packaging/dev.py bench efficiency` computes its factor from the budgets."""

from __future__ import annotations

import importlib
import math
import sys
from pathlib import Path

import pytest

BENCHES = Path(__file__).resolve().parents[2] / "packaging" / "bench"


@pytest.fixture
def efficiency(monkeypatch):
    """The benchmark's module, imported as its script does."""
    monkeypatch.syspath_prepend(str(BENCHES))
    yield importlib.import_module("efficiency")
    for name in ("efficiency", "subsets", "report"):
        sys.modules.pop(name, None)


def test_the_factor_is_interpolated_by_a_parabola_between_budgets(efficiency):
    baseline = {share: [(3 + math.log(share)) ** 2] for share in (1 / 4, 1 / 2, 1.0, 4.0)}
    for share in (0.3, 1.7, 3.0):
        found, low, high = efficiency.factor(baseline, 1 / 10, [(3 + math.log(share)) ** 2], 0.0)
        assert found == low == high == pytest.approx(10 * share, rel=0.01)
    assert efficiency.factor(baseline, 1 / 10, [1.0], 0.0) == (0, 0, 0)  # the least budget finds more
    assert efficiency.factor(baseline, 1 / 10, [99.0], 0.0)[0] == math.inf


def test_the_interval_follows_from_the_seeds_of_both_arms(efficiency):
    baseline = {share: [10 + math.log(share)] for share in (1 / 4, 1 / 2, 1.0, 4.0)}
    _, low, high = efficiency.factor(baseline, 1 / 10, [10.0], 0.1)
    assert low < 10 < high
    _, nearer, farther = efficiency.factor({**baseline, 1.0: [10.0] * 99}, 1 / 10, [10.0] * 99, 0.1)
    assert low < nearer < 10 < farther < high
    assert efficiency.seed_deviation([[1.0, 2.0, 3.0], [5.0], [4.0, 4.0]]) == pytest.approx((2 / 3) ** 0.5)
