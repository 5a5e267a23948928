"""Averages include statistics, and a held BatchNorm keeps its statistics."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import timm
import torch
from tests.trainer.conftest import changed_tensors
from torch import nn

from mctrain.errors import RecipeError
from mctrain.models.mci import Mci
from mctrain.models.presets import PRESETS
from mctrain.optimisation.statistics import freeze_statistics, moving_average


def towers():
    """An MCi tower, and a network of timm with its own class of norms."""
    torch.manual_seed(2)
    preset = PRESETS["laptop_xxs"]
    return nn.ModuleDict({
        "mci": Mci(preset.image, preset.dim, head_bias=True),
        "lite": timm.create_model("tf_efficientnet_lite0"),
    })  # fmt: skip


def buffers(module):
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


def test_statistics_stay_through_training_and_in_copies():
    model = towers()
    freeze_statistics(model, ["mci.stages", "lite"])
    copies = [model, copy.deepcopy(model), moving_average(model, 0.9).module]
    before = buffers(model)
    for twin in copies:
        twin.train()
        assert twin.training
        for tower in twin.values():
            tower(torch.randn(4, 3, 64, 64) + 3)
    for twin in copies:
        moved = changed_tensors(before, buffers(twin))
        norms = {name for name, _ in twin.named_buffers()}
        assert moved == {name for name in norms if not name.startswith(("mci.stages.", "lite."))}
        assert moved


def test_a_part_without_batchnorm_is_refused():
    with pytest.raises(RecipeError, match=r"no BatchNorm in mci\.head; there are some in lite, mci"):
        freeze_statistics(towers(), ["mci.head"])


MOST = 0.8


def network():
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2, bias=False))


def wander(model, steps):
    """Trains on batches far from zero and yields the model's tensors after each step."""
    draw = torch.Generator().manual_seed(9)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        loss = model(torch.randn(6, 3, generator=draw) * 2 + 5).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}


def test_weights_and_statistics_are_averaged_and_counters_copied():
    model = network()
    average = moving_average(model, MOST)
    expected = {name: tensor.numpy().astype(np.float64) for name, tensor in model.state_dict().items()}
    began = copy.deepcopy(expected)
    for step, state in enumerate(wander(model, 60)):
        average.update_parameters(model)
        kept = min(MOST, (step + 1) / (step + 10))
        expected = {name: kept * old + (1 - kept) * state[name] for name, old in expected.items()}
    found = average.module.state_dict()
    assert found.pop("1.num_batches_tracked") == 60
    for name, tensor in found.items():
        np.testing.assert_allclose(tensor.numpy(), expected[name], rtol=1e-4, atol=1e-6)
    assert np.abs(expected["1.running_mean"] - began["1.running_mean"]).min() > 0.1
