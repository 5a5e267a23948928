"""A run measures itself as it goes, stops when scores do not rise, and loses no step by it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from tensorboardX.proto.event_pb2 import Event
from tests.trainer.conftest import changed_tensors, write_shard
from tests.trainer.training.conftest import RecordedReporter

from mctrain.data.shards import members
from mctrain.errors import DataError, RecipeError
from mctrain.evaluation.report import Figure
from mctrain.training.environment import Signals
from mctrain.training.loop import MainProcess, train
from mctrain.training.metrics import METRICS, Metrics
from mctrain.training.state import load_state, save_result
from mctrain.training.validation import open_validation
from mctrain.weights.checkpoint import load_checkpoint, states

RECALL = 'evaluation.figures=["dev: text to image at 1", "dev: image to text at 5"]'
ASKED = (RECALL, "evaluation.every=2")


def metrics_of(folder):
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]


# without a rate there is nothing to gain
STILL = (
    RECALL, "evaluation.every=1", "evaluation.patience=1", "run.keep=1",
    "optimizer.rate=0", "optimizer.floor=0", 'optimizer.held=["image", "text"]',
)  # fmt: skip


@pytest.fixture(scope="module")
def still(run_in, tmp_path_factory):
    """The folder of such a run, why it ended, and the lines of its reporter."""
    folder, reporter = tmp_path_factory.mktemp("still"), RecordedReporter()
    return folder, run_in(folder, *STILL, reporter=reporter).why, reporter.lines


def test_a_run_whose_scores_do_not_rise_is_stopped(still, run_in):
    folder, why, lines = still
    scores = [line["score"] for line in metrics_of(folder) if "score" in line]
    assert scores == [scores[0]] * 2
    assert why == (
        "stopped after 2 of 7 steps: the scores do not rise any more; these are the weights after step 1, whose score was the best "
        f"({scores[0]:.1f} %)"
    )
    assert [state.name for state in states(folder)] == ["step-00000001.pt", "step-00000002.pt"]
    assert sum(line.startswith("step 1: dev: text to image at 1 ") for line in lines) == 1
    reporter = RecordedReporter()
    outcome = run_in(folder, *STILL, reporter=reporter)
    assert outcome.why == why
    assert not any(line.startswith("The evaluation has changed") for line in reporter.lines)
    origin = load_checkpoint(outcome.path).origin
    assert (origin.steps, origin.score) == (1, pytest.approx(scores[0]))


def test_scores_of_other_photos_under_the_same_names_do_not_stop_a_run(still, run_in, places, tmp_path):
    shutil.copytree(still[0], tmp_path / "run", copy_function=os.link)
    (tmp_path / "other").mkdir()
    fewer = list(members(places.data / "dev.tar"))[:10]
    write_shard(
        tmp_path / "other" / "dev.tar", [(f"{key}.{suffix}", content) for key, suffix, content in fewer]
    )
    reporter = RecordedReporter()
    outcome = run_in(
        tmp_path / "run", *STILL, places=replace(places, data=tmp_path / "other"), reporter=reporter
    )
    assert outcome.why.startswith("stopped after 3 of 7 steps")
    assert [line["step"] for line in metrics_of(tmp_path / "run") if "score" in line] == [1, 2, 3]
    assert sum(line.startswith("The evaluation has changed") for line in reporter.lines) == 1


def test_the_state_with_the_best_score_is_kept_and_is_the_result(opened, tmp_path):
    """The choosing halves prefer the one after step 2, the whole sets the last."""
    choosing, whole = {1: 10.0, 2: 30.0, 3: 20.0, 4: 29.0}, {1: 10.0, 2: 20.0, 3: 30.0, 4: 40.0}

    def follow(reporter):
        patient = ("evaluation.every=1", "evaluation.patience=2", "run.keep=1")
        run = opened(*ASKED, *patient, "run.batch=2", "optimizer.average=0")
        run = replace(run, at=load_state(tmp_path, run))

        def validation(_):
            return {"x": Figure("x", whole[run.at.step], None, choosing[run.at.step], None)}

        with closing(Metrics(tmp_path, run.recipe, run.at, {})) as metrics:
            ending = train(run, Signals(), MainProcess(tmp_path, metrics, reporter, validation))
        return ending, save_result(tmp_path, run, ending.best)

    reporter = RecordedReporter(stop=4)
    with pytest.raises(KeyboardInterrupt):
        follow(reporter)
    assert "step 2: x 20.0 %; score on the choosing halves 30.0 %" in reporter.lines
    ending, path = follow(RecordedReporter())
    assert ending.why.startswith("stopped after 4 of 7 steps: ")
    assert ending.why.endswith("the weights after step 2, whose score was the best (30.0 %)")
    best, last = states(tmp_path)
    assert (best.name, last.name) == ("step-00000002.pt", "step-00000004.pt")
    wanted, found, frozen = (
        torch.load(each, weights_only=True) for each in (best, path, tmp_path / "frozen.pt")
    )
    assert found["trained"] == wanted["trained"]
    assert found["trained"]["steps"] == 2
    assert not changed_tensors(found["weights"], {**wanted["weights"], **frozen})
    assert not wanted["weights"].keys() & frozen.keys()
    best.unlink()
    ending, _ = follow(RecordedReporter())
    assert ending.why.endswith("after step 4, whose score was the best of the states that are left (29.0 %)")


def test_scores_are_logged_beside_the_losses_and_for_tensorboard(run_in, tmp_path):
    run_in(tmp_path, *ASKED, "run.steps=2")
    _, losses, scores = metrics_of(tmp_path)
    assert losses.keys() == {
        "step", "loss", "clip", "distillation", "rate", "scale", "gradient", "photos_a_second", "waiting",
    }  # fmt: skip
    assert scores.keys() == {"step", "score", "dev: text to image at 1", "dev: image to text at 5"}
    shown = {}
    for event in events(tmp_path / "tensorboard"):
        for value in event.summary.value:
            shown[value.tag] = (event.step, value.simple_value)
    for name in losses.keys() | scores.keys() - {"step"}:
        wanted = (2, pytest.approx({**losses, **scores}[name], abs=1e-4))
        assert name == "step" or shown[name.replace(": ", "/").replace(" ", "_")] == wanted, name


def events(folder):
    """The records of the one file: length, checksum, content, checksum."""
    content = next(folder.iterdir()).read_bytes()
    while content:
        length = int.from_bytes(content[:8], "little")
        yield Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]


def test_an_unknown_figure_loses_no_step(run_in, tmp_path):
    with pytest.raises(RecipeError, match="no figure dev: nonsense; there are dev: text to image at 1, "):
        run_in(tmp_path, "run.steps=3", "evaluation.every=2", 'evaluation.figures=["dev: nonsense"]')
    assert states(tmp_path)[-1].name == "step-00000002.pt"
    run_in(tmp_path, *ASKED, "run.steps=3")
    assert [line["step"] for line in metrics_of(tmp_path) if "score" in line] == [2, 3]


def test_an_impossible_evaluation_is_refused_before_the_first_step(run_in, places, tmp_path):
    with pytest.raises(RecipeError, match="no task nonsense to measure; there are dev"):
        run_in(tmp_path, "evaluation.every=2", 'evaluation.figures=["nonsense: x"]')
    with pytest.raises(RecipeError, match="the folder of the evaluation sets with --data"):
        run_in(tmp_path, *ASKED, places=replace(places, data=None))
    with pytest.raises(DataError, match=r"no file dev\.tar"):
        run_in(tmp_path, *ASKED, places=replace(places, data=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_signal_interrupts_an_evaluation_and_the_run_resumes_with_it(opened, run_in, places, tmp_path):
    """The signal comes as the validation begins."""
    run, interrupts = opened(*ASKED, "run.steps=3"), Signals()
    where = (places.data, places.tasks, tmp_path / "scratch")
    validation = open_validation(run.recipe.evaluation, run.student.preset, where, interrupts.check)

    def disturbed(clip):
        os.kill(os.getpid(), signal.SIGTERM)
        return validation(clip)

    metrics = Metrics(tmp_path, run.recipe, run.at, {})
    with interrupts, interrupts.deferred():
        ending = train(run, interrupts, MainProcess(tmp_path, metrics, RecordedReporter(), disturbed))
    metrics.close()
    assert (ending.signal, run.at.step, run.at.scores) == (signal.SIGTERM, 2, {})
    run_in(tmp_path, *ASKED, "run.steps=3")
    assert [(line["step"], "score" in line) for line in metrics_of(tmp_path) if "start" not in line] == [
        (2, False), (2, True), (3, False), (3, True),
    ]  # fmt: skip
