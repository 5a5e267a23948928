"""The page of figures is a table that no name can break."""

from __future__ import annotations

from types import SimpleNamespace

from mctrain.evaluation.accuracy import Accuracy, Latency, Placed
from mctrain.evaluation.bootstrap import Difference, Interval
from mctrain.evaluation.markdown import markdown
from mctrain.evaluation.report import Figure, Result


def test_a_row_tells_a_figure_its_halves_and_what_it_has_above_another():
    figure = Figure("swap|nouns\n# x", 51.26, Interval(48.04, 54.0), None, 50.0)
    apart = Difference(figure.name, -1.04, Interval(-3.0, 0.94), 0.146)
    subject = SimpleNamespace(name="a_model", digest="00ff")
    page = markdown([Result("pairs", 1000, 4000, (figure,), (apart,))], subject, subject, (), "")
    assert page.startswith("# a\\_model\n")
    assert "## pairs\n\n1,000 photos, 4,000 texts.\n\n| figure | all |" in page
    assert page.endswith(
        "| swap\\|nouns \\# x | 51.3 | 48.0 to 54.0 |  | 50.0 | -1.0 | -3.0 to 0.9 | 14.6% |\n"
    )
    alone = markdown([Result("pairs", 1000, 4000, (figure,))], subject, None, (), "")
    assert alone.endswith("| swap\\|nouns \\# x | 51.3 | 48.0 to 54.0 |  | 50.0 |\n")
    assert "above" not in alone


def test_models_are_placed_by_accuracy_and_latency_beside_their_picture():
    of = ("first top-1", "second|task all")
    placed = [
        Placed("a_model", Accuracy(46.68, of), Latency(15.46, 1.31, "torch")),
        Placed("b", Accuracy(51.0, of), Latency(80.0, 8.25, "ONNX Runtime")),
    ]
    subject = SimpleNamespace(name="a_model", digest="00ff")
    page = markdown([], subject, subject, placed, "my page.svg")
    assert "![Accuracy against latency](my%20page.svg)" in page
    assert "| a\\_model | 46.7 | 15.5 | 1.3 | torch |\n| b | 51.0 | 80.0 | 8.2 | ONNX Runtime |\n" in page
    assert "of the reported half: first top-1, second\\|task all." in page
