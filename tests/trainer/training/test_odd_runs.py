"""What a person gets wrong around a run is told in one sentence, and what a run could not use is counted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from tests.trainer.training.conftest import ALONE

from mctrain.errors import RecipeError, TrainerError
from mctrain.training.alone import alone_in
from mctrain.training.state import states
from mctrain.weights.checkpoint import CHECKPOINT


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("run.seed=-1", "run.seed 0 or more"),
        ("loss.distil=7", "distil from 0 to 1"),
        ("loss.distil=nan", "distil from 0 to 1"),
        ("loss.scales=[0.0, 1.0]", "scales above 0"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(recipe_of, change, sentence):
    with pytest.raises(RecipeError, match=sentence):
        recipe_of(change)


def test_a_run_has_an_end(recipe_of):
    with pytest.raises(RecipeError, match="either steps or passes"):
        recipe_of("run.steps=0", "run.passes=inf")


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
