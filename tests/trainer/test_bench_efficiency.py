"""`packaging/dev.py bench efficiency`: how its factor is read off the budgets."""

from __future__ import annotations

import importlib
import itertools
import json
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


@pytest.fixture
def arms(efficiency):
    """Four arms that differ by their names."""
    return {kind: efficiency.arm(kind, {}) for kind in efficiency.ARMS}


def test_the_factor_is_read_off_a_parabola_between_the_budgets_of_the_baseline(efficiency):
    baseline = {share: [(3 + math.log(share)) ** 2] for share in (1 / 4, 1 / 2, 1.0, 4.0)}
    for share in (0.3, 1.7, 3.0):
        found, low, high = efficiency.factor(baseline, 1 / 10, [(3 + math.log(share)) ** 2], 0.0)
        assert found == low == high == pytest.approx(10 * share, rel=0.01)
    assert efficiency.factor(baseline, 1 / 10, [1.0], 0.0) == (0, 0, 0)  # the least budget finds more
    assert efficiency.factor(baseline, 1 / 10, [99.0], 0.0)[0] == math.inf


def test_an_interval_is_as_wide_as_the_seeds_of_both_arms_make_it(efficiency):
    baseline = {share: [10 + math.log(share)] for share in (1 / 4, 1 / 2, 1.0, 4.0)}
    _, low, high = efficiency.factor(baseline, 1 / 10, [10.0], 0.1)
    assert low < 10 < high
    _, nearer, farther = efficiency.factor({**baseline, 1.0: [10.0] * 99}, 1 / 10, [10.0] * 99, 0.1)
    assert low < nearer < 10 < farther < high
    assert efficiency.seed_deviation([[1.0, 2.0, 3.0], [5.0], [4.0, 4.0]]) == pytest.approx((2 / 3) ** 0.5)


def test_what_is_known_is_shown_and_not_computed_again(efficiency, arms, tmp_path, monkeypatch, capsys):
    lines = efficiency.planned(arms, 40.0, has_five=False)
    scores = {
        "plain, first text, N/4": [6.0],
        "plain, first text, N/2": [8.0],
        "plain, first text, N": [10.0, 9.0, 11.0],
    }
    scores |= {"reinforced N/20": [8.0, 7.9, 8.1]}
    whole = {
        point.name: {figure: {"choosing": 0.0, "reporting": score} for figure in efficiency.FIGURES}
        for line, values in scores.items()
        for point, score in zip(lines[line], values, strict=False)
    }
    path = tmp_path / efficiency.RESULTS
    path.write_text("".join(json.dumps({"point": name, **found}) + "\n" for name, found in whole.items()))
    lab = efficiency.Lab(tmp_path, {}, tmp_path, 1, 0.0, efficiency.read_results(path))
    monkeypatch.setattr(efficiency.Lab, "_call", lambda *_: pytest.fail("computed"))
    lab.measure(itertools.chain.from_iterable(lines.values()))
    efficiency.report(lab, lines)
    shown = capsys.readouterr().out
    assert "| plain, first text, N | 10.0 (9.0 to 11.0) |" in shown
    assert "Not measured: plain, first text, N x 4; plain, names alone, N/4; " in shown
    assert "| dev R@10, plain, first text | 10.0 (" in shown  # half of N finds what a twentieth finds
