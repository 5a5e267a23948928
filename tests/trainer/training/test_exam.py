"""A run measures itself as it goes, is stopped by what it finds, and loses no step by it."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest
from tensorboardX.proto.event_pb2 import Event
from tests.trainer.training.conftest import Heard

from mctrain.errors import DataError, RecipeError
from mctrain.training.exam import open_exam
from mctrain.training.interrupts import Interrupts
from mctrain.training.loop import Desk, train
from mctrain.training.metrics import METRICS, Metrics
from mctrain.training.recipe import EvaluationTable
from mctrain.weights.checkpoint import load_checkpoint, states

RECALL = 'evaluation.figures=["dev: text to image at 1", "dev: image to text at 5"]'
ASKED = (RECALL, "evaluation.every=2")


def told(folder):
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]


def test_a_run_whose_scores_do_not_rise_is_stopped(run_in, tmp_path):
    """Without a rate there is nothing to gain."""
    heard = Heard()
    changes = (
        RECALL,
        "evaluation.every=1",
        "evaluation.patience=1",
        "optimizer.rate=0",
        "optimizer.floor=0",
        'optimizer.held=["image", "text"]',
    )
    outcome = run_in(tmp_path, *changes, journal=heard)
    assert outcome.why == "stopped after 2 of 7 steps: the scores do not rise any more"
    assert states(tmp_path)[-1].name == "step-00000002.pt"
    assert run_in(tmp_path, *changes).why == outcome.why
    scores = [line["score"] for line in told(tmp_path) if "score" in line]
    assert len(scores) == 2
    assert load_checkpoint(outcome.path).origin.score == scores[-1]
    assert sum(line.startswith("step 1: dev: text to image at 1 ") for line in heard.lines) == 1


def test_what_is_measured_stands_beside_the_losses_for_tensorboard_too(run_in, tmp_path):
    run_in(tmp_path, *ASKED, "run.steps=2")
    _, losses, scores = told(tmp_path)
    assert losses.keys() == {
        "step", "loss", "clip", "distillation", "rate", "scale", "gradient", "photos_a_second", "waiting",
    }  # fmt: skip
    assert scores.keys() == {"step", "score", "dev: text to image at 1", "dev: image to text at 5"}
    shown = {}
    for event in events(tmp_path / "tensorboard"):
        for value in event.summary.value:
            shown[value.tag] = (event.step, value.simple_value)
    for name, value in {**losses, **scores}.items():
        if name != "step":
            assert shown[name.replace(": ", "/").replace(" ", "_")] == (2, pytest.approx(value, abs=1e-4)), (
                name
            )


def events(folder):
    """Of the one file, record by record: a length, its checksum, so many bytes, theirs."""
    content = next(folder.iterdir()).read_bytes()
    while content:
        length = int.from_bytes(content[:8], "little")
        yield Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]


def test_a_figure_that_there_is_not_costs_no_step(run_in, tmp_path):
    with pytest.raises(RecipeError, match="no figure dev: nonsense; there are dev: text to image at 1, "):
        run_in(tmp_path, "run.steps=3", "evaluation.every=2", 'evaluation.figures=["dev: nonsense"]')
    assert states(tmp_path)[-1].name == "step-00000002.pt"
    run_in(tmp_path, *ASKED, "run.steps=3")
    assert [line["step"] for line in told(tmp_path) if "score" in line] == [2, 3]


def test_what_cannot_be_measured_is_told_before_the_first_step(run_in, places, tmp_path):
    with pytest.raises(RecipeError, match="no task nonsense to be measured; there are dev"):
        run_in(tmp_path, "evaluation.every=2", 'evaluation.figures=["nonsense: x"]')
    with pytest.raises(RecipeError, match="say with --data where"):
        run_in(tmp_path, *ASKED, places=replace(places, data=None))
    with pytest.raises(DataError, match=r"no file dev\.tar"):
        run_in(tmp_path, *ASKED, places=replace(places, data=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_one_of_the_tasks_of_datacomp_may_be_measured_on_the_way(opened, places, tmp_path):
    (tmp_path / "sets" / "wds_cifar10_test").mkdir(parents=True)
    tasks = tmp_path / "tasks.toml"
    tasks.write_text('[[datacomp]]\nname = "datacomp"\nfolder = "sets"\n', encoding="utf-8")
    preset, where = opened().student.preset, (tmp_path, tasks, tmp_path / "scratch")
    assert open_exam(EvaluationTable(1, ("datacomp cifar10: acc1",)), preset, where, lambda: None)
    with pytest.raises(
        RecipeError, match="no task datacomp stl10 to be measured; there are datacomp cifar10"
    ):
        open_exam(EvaluationTable(1, ("datacomp stl10: acc1",)), preset, where, lambda: None)
    task_of_its_own = f'[[retrieval]]\nname = "datacomp sets"\nshards = ["{places.data}/dev.tar"]\n'
    tasks.write_text(
        f'{task_of_its_own}\n[[datacomp]]\nname = "datacomp"\nfolder = "nowhere"\n', encoding="utf-8"
    )
    assert open_exam(
        EvaluationTable(1, ("datacomp sets: text to image at 1",)), preset, where, lambda: None
    )  # the suite, which lies nowhere, was not asked for


def test_a_signal_breaks_an_evaluation_off_and_the_run_goes_on_with_it(opened, run_in, places, tmp_path):
    """The signal comes as the exam begins."""
    run, interrupts = opened(*ASKED, "run.steps=3"), Interrupts()
    where = (places.data, places.tasks, tmp_path / "scratch")
    exam = open_exam(run.recipe.evaluation, run.student.preset, where, interrupts.look)

    def disturbed(clip):
        os.kill(os.getpid(), signal.SIGTERM)
        return exam(clip)

    metrics = Metrics(tmp_path, run.recipe, run.at, {})
    with interrupts, interrupts.kept():
        ending = train(run, interrupts, Desk(tmp_path, metrics, Heard(), disturbed))
    metrics.close()
    assert (ending.signal, run.at.step, run.at.scores) == (signal.SIGTERM, 2, {})
    run_in(tmp_path, *ASKED, "run.steps=3")
    assert [(line["step"], "score" in line) for line in told(tmp_path) if "start" not in line] == [
        (2, False), (2, True), (3, False), (3, True),
    ]  # fmt: skip
