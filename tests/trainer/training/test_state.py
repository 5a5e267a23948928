"""A run that was killed ends bit by bit as one that was not; states are kept, and what they do not fit is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from packaging.version import Version
from tests.trainer.training.conftest import ALONE

from mctrain.cli.runs import start_of
from mctrain.errors import TrainerError
from mctrain.training.metrics import METRICS
from mctrain.weights.checkpoint import CHECKPOINT, states

# learnt ranges, parts, a bank, held and moving norms, an average, a change of size, lines and scores between states
EVERYTHING = (
    "run.range_augment=true",
    "run.parts=2",
    "run.sizes=[{ step = 4, size = 48 }]",
    'optimizer.held=["text"]',
    'evaluation.figures=["dev: text to image at 1"]',
    "evaluation.every=2",
)
TIMES = ("photos_a_second", "waiting")

# dies where a test wants it: when for the n-th time a state gets its name, or an old one is removed
DYING = """
import os, signal, sys
moment, count = sys.argv.pop(1), int(sys.argv.pop(1))

def hear(event, words):
    global count
    if event == moment and os.path.basename(words[event == "os.rename"]).startswith("step-"):
        count -= 1
        if not count:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hear)
from mctrain.__main__ import main
main()
"""


def lines(folder):
    """Of the metrics, without the beginnings of processes and without times."""
    told = [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
    return [
        {key: own for key, own in line.items() if key not in TIMES} for line in told if "start" not in line
    ]


def numbers(path):
    """Everything in a file by its place, without times."""
    found = {}

    def walk(value, place):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, own in inside:
            if isinstance(own, (dict, list, tuple)):
                walk(own, f"{place}/{key}")
            elif key not in {"seconds", "waited"}:
                found[f"{place}/{key}"] = own

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
    """The folder of such a run, for a test alone."""
    return shutil.copytree(undisturbed, tmp_path / "run", copy_function=os.link)


@pytest.fixture(scope="module")
def undisturbed(run_in, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run_in(folder, *EVERYTHING)
    return folder


def kill(command, folder, moment, count):
    words = command(folder, *EVERYTHING, workers=1)
    done = subprocess.run(
        [sys.executable, "-c", DYING, moment, str(count), *words],
        env=ALONE,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )  # fmt: skip; its readers hold the other end of what is captured: when they live on, time runs out
    return done.returncode


def test_a_killed_run_ends_as_one_that_was_not(undisturbed, command, run_in, tmp_path):
    """Killed between the lines of four steps and their state; the one before is in the middle of what the next line tells."""
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
def test_wherever_it_is_killed_and_again_as_it_goes_on(undisturbed, command, tmp_path, moment, count):
    ends = [kill(command, tmp_path, moment, times) for times in (count, 1, 0)]
    assert ends[0] == -signal.SIGKILL
    assert ends[2] == 0
    demand_same(tmp_path, undisturbed)


def test_the_lines_tell_of_all_steps_and_scores(undisturbed):
    told = lines(undisturbed)
    assert [(line["step"], "score" in line) for line in told] == [
        (2, False), (2, True), (4, False), (4, True), (6, False), (6, True), (7, False), (7, True),
    ]  # fmt: skip
    first = json.loads((undisturbed / METRICS).read_text().splitlines()[0])["start"]
    assert (first["device"], first["processes"]) == ("cpu", 1)
    assert (
        Version(first["versions"]["torch"]).public == Version(torch.__version__).public
    )  # whatever it was built for
    assert first["recipe"]["run"]["range_augment"] is True


def test_a_checkpoint_of_something_else_is_not_written_over(undisturbed, run_in, tmp_path):
    """Not even where the run begins with that very one."""
    made = tmp_path / CHECKPOINT
    shutil.copy(undisturbed / CHECKPOINT, made)
    before = made.read_bytes()
    for start in (None, start_of(tmp_path)):
        with pytest.raises(TrainerError, match=r"checkpoint\.pt is there already, .* with -o"):
            run_in(tmp_path, "run.steps=1", start=start)
    assert made.read_bytes() == before
    assert [own.name for own in tmp_path.iterdir()] == [CHECKPOINT]


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
