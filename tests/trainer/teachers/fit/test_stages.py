"""The upper stages of the image trunk are tuned, and a resumed run ends where an uninterrupted one does."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from tests.trainer.conftest import changed_tensors

from mctrain.models.lite import load_lite
from mctrain.recipes.teaching import StagesTable

TABLE = StagesTable(
    first=6, epochs=2, rate=3e-4, head_rate=4e-4, warmup=1, distil=0.5, pseudo=0.1, moved=0.75
)


@pytest.fixture(scope="module")
def recipe(tiny_recipe):
    data = replace(tiny_recipe.data, blanks=2, contrasts=True)
    return replace(tiny_recipe, data=data, stages=TABLE, training=replace(tiny_recipe.training, epochs=1))


@pytest.fixture(scope="module")
def tuned(recipe, tmp_path_factory, fit):
    return fit(recipe, tmp_path_factory.mktemp("stages"))


def test_only_the_upper_stages_have_moved(tuned):
    before = load_lite().state_dict()
    after = tuned.content.clip.image.trunk.state_dict()
    moved = changed_tensors(before, after)
    parts = {name.removeprefix("network.").split(".")[0] for name in moved}
    assert parts == {"blocks", "conv_head", "bn2"}
    assert {name.split(".")[2] for name in moved if name.startswith("network.blocks")} == {"6"}
    assert not any("running" in name for name in moved)


def test_tuning_lowers_the_loss_further(tuned):
    heads, *stages = tuned.history
    assert max(stages) < 0.8 * heads


def test_the_weights_move_by_the_share_in_the_recipe(tuned, recipe, tmp_path, fit):
    """No epoch is computed again."""
    shutil.copytree(tuned.path.parent, tmp_path / "whole")
    progress = tmp_path / "whole" / "stages.progress.pt"
    content = torch.load(progress, weights_only=True)
    content["recipe"]["stages"]["moved"] = 1.0
    heads = torch.load(tmp_path / "whole" / "progress.pt", weights_only=True)
    heads["recipe"]["stages"]["moved"] = 1.0
    torch.save(content, progress)
    torch.save(heads, tmp_path / "whole" / "progress.pt")
    whole = fit(replace(recipe, stages=replace(TABLE, moved=1.0)), tmp_path / "whole")
    name = "image.trunk.network.conv_head.weight"
    started = load_lite().state_dict()["network.conv_head.weight"]
    part, all_of_it = (run.content.clip.state_dict()[name] for run in (tuned, whole))
    assert not torch.equal(part, started)
    assert torch.allclose(part, torch.lerp(started, all_of_it, 0.75), atol=1e-6)


def test_a_resumed_run_ends_where_an_uninterrupted_one_ends(tuned, recipe, tmp_path, fit):
    """The saved run has all epochs of the heads and the first of the stages."""
    short = replace(recipe, stages=replace(TABLE, epochs=1))
    again = fit(recipe, tuned.path.parent)
    assert again.history == tuned.history
    assert not changed_tensors(tuned.content.clip.state_dict(), again.content.clip.state_dict())
    assert fit(short, tmp_path).history[0] == tuned.history[0]
