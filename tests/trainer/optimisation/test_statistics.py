"""A held BatchNorm goes by the statistics it has, whatever the model around it is told."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import nn

from mctrain.errors import RecipeError
from mctrain.models.mci import Mci
from mctrain.models.presets import PRESETS
from mctrain.optimisation.statistics import average_from, hold_statistics


def towers():
    """An MCi tower beside a network of timm, whose norms are a class of its own."""
    torch.manual_seed(2)
    preset = PRESETS["laptop_xxs"]
    return nn.ModuleDict({
        "mci": Mci(preset.image, preset.dim, head_bias=True),
        "lite": timm.create_model("tf_efficientnet_lite0"),
    })  # fmt: skip


def buffers(module):
    return {name: own.clone() for name, own in module.named_buffers()}


def test_statistics_stay_through_training_and_in_copies():
    model = towers()
    hold_statistics(model, ["mci.stages", "lite"])
    copies = [model, copy.deepcopy(model), average_from(model, 0.9, 0).module]
    before = buffers(model)
    for own in copies:
        own.train()
        assert own.training
        for tower in own.values():
            tower(torch.randn(4, 3, 64, 64) + 3)
    for own in copies:
        moved = {name for name, buffer in buffers(own).items() if not torch.equal(buffer, before[name])}
        norms = {name for name, _ in own.named_buffers()}
        assert moved == {name for name in norms if not name.startswith(("mci.stages.", "lite."))}
        assert moved


def test_a_held_norm_still_learns_its_weight():
    model = towers()["mci"]
    hold_statistics(model, ["stages"])
    model.train()
    model(torch.randn(4, 3, 64, 64)).sum().backward()
    assert model.stages[0].blocks[0].mixer.norm.weight.grad is not None


def test_a_part_without_batchnorm_is_refused():
    with pytest.raises(RecipeError, match=r"no BatchNorm in mci\.head; there are some in lite, mci"):
        hold_statistics(towers(), ["mci.head"])
