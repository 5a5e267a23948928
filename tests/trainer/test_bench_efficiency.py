"""`packaging/dev.py bench efficiency`: how its factor is read off the budgets."""

from __future__ import annotations

import importlib
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


def test_the_factor_is_that_of_the_least_budget_which_reaches_the_other_arm(efficiency):
    means = {1 / 20: 5.0, 1 / 10: 8.0, 1 / 5: 12.0, 1.0: 20.0}
    assert efficiency.factor(8.0, means) == pytest.approx(10)
    assert efficiency.factor(4.0, means) == pytest.approx(20)
    assert efficiency.factor(20.0, means) == pytest.approx(1)
    assert efficiency.factor(10.0, means) == pytest.approx((10 * 5) ** 0.5)  # half way in the logarithm
    assert efficiency.factor(20.1, means) == 0
