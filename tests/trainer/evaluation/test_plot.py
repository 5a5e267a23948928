"""A plot has a dot and a name for each point, where its values belong."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from mctrain.evaluation.accuracy import (
    WIDTH,
    Accuracy,
    Latency,
    Placed,
    Point,
    accuracy_of,
    accuracy_plot,
    factors,
    percent,
    scatter,
)
from mctrain.evaluation.bootstrap import Interval
from mctrain.evaluation.report import Figure, Result

SVG = "{http://www.w3.org/2000/svg}"


def read(picture):
    """The dots by their class, and the texts by what they say."""
    root = ET.fromstring(picture)
    dots = {dot.get("class"): dot.attrib for dot in root.iter(f"{SVG}circle")}
    return dots, {text.text: text.attrib for text in root.iter(f"{SVG}text")}


def test_the_picture_has_a_dot_and_a_name_for_each_point():
    points = [Point("a < b", 4, 9), Point("c", 86, 300, rival=True)]
    axes = factors("size", [4, 86]), factors("time", [9, 300])
    dots, texts = read(scatter(points, *axes))
    assert {"a < b", "c", "size", "time"} <= texts.keys()
    assert float(dots["rival"]["cx"]) > float(dots["ours"]["cx"])
    assert float(dots["rival"]["cy"]) < float(dots["ours"]["cy"])  # up is more


def test_a_value_stands_among_the_lines_as_it_does_among_their_numbers():
    dots, texts = read(
        scatter([Point("x", 20, 72.5)], factors("ms", [10, 20, 90]), percent("%", [71, 72.5, 88]))
    )
    across = [float(texts[tick]["x"]) for tick in ("10", "20", "50")]
    assert float(dots["ours"]["cx"]) == pytest.approx(across[1], abs=1)
    assert across[2] - across[1] == pytest.approx((across[1] - across[0]) * 1.3219, abs=2)  # log2(2.5)
    up = [float(texts[tick]["y"]) - 4 for tick in ("70", "75")]
    assert float(dots["ours"]["cy"]) == pytest.approx(sum(up) / 2, abs=1)


def test_percent_stay_between_none_and_all_and_a_single_value_has_lines_too():
    assert (percent("", [0.0, 1.0]).low, percent("", [99.0]).high) == (0, 100)
    assert percent("", [50.0]).ticks == (46, 48, 50, 52, 54)
    assert percent("", [0.0, 100.0]).ticks == (0, 20, 40, 60, 80, 100)


def test_a_long_name_at_the_edge_stays_in_the_picture():
    name = "open_clip:" + "x" * 40
    _, texts = read(
        scatter([Point(name, 1, 1), Point("b", 9000, 1)], factors("ms", [1, 9000]), factors("M", [1, 1]))
    )
    assert 0 < float(texts[name]["x"]) - 6 * len(name) / 2 < WIDTH / 4


def result(task, *reporting):
    figures = [
        Figure(f"figure {number}", 50, Interval(0, 0), None, own) for number, own in enumerate(reporting)
    ]
    return Result(task, 1, 1, tuple(figures))


def test_accuracy_is_the_mean_of_the_first_figures_of_the_reported_halves():
    told = accuracy_of([result("a", 30.0, 90.0), result("b", 50.0), result("c", None, 10.0)])
    assert told == Accuracy(40.0, ("a figure 0", "b figure 0"))
    assert accuracy_of([result("c", None)]) is None


def test_the_plot_says_what_its_accuracy_is_a_mean_of():
    speed = Latency(10.0, 1.0, "torch")
    for of, said in (
        (("a top-1",), "accuracy, %: a top-1"),
        (("a", "b", "c"), "accuracy, %: mean of 3 figures"),
    ):
        dots, texts = read(
            accuracy_plot([Placed("own", Accuracy(40, of), speed), Placed("other", Accuracy(50, of), speed)])
        )
        assert said in texts
        assert float(dots["rival"]["cy"]) < float(dots["ours"]["cy"])
