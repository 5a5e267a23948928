"""The average of a model is that of all it computes with: weights and statistics."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from mctrain.optimisation.statistics import average_from

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
    average = average_from(model, MOST, 0)
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
