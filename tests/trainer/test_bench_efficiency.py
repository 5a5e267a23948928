"""`packaging/dev.py bench efficiency`: how its factor is read off the budgets."""

from __future__ import annotations

import importlib
import itertools
import json
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


def test_what_is_known_is_told_and_not_computed_again(efficiency, tmp_path, monkeypatch, capsys):
    plain, stored = efficiency.arm("plain", {}), efficiency.arm("reinforced", {})
    lines = efficiency.planned(plain, stored)
    known = [plain(1, 0), plain(1, 1), plain(1 / 2, 0), stored(1 / 10, 0), stored(1 / 5, 0)]
    found = [
        8.0,
        10.0,
        7.0,
        6.0,
        12.0,
    ]  # the best of plain is the mean at N, 9: half way between the two budgets
    whole = {
        point.name: {figure: {"choosing": 0.0, "reporting": score} for figure in efficiency.FIGURES}
        for point, score in zip(known, found, strict=True)
    }
    path = tmp_path / efficiency.RESULTS
    path.write_text("".join(json.dumps({"point": name, **own}) + "\n" for name, own in whole.items()))
    lab = efficiency.Lab(tmp_path, {}, tmp_path, 1, 0.0, efficiency.read_results(path))
    monkeypatch.setattr(efficiency.Lab, "_call", lambda *_: pytest.fail("computed"))
    lab.measure(itertools.chain.from_iterable(lines.values()))
    efficiency.report(
        lab, {name: [own for own in line if own.name in lab.known] for name, line in lines.items()}
    )
    told = capsys.readouterr().out
    assert "| plain N | 9.0 (8.0 to 10.0) |" in told
    assert "Not measured: plain N/4; " in told
    assert (
        "| dev R@10 | 9.0 | 7.1 | 6.3 to 7.9 |" in told
    )  # of plain 8, 9 or 10: 10 / 2 ** (1 / 3), (1 / 2), (2 / 3)


def test_seeds_are_drawn_anew_in_all_their_orders(efficiency):
    drawn = efficiency._anew([1.0, 2.0, 6.0])
    assert drawn.total() == 27
    assert (drawn[1.0], drawn[3.0]) == (1, 6)  # thrice the same in one way, each once in six
    assert efficiency._quantile(drawn, 0.025) == 1.0  # one way is more than a fortieth of them
    assert efficiency._quantile(drawn, 1 / 27 + 0.01) == pytest.approx(4 / 3)
