"""A plot has a dot and a name for each point, where its values belong."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from mctrain.evaluation.accuracy import (
    Accuracy,
    Point,
    accuracy_of,
    factors,
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


def result(task, *reporting):
    figures = [
        Figure(f"figure {number}", 50, Interval(0, 0), None, own) for number, own in enumerate(reporting)
    ]
    return Result(task, 1, 1, tuple(figures))


def test_accuracy_is_the_mean_of_the_first_figures_of_the_reported_halves():
    told = accuracy_of([result("a", 30.0, 90.0), result("b", 50.0), result("c", None, 10.0)])
    assert told == Accuracy(40.0, ("a figure 0", "b figure 0"))
    assert accuracy_of([result("c", None)]) is None
