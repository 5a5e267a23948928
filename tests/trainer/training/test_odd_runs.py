"""What a person gets wrong around a run is told in one sentence, and what a run could not use is counted."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import pytest
from tests.trainer.training.conftest import ALONE

from mctrain.errors import RecipeError, TrainerError
from mctrain.training import run
from mctrain.training.alone import alone_in
from mctrain.training.metrics import METRICS
from mctrain.training.ranks import Rank
from mctrain.training.state import states
from mctrain.weights.checkpoint import CHECKPOINT


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("run.seed=-1", "run.seed 0 or more"),
        ("run.seed=9223372036854775808", "below 2 to the 63"),
        ("run.passes=-1.0", "either steps or passes"),
        ("data.bank=-1", "data.bank 0 or more"),
        ("towers.dim=0", "1 dimension at least"),
        ("towers.size=0", "32 pixels"),
        ("towers.context=2", "texts of 3 tokens"),
        ("run.sizes=[{step=0,size=0}]", "one of run.sizes is less"),
        ("loss.distil=7", "distil from 0 to 1"),
        ("loss.distil=nan", "distil from 0 to 1"),
        ("loss.scales=[0.0, 1.0]", "scales above 0"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(recipe_of, change, sentence):
    with pytest.raises(RecipeError, match=sentence):
        recipe_of(change)


def test_a_run_has_an_end(recipe_of):
    for endless in ("inf", "1e308"):
        with pytest.raises(RecipeError, match=r"run\.passes 1,000,000 at most"):
            recipe_of("run.steps=0", f"run.passes={endless}")
    with pytest.raises(RecipeError, match="either steps or passes"):
        recipe_of("run.steps=-1", "run.passes=1.0")


def test_a_second_run_in_a_folder_is_refused_until_the_first_has_ended(command, tmp_path):
    words = [sys.executable, "-m", "mctrain", *command(tmp_path, "run.steps=1")]
    with alone_in(tmp_path):
        told = subprocess.run(words, capture_output=True, text=True, check=False, env=ALONE)
        with pytest.raises(TrainerError, match="Another process trains"), alone_in(tmp_path):
            pass
    assert told.returncode == 1
    assert f"Another process trains in {tmp_path} right now" in told.stderr
    assert not (tmp_path / CHECKPOINT).exists()
    with alone_in(tmp_path):
        pass


def test_a_run_that_has_not_ended_is_nothing_to_begin_with(run_in, tmp_path):
    run_in(tmp_path, "run.steps=2")
    with pytest.raises(TrainerError, match=f"with -o, where --from {tmp_path} would begin"):
        run_in(tmp_path, "run.steps=3")
    (tmp_path / CHECKPOINT).unlink()
    with pytest.raises(TrainerError, match="another folder with -o, or take the change back"):
        run_in(tmp_path, "run.steps=3")


def test_processes_that_find_different_states_do_not_train_together(run_in, tmp_path, monkeypatch):
    class BesideOneAtItsBeginning(Rank):
        def most(self, number):
            return max(number, 0)

    run_in(tmp_path, "run.steps=2")
    monkeypatch.setattr(run, "joined", lambda: nullcontext(BesideOneAtItsBeginning()))
    with pytest.raises(TrainerError, match=f"different steps in {tmp_path}; name a folder with -o that all"):
        run_in(tmp_path, "run.steps=2")


@pytest.mark.parametrize("line", [b"\xff\xfe\n", b"[1, 2]\n", b'{"step": "x"}\n'])
def test_metrics_that_are_damaged_end_there(run_in, tmp_path, line):
    run_in(tmp_path, "run.steps=2")
    path = tmp_path / METRICS
    whole = path.read_bytes()
    path.write_bytes(whole + line)
    run_in(tmp_path, "run.steps=2")
    assert path.read_bytes().startswith(whole)
    assert line not in path.read_bytes()


def test_a_figure_of_which_less_is_better_judges_no_run(run_in, places, tmp_path):
    tasks = tmp_path / "tasks.toml"
    tasks.write_text('[[blanks]]\nname = "blanks"\n')
    with pytest.raises(RecipeError, match="Of blanks less is better"):
        run_in(
            tmp_path / "run",
            "run.steps=2",
            "evaluation.every=1",
            'evaluation.figures=["blanks: x"]',
            places=replace(places, tasks=tasks),
        )


def test_what_could_not_be_used_is_counted(run_in, places, reinforced_set, tmp_path):
    assert not run_in(tmp_path / "whole", "run.steps=1").skipped
    folder = tmp_path / "set"
    folder.mkdir()
    for path in reinforced_set.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    content = (folder / "0.tar").read_bytes()
    (folder / "0.tar").write_bytes(
        content.replace(b"\xff\xd8\xff\xe0", b"\0\0\0\0")
    )  # of each JPEG its beginning
    outcome = run_in(tmp_path / "run", "run.passes=1", "run.steps=0", places=replace(places, photos=folder))
    assert sum(outcome.skipped.values()) == content.count(b"\xff\xd8\xff\xe0") == 10


def test_a_figure_that_is_not_there_costs_no_step(run_in, tmp_path):
    watched = ("run.steps=2", "evaluation.every=1")
    with pytest.raises(RecipeError, match=r"no figure dev: x; .* other evaluation\.figures"):
        run_in(tmp_path, *watched, 'evaluation.figures=["dev: x"]')
    assert [own.name for own in states(tmp_path)] == ["step-00000001.pt"]
    outcome = run_in(tmp_path, *watched, 'evaluation.figures=["dev: text to image at 1"]')
    assert outcome.why == "2 steps"
