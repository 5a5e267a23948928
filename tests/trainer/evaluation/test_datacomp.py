"""The average of the 38 tasks is the one that was published."""

from __future__ import annotations

import pytest

from mctrain.errors import DataError
from mctrain.evaluation.datacomp import MAIN, average


@pytest.fixture(scope="module")
def table(shared):
    """The rows of the published figures by task: their main figure, and four models' values of it."""
    text = (shared / "mobileclip-training.md").read_text(encoding="utf-8")
    lines = text.partition("## C.2")[2].partition("\n## ")[0].splitlines()
    cells = [
        [cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")
    ]
    return {row[0]: (row[3], [float(cell) for cell in row[4:]]) for row in cells[2:]}


def test_the_published_averages_follow_from_the_published_figures(table):
    whole = {task: next(row for row in table if task.startswith(row.rstrip("…"))) for task in MAIN}
    assert len(set(whole.values())) == len(table) - 1 == 38
    assert all(MAIN[task] == table[row][0] for task, row in whole.items())
    for model, published in enumerate(table["mean"][1]):
        results = {task: table[row][1][model] for task, row in whole.items()}
        assert round(average(results | {"fairness/fairface": None, "sugar_crepe": 99.0}), 2) == published


def test_an_average_of_fewer_is_none():
    results = dict.fromkeys(MAIN, 50.0)
    assert average(results) == 50
    with pytest.raises(DataError, match="2 of DataComp's 38 tasks have no figure, the first is cars"):
        average({**results, "cars": None, "stl10": None})
