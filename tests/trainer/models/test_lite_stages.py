"""A network in two halves computes and learns as timm's whole network."""

from __future__ import annotations

import copy

import pytest
import torch

from mctrain.models.lite import NATIVE, load_lite
from mctrain.models.lite_stages import LowerStages, UpperStages

FIRST = 5


@pytest.fixture(scope="module")
def halves():
    """A network, the maps of three noisy pictures, and its upper half."""
    network, side = load_lite("lite2"), NATIVE["lite2"]
    pixels = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        maps = LowerStages(network, FIRST)(pixels)
    return network, pixels, maps, UpperStages(network, FIRST, int(maps.shape[1] ** 0.5))


def test_the_halves_see_what_the_whole_sees(halves):
    network, pixels, maps, upper = halves
    assert torch.allclose(upper(maps), network.pooled(pixels), atol=2e-5)


def test_gradients_are_those_of_timms_convolutions(halves):
    """In double precision, since rounding moves a few activations across the corners of ReLU6."""
    network, _, maps, _ = halves
    network, side = copy.deepcopy(network).double(), int(maps.shape[1] ** 0.5)
    upper = UpperStages(network, FIRST, side, torch.float64)
    ours, theirs = maps.double().requires_grad_(), maps.double().requires_grad_()
    upper(ours).square().sum().backward()
    whole = network.network
    inner = theirs.transpose(1, 2).unflatten(2, (side, side))
    inner = whole.bn2(whole.conv_head(whole.blocks[FIRST:](inner)))
    inner.mean((2, 3)).square().sum().backward()
    assert (ours.grad - theirs.grad).norm() < 1e-5 * theirs.grad.norm()


def test_trained_weights_are_written_back(halves):
    network, pixels, maps, upper = copy.deepcopy(halves)
    draw = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in upper.parameters():
            weight.mul_(1 + 0.05 * torch.randn(weight.shape, generator=draw))
    before = network.pooled(pixels)
    upper.write_back(network, FIRST)
    assert not torch.allclose(upper(maps), before, atol=1e-2)
    assert torch.allclose(upper(maps), network.pooled(pixels), atol=3e-5)
