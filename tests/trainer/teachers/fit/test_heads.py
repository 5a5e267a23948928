"""A fit learns, is reproducible, and survives a kill."""

from __future__ import annotations

import math
import shutil
import signal
from dataclasses import replace

import pytest
import torch
from tests.trainer.conftest import changed_tensors, kill_mctrain

from mctrain.data.shards import samples
from mctrain.errors import TrainerError
from mctrain.models.clip import build_clip
from mctrain.models.presets import preset_of
from mctrain.optimisation.optimizer import build_head_optimizer
from mctrain.teachers.fit.heads import FitProgress, Heads
from mctrain.teachers.fit.teach import PROGRESS
from mctrain.weights.checkpoint import CHECKPOINT, load_checkpoint


def test_the_loss_falls_and_the_checkpoint_names_its_data(finished, tiny_recipe):
    checkpoint = finished.content
    assert len(finished.history) == tiny_recipe.training.epochs
    assert finished.history[-1] < 0.8 * finished.history[0]
    assert set(checkpoint.origin.data) == {
        "flickr8k-train-000000.tar", "labelled-train-000000.tar.gz", "labelled-templates.json", "translations.tsv.gz",
    }  # fmt: skip


def test_a_checkpoint_read_back_is_the_same(finished):
    back = load_checkpoint(finished.path)
    assert not changed_tensors(back.clip.state_dict(), finished.content.clip.state_dict())
    assert (back.preset, back.origin) == (finished.content.preset, finished.content.origin)


def test_a_checkpoint_holds_no_photo_and_no_text(finished, tiny_data):
    content = finished.path.read_bytes()
    for sample in samples(tiny_data / "flickr8k-train-000000.tar"):
        assert sample.photo[100:140] not in content
        assert sample.record["captions"][0].encode() not in content


def test_a_killed_run_ends_where_an_undisturbed_one_ends(
    finished, tiny_recipe, tiny_recipe_file, tiny_data, cache, tmp_path, fit
):
    folder = tmp_path / "killed"
    words = ["teach", tiny_recipe_file, "-o", folder, "--data", tiny_data, "--cache", cache]
    assert kill_mctrain(words, "os.rename", PROGRESS, 2) == -signal.SIGKILL
    assert not (folder / CHECKPOINT).exists()
    done = len(torch.load(folder / PROGRESS, weights_only=True)["history"])
    assert 1 <= done < len(finished.history)
    continued = fit(tiny_recipe, folder)
    assert continued.history == finished.history
    assert not changed_tensors(continued.content.clip.state_dict(), finished.content.clip.state_dict())


def test_a_folder_with_a_run_of_another_recipe_is_left_alone(finished, tiny_recipe, fit):
    other = replace(tiny_recipe, training=replace(tiny_recipe.training, rate=2e-3))
    with pytest.raises(TrainerError, match="holds a run of another recipe"):
        fit(other, finished.path.parent)
    assert finished.path.exists()


def test_a_folder_with_a_run_on_other_photos_is_left_alone(finished, tiny_recipe, tiny_data, tmp_path, fit):
    """Otherwise the checkpoint would name files that its heads never saw."""
    shutil.copytree(finished.path.parent, tmp_path / "run")
    shutil.copytree(tiny_data, tmp_path / "data")
    shutil.copy(
        tmp_path / "data" / "flickr8k-train-000000.tar", tmp_path / "data" / "flickr8k-train-000001.tar"
    )
    with pytest.raises(TrainerError, match="holds a run of other photos or texts"):
        fit(tiny_recipe, tmp_path / "run", tmp_path / "data")


def test_an_unrelated_checkpoint_is_not_overwritten(tiny_recipe, tmp_path, fit):
    (tmp_path / CHECKPOINT).write_bytes(b"hours of work")
    with pytest.raises(TrainerError, match=r"checkpoint\.pt is there already, .* with -o"):
        fit(tiny_recipe, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_progress_of_another_version_is_one_sentence(finished, tiny_recipe, tmp_path):
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
    return Heads.from_clip(build_clip(preset_of(tiny_recipe.model), scale=100.0))


@pytest.mark.parametrize("rate", [0.01, 10.0])
def test_the_scale_is_limited_exactly_to_its_bound(heads, rate):
    optimizer = build_head_optimizer(heads.named_parameters(), 0.1)
    for group in optimizer.param_groups:
        group["lr"] = rate
    (-heads.scale()).backward()
    optimizer.step()
    assert heads.logit_scale > MOST
    heads.clamp_scale()
    assert torch.equal(heads.logit_scale.data, MOST)
