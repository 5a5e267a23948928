"""A run learns, repeats itself, and survives being killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from mctrain.errors import TrainerError
from mctrain.training.checkpoint import CHECKPOINT, PROGRESS, load_checkpoint
from mctrain.training.run import run_recipe


def silent(*_):
    return lambda *_: None


def same_heads(one, other):
    left, right = one.heads.state_dict(), other.heads.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_the_loss_falls_and_the_checkpoint_says_what_it_was_made_of(finished, tiny_recipe):
    checkpoint = finished.content
    assert len(checkpoint.history) == tiny_recipe.training.epochs
    assert checkpoint.history[-1] < 0.8 * checkpoint.history[0]
    assert set(checkpoint.shards) == {
        "flickr8k-train-000000.tar", "labelled-train-000000.tar.gz", "labelled-templates.json", "translations.tsv.gz",
    }  # fmt: skip


def test_a_checkpoint_read_back_is_the_same(finished):
    back = load_checkpoint(finished.path)
    assert same_heads(back, finished.content)
    assert (back.recipe, back.shards, back.probe) == (
        finished.content.recipe,
        finished.content.shards,
        finished.content.probe,
    )


def test_a_killed_run_ends_where_an_undisturbed_one_ends(
    finished, tiny_recipe_file, tiny_data, cache, tmp_path
):
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "mctrain", "train", str(tiny_recipe_file), "-o", str(folder)]
    command += ["--data", str(tiny_data), "--cache", str(cache)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while not (folder / PROGRESS).exists():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (folder / CHECKPOINT).exists()
    done = len(torch.load(folder / PROGRESS, weights_only=True)["history"])
    assert 1 <= done < len(finished.content.history)
    continued = run_recipe(finished.content.recipe, tiny_data, cache, folder, silent, threads=1)
    assert continued.content.history == finished.content.history
    assert same_heads(continued.content, finished.content)


def test_another_seed_makes_other_heads(finished, tiny_recipe, tiny_data, cache, tmp_path):
    short = replace(tiny_recipe, training=replace(tiny_recipe.training, epochs=1, seed=4))
    assert not same_heads(
        run_recipe(short, tiny_data, cache, tmp_path, silent, threads=1).content, finished.content
    )


def test_a_folder_with_a_run_of_another_recipe_is_left_alone(finished, tiny_recipe, tiny_data, cache):
    other = replace(tiny_recipe, training=replace(tiny_recipe.training, rate=2e-3))
    with pytest.raises(TrainerError, match="holds a run of another recipe"):
        run_recipe(other, tiny_data, cache, finished.path.parent, silent, threads=1)
    assert finished.path.exists()


def test_a_damaged_checkpoint_is_told_in_one_sentence(finished, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(finished.path.read_bytes()[:1000])
    with pytest.raises(TrainerError, match="damaged or holds more than weights"):
        load_checkpoint(tmp_path)
    for key in ("heads", "photos", "recipe"):
        torch.save({**torch.load(finished.path), key: None}, tmp_path / CHECKPOINT)
        with pytest.raises(TrainerError, match=rf"{CHECKPOINT}(.* is damaged| must be a table)"):
            load_checkpoint(tmp_path)
    with pytest.raises(TrainerError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "nowhere")


def test_what_a_recipe_says_of_itself_may_change_between_two_calls(
    finished, tiny_recipe, tiny_data, cache, tmp_path
):
    shutil.copytree(finished.path.parent, tmp_path / "run")
    renamed = replace(tiny_recipe, about=replace(tiny_recipe.about, title="Renamed"))
    again = run_recipe(renamed, tiny_data, cache, tmp_path / "run", silent, threads=1)
    assert again.content.recipe.about.title == "Renamed"
    assert same_heads(again.content, finished.content)
