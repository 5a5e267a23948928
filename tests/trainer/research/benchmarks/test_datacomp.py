"""The average of the 38 tasks is the published one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from mctrain.evaluation.outcome import Answers, Outcome, resampled
from mctrain.evaluation.report import result_of
from mctrain.research.benchmarks.datacomp import MAIN, averaged, classified


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
        results = {task: table[row][1][model] for task, row in whole.items()} | {"sugar_crepe": 99.0}
        answers = {
            task: Answers(("0/0",), 1, (Outcome.plain(task, np.array([each / 100]), np.array([0])),))
            for task, each in results.items()
        }
        assert round(averaged(answers).outcomes[0].percent(), 2) == published


def test_macro_f1_is_of_the_classes_that_photos_have():
    draw = np.random.default_rng(4)
    labels = draw.choice([0, 2, 3, 5], 300)
    logits = draw.normal(size=(300, 7)).astype(np.float32)
    logits[np.arange(300), labels] += 1.0
    first, *others = classified("wilds/iwildcam", logits, labels, labels)
    guess = logits.argmax(1)
    assert {1, 4, 6} <= set(guess)  # classes that no photo has
    wanted = f1_score(labels, guess, average="macro", labels=np.unique(labels))
    assert first.figure == "F1-macro_all"
    assert first.percent() == pytest.approx(100 * wanted)
    assert [outcome.figure for outcome in others] == ["acc1", "acc5", "mean_per_class_recall"]
    half = draw.random(300) < 0.5
    wanted = f1_score(labels[half], guess[half], average="macro", labels=np.unique(labels))
    assert first.percent(half) == pytest.approx(100 * wanted)
    assert resampled(first).std() == pytest.approx(100 * np.sqrt(wanted * (1 - wanted) / 300), rel=0.3)
    assert first.percent(labels != 2) is None


@pytest.mark.parametrize(
    ("task", "deep"), [("wilds/fmow", 1), ("fairness/geode", 1), ("fairness/dollar_street", 5)]
)
def test_the_worst_group_is_one_with_photos(task, deep):
    draw = np.random.default_rng(5)
    labels, groups = draw.integers(0, 9, 200), draw.choice([1, 2, 7], 200)
    logits = draw.normal(size=(200, 9)).astype(np.float32)
    figure = classified(task, logits, labels, groups)[0]
    right = (np.argsort(-logits, 1)[:, :deep] == labels[:, None]).any(1)
    assert figure.figure == MAIN[task]
    assert figure.percent() == pytest.approx(100 * min(right[groups == group].mean() for group in (1, 2, 7)))
    assert (resampled(figure) <= 100 * right.mean() + 15).all()


def test_the_halves_of_the_average_are_those_of_its_tasks():
    draw = np.random.default_rng(6)
    answers = {}
    for task in MAIN:
        right = draw.random(30) < draw.random()
        keys = tuple(f"0/{number:05}" for number in draw.choice(99_999, 30, replace=False))
        answers[task] = Answers(keys, 30, (Outcome.plain(MAIN[task], right, np.arange(30)),))
    each = [result_of(task, answer).figures[0] for task, answer in answers.items()]
    (whole,) = result_of("datacomp", averaged(answers)).figures
    assert whole.reporting == pytest.approx(np.mean([figure.reporting for figure in each]))
    assert whole.choosing == pytest.approx(np.mean([figure.choosing for figure in each]))
