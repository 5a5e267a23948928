"""A killed run ends bit for bit as an undisturbed one; states are kept, and refused by runs that they do not fit."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace

import pytest
import torch
from packaging.version import Version
from tests.trainer.conftest import kill_mctrain

from mctrain.cli.commands.runs import start_of
from mctrain.errors import TrainerError
from mctrain.training.metrics import METRICS
from mctrain.weights.checkpoint import CHECKPOINT, states

# learnt ranges, parts, a bank, held and moving norms, an average, lines and scores between states
EVERYTHING = (
    "run.range_augment=true",
    "run.parts=2",
    'optimizer.held=["text"]',
    'evaluation.figures=["dev: text to image at 1"]',
    "evaluation.every=2",
)
TIMES = ("photos_a_second", "waiting")


def lines(folder):
    """The lines of the metrics, without starts and times."""
    rows = [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
    return [
        {key: value for key, value in line.items() if key not in TIMES}
        for line in rows
        if "start" not in line
    ]


def numbers(path):
    """Every value of a file by its path, without times."""
    found = {}

    def walk(value, place):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in inside:
            if isinstance(item, (dict, list, tuple)):
                walk(item, f"{place}/{key}")
            elif key not in {"seconds", "waited"}:
                found[f"{place}/{key}"] = item

    walk(torch.load(path, weights_only=True), "")
    return found


def demand_same(folder, other):
    for name in (states(other)[-1].name, CHECKPOINT):
        left, right = numbers(folder / name), numbers(other / name)
        assert left.keys() == right.keys()
        for place, value in left.items():
            same = (
                torch.equal(value, right[place]) if isinstance(value, torch.Tensor) else value == right[place]
            )
            assert same, place
    assert lines(folder) == lines(other)


@pytest.fixture
def copied(undisturbed, tmp_path):
    """A copy of the undisturbed run."""
    return shutil.copytree(undisturbed, tmp_path / "run", copy_function=os.link)


@pytest.fixture(scope="module")
def undisturbed(run_in, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run_in(folder, *EVERYTHING)
    return folder


def kill(command, folder, moment, count):
    return kill_mctrain(command(folder, *EVERYTHING, workers=1), moment, "step-", count)


def test_a_killed_run_ends_as_one_that_was_not(undisturbed, command, run_in, tmp_path):
    """It is killed after the metrics of step 4 and before its state; the earlier state lies between two lines."""
    assert kill(command, tmp_path / "run", "os.rename", 4) == -signal.SIGKILL
    assert states(tmp_path / "run")[-1].name == "step-00000003.pt"
    assert lines(tmp_path / "run")[-1]["step"] == 4
    run_in(tmp_path / "run", *EVERYTHING)
    demand_same(tmp_path / "run", undisturbed)
    assert not list((tmp_path / "run").glob(".*.part"))
    assert len(states(tmp_path / "run")) == 2


@pytest.mark.soak
@pytest.mark.parametrize(
    ("moment", "count"),
    [*(("os.rename", count) for count in range(1, 10)), *(("os.remove", count) for count in (1, 2, 3))],
)
def test_a_run_killed_anywhere_ends_as_one_that_was_not(undisturbed, command, tmp_path, moment, count):
    ends = [kill(command, tmp_path, moment, times) for times in (count, 1, 0)]
    assert ends[0] == -signal.SIGKILL
    assert ends[2] == 0
    demand_same(tmp_path, undisturbed)


def test_the_metrics_have_all_steps_and_scores(undisturbed):
    rows = lines(undisturbed)
    assert [(line["step"], "score" in line) for line in rows] == [
        (2, False), (2, True), (4, False), (4, True), (6, False), (6, True), (7, False), (7, True),
    ]  # fmt: skip
    first = json.loads((undisturbed / METRICS).read_text().splitlines()[0])["start"]
    assert (first["device"], first["processes"]) == ("cpu", 1)
    assert (
        Version(first["versions"]["torch"]).public == Version(torch.__version__).public
    )  # whatever it was built for
    assert first["recipe"]["run"]["range_augment"] is True


def test_an_unrelated_checkpoint_is_not_overwritten(undisturbed, run_in, tmp_path):
    """Not even if the run begins with it."""
    made = tmp_path / CHECKPOINT
    shutil.copy(undisturbed / CHECKPOINT, made)
    before = made.read_bytes()
    for start in (None, start_of(tmp_path)):
        with pytest.raises(TrainerError, match=r"checkpoint\.pt is there already, .* with -o"):
            run_in(tmp_path, "run.steps=1", start=start)
    assert made.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["run.steps=9"], r"differs in run\.steps \(7, now 9\); choose another folder"),
        (['data.shards=["0.tar"]'], r"differs in data\.shards"),
    ],
)
def test_another_recipe_in_the_same_folder_is_refused(copied, run_in, changes, sentence):
    with pytest.raises(TrainerError, match=sentence):
        run_in(copied, *EVERYTHING, *changes)


def test_other_photos_are_another_run(run_in, reinforced_set, places, recipe_of, tmp_path):
    shutil.copytree(reinforced_set, tmp_path / "set")
    run_in(tmp_path / "run", "run.steps=1", places=replace(places, photos=tmp_path / "set"))
    shutil.copy(tmp_path / "set" / "0.tar", tmp_path / "set" / "2.tar")
    with pytest.raises(TrainerError, match="differs in the content of its shards; choose"):
        run_in(tmp_path / "run", "run.steps=1", places=replace(places, photos=tmp_path / "set"))


def test_a_damaged_state_is_named_with_what_to_do(copied, run_in):
    before, last = states(copied)
    half = last.read_bytes()[:1000]
    last.unlink()  # it is another name of what other tests read
    last.write_bytes(half)
    with pytest.raises(
        TrainerError, match=f"{last.name} is damaged; remove it, and the run goes on from the one before"
    ):
        run_in(copied, *EVERYTHING)
    last.unlink()
    before.unlink()
    before.write_bytes(b"")
    with pytest.raises(TrainerError, match=r"remove it and checkpoint\.pt, and the run begins anew"):
        run_in(copied, *EVERYTHING)
