"""The factor that sharpens cosines keeps its bounds without losing its gradient, and does not decay."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from mctrain.models.clip import build_clip
from mctrain.models.presets import preset_of
from mctrain.optimisation.optimizer import build_head_optimizer
from mctrain.teachers.fit.corpus import FitFolders
from mctrain.teachers.fit.heads import Heads
from mctrain.teachers.fit.teach import PROGRESS, teach

MOST = torch.tensor(math.log(100.0))


def silent(*_):
    return lambda *_: None


@pytest.fixture
def heads(tiny_recipe):
    return Heads.of(build_clip(preset_of(tiny_recipe.model), scale=100.0))


def test_a_run_that_begins_beyond_the_bound_is_brought_back_and_not_held_there(
    tiny_recipe, tiny_data, cache, tmp_path
):
    training = replace(tiny_recipe.training, temperature=150.0, epochs=1, warmup=1)
    teach(replace(tiny_recipe, training=training), FitFolders(tiny_data, cache), tmp_path, silent, threads=1)
    assert torch.load(tmp_path / PROGRESS, weights_only=True)["heads"]["logit_scale"] < MOST


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


def test_weights_decay_and_the_factor_does_not(heads):
    before = {name: own.detach().clone() for name, own in heads.named_parameters()}
    optimizer = build_head_optimizer(heads.named_parameters(), 0.1)
    for own in heads.parameters():
        own.grad = torch.zeros_like(own)
    optimizer.step()
    for name, own in heads.named_parameters():
        kept = 1.0 if name == "logit_scale" else 1 - 1e-3 * 0.1
        assert torch.allclose(own, before[name] * kept, rtol=1e-6, atol=0)
    assert torch.equal(heads.logit_scale, before["logit_scale"])
