"""A run learns, repeats itself, and survives being killed."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from mctrain.data.shards import samples
from mctrain.errors import TrainerError
from mctrain.models.clip import build_clip
from mctrain.models.presets import preset_of
from mctrain.optimisation.optimizer import build_head_optimizer
from mctrain.teachers.fit.heads import FitProgress, Heads
from mctrain.teachers.fit.teach import PROGRESS
from mctrain.weights.checkpoint import CHECKPOINT, load_checkpoint


def same_heads(one, other):
    left, right = one.clip.state_dict(), other.clip.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_the_loss_falls_and_the_checkpoint_says_what_it_was_made_of(finished, tiny_recipe):
    checkpoint = finished.content
    assert len(finished.history) == tiny_recipe.training.epochs
    assert finished.history[-1] < 0.8 * finished.history[0]
    assert set(checkpoint.origin.data) == {
        "flickr8k-train-000000.tar", "labelled-train-000000.tar.gz", "labelled-templates.json", "translations.tsv.gz",
    }  # fmt: skip


def test_a_checkpoint_read_back_is_the_same(finished):
    back = load_checkpoint(finished.path)
    assert same_heads(back, finished.content)
    assert (back.preset, back.origin) == (finished.content.preset, finished.content.origin)


def test_a_checkpoint_holds_no_photo_and_no_text(finished, tiny_data):
    content = finished.path.read_bytes()
    for sample in samples(tiny_data / "flickr8k-train-000000.tar"):
        assert sample.photo[100:140] not in content
        assert sample.words["captions"][0].encode() not in content


def test_a_killed_run_ends_where_an_undisturbed_one_ends(
    finished, tiny_recipe, tiny_recipe_file, tiny_data, cache, tmp_path, fit
):
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "mctrain", "teach", str(tiny_recipe_file), "-o", str(folder)]
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
    assert 1 <= done < len(finished.history)
    continued = fit(tiny_recipe, folder)
    assert continued.history == finished.history
    assert same_heads(continued.content, finished.content)


def test_a_folder_with_a_run_of_another_recipe_is_left_alone(finished, tiny_recipe, fit):
    other = replace(tiny_recipe, training=replace(tiny_recipe.training, rate=2e-3))
    with pytest.raises(TrainerError, match="holds a run of another recipe"):
        fit(other, finished.path.parent)
    assert finished.path.exists()


def test_a_folder_with_a_run_on_other_photos_is_left_alone(finished, tiny_recipe, tiny_data, tmp_path, fit):
    """Its heads would go on from what they learnt, and the checkpoint name files that they never saw."""
    shutil.copytree(finished.path.parent, tmp_path / "run")
    shutil.copytree(tiny_data, tmp_path / "data")
    shutil.copy(
        tmp_path / "data" / "flickr8k-train-000000.tar", tmp_path / "data" / "flickr8k-train-000001.tar"
    )
    with pytest.raises(TrainerError, match="holds a run of other photos or texts"):
        fit(tiny_recipe, tmp_path / "run", tmp_path / "data")


def test_a_checkpoint_of_something_else_is_not_written_over(tiny_recipe, tmp_path, fit):
    (tmp_path / CHECKPOINT).write_bytes(b"hours of work")
    with pytest.raises(TrainerError, match=r"checkpoint\.pt is there already, .* with -o"):
        fit(tiny_recipe, tmp_path)
    assert [own.name for own in tmp_path.iterdir()] == [CHECKPOINT]


def test_progress_of_another_version_is_told(finished, tiny_recipe, tmp_path):
    content = torch.load(finished.path.parent / PROGRESS, weights_only=True)
    recipe = content["recipe"]
    older = {**recipe, "training": {"seed": 0}}
    model = torch.nn.Linear(1, 1)
    progress = FitProgress(
        tmp_path / PROGRESS, tiny_recipe, model, None, torch.optim.AdamW(model.parameters())
    )
    for broken in (content, {"recipe": recipe}, {**content, "recipe": older}, {}, []):
        torch.save(broken, tmp_path / PROGRESS)
        with pytest.raises(TrainerError, match=r"progress\.pt is damaged or of another version of mctrain"):
            progress.restore()


MOST = torch.tensor(math.log(100.0))


@pytest.fixture
def heads(tiny_recipe):
    return Heads.of(build_clip(preset_of(tiny_recipe.model), scale=100.0))


@pytest.mark.parametrize("rate", [0.01, 10.0])
def test_a_step_beyond_the_bound_ends_exactly_on_it(heads, rate):
    optimizer = build_head_optimizer(heads.named_parameters(), 0.1)
    for group in optimizer.param_groups:
        group["lr"] = rate
    (-heads.scale()).backward()
    optimizer.step()
    assert heads.logit_scale > MOST
    heads.limit_scale()
    assert torch.equal(heads.logit_scale.data, MOST)
