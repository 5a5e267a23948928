"""Two models are measured on the same tasks, end to end, and compared on one page."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from tests.trainer.conftest import run_mctrain

from mctrain.evaluation.outcome import Interval
from mctrain.evaluation.page import Accuracy, accuracy_of
from mctrain.evaluation.report import Figure, TaskResult, load_scores

TASKS = """
[[retrieval]]
name = "captions"
shards = ["flickr8k-train-*.tar"]

[[order]]
name = "order"
shards = ["flickr8k-train-*.tar"]
captions = 1
"""


def test_the_starter_and_a_checkpoint_are_compared_on_one_page(starter, untrained, tiny_data, tmp_path):
    (tmp_path / "tasks.toml").write_text(TASKS)

    def evaluate(*words):
        places = ("--data", tiny_data, "--cache", tmp_path / "cache", "--tasks", tmp_path / "tasks.toml")
        return json.loads(run_mctrain("eval", *words, *places, "--json").stdout)

    both = evaluate(starter, "--against", untrained, "--report", tmp_path / "page.md")
    assert both["subject"]["name"] == "picsight-starter"
    assert both["against"]["name"] == "laptop_xxs"
    alone = evaluate(untrained)
    means = {"ours": [], "rival": []}
    for task, other in zip(both["tasks"], alone["tasks"], strict=True):
        for figure, theirs, apart in zip(task["figures"], other["figures"], task["differences"], strict=True):
            assert apart["figure"] == figure["name"] == theirs["name"]
            assert apart["points"] == pytest.approx(figure["percent"] - theirs["percent"], abs=2e-4)
        means["ours"].append(task["figures"][0]["reporting"])
        means["rival"].append(other["figures"][0]["reporting"])
    assert load_scores(tmp_path / "cache", both["against"]["digest"])

    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (\S+) \| (\S+) \| ONNX Runtime, (.+) \|$", page, re.MULTILINE)
    assert [row[0] for row in rows] == ["picsight-starter", "laptop\\_xxs"]
    assert [row[4] for row in rows] == ["as it ships", "folded, float32"]
    assert [float(row[1]) for row in rows] == pytest.approx(
        [np.mean(figures) for figures in means.values()], abs=0.06
    )
    assert all(float(cell) > 0 for row in rows for cell in row[2:4])
    assert "](page.svg)" in page
    assert f"Weights `{both['subject']['digest']}`" in page
    figure = both["tasks"][0]["figures"][0]
    assert f"| {figure['name']} | {figure['percent']:.1f} | {figure['interval']['low']:.1f} to " in page
    picture = ET.parse(tmp_path / "page.svg")
    up = {
        dot.get("class"): float(dot.get("cy")) for dot in picture.iter("{http://www.w3.org/2000/svg}circle")
    }
    assert (up["ours"] < up["rival"]) == (np.mean(means["ours"]) > np.mean(means["rival"]))


def result(task, *reporting):
    figures = [
        Figure(f"figure {number}", 50, Interval(0, 0), None, value) for number, value in enumerate(reporting)
    ]
    return TaskResult(task, 1, 1, tuple(figures))


def test_accuracy_is_the_mean_of_the_first_figures_of_the_reported_halves():
    accuracy = accuracy_of([result("a", 30.0, 90.0), result("b", 50.0), result("c", None, 10.0)])
    assert accuracy == Accuracy(40.0, ("a figure 0", "b figure 0"))
    assert accuracy_of([result("c", None)]) is None
