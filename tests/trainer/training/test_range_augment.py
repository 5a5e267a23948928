"""Ranges are learnt so that pictures move as far as a target says, inside their bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mctrain.training.step.range_augment import DEVIATION, FACTOR, Range, RangeAugment, target_error


def pictures(count: int, side: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(3))


def psnr(changed, clean) -> float:
    return -10 * np.log10(np.mean((changed.detach().numpy() - clean.numpy()) ** 2, dtype=np.float64))


def test_a_few_hundred_steps_bring_pictures_to_the_target():
    decibels = 20
    clean, target = pictures(256), 10 ** (-decibels / 10)
    with torch.random.fork_rng():
        torch.manual_seed(decibels)
        augment = RangeAugment()
        assert psnr(augment(clean, target)[0], clean) > 30
        optimizer = torch.optim.Adam(augment.parameters(), 0.05)
        for _ in range(200):
            optimizer.zero_grad()
            augment(clean[torch.randint(256, (64,))], target)[1].backward()
            optimizer.step()
        found = np.mean([psnr(augment(clean, target)[0], clean) for _ in range(10)])
    assert decibels - 0.5 < found < decibels + 3


def test_pictures_and_loss_are_those_of_the_published_code():
    """Computed picture by picture with the same random draws."""
    clean, augment, target = pictures(6, 5), RangeAugment(), 0.004
    with torch.no_grad():
        for number, parameter in enumerate(augment.parameters()):
            parameter.fill_(number / 2 - 2)
    ranges = {
        name: tuple(end.item() for end in getattr(augment, name).ends())
        for name in ("brightness", "contrast", "noise")
    }
    with torch.random.fork_rng():
        torch.manual_seed(7)
        changed, loss = augment(clean, target)
        torch.manual_seed(7)
        wanted = clean.numpy().copy()
        for place in torch.randperm(3).tolist():
            name = list(ranges)[place]
            chosen, draws = torch.randperm(6)[:3].tolist(), torch.rand(3, 1, 1, 1).flatten().tolist()
            noise = torch.randn(3, 3, 5, 5).numpy() if name == "noise" else None
            for row, (picture, draw) in enumerate(zip(chosen, draws, strict=True)):
                least, most = ranges[name]
                strength, pixels = least + draw * (most - least), wanted[picture]
                if name == "brightness":
                    wanted[picture] = pixels * strength
                elif name == "contrast":
                    wanted[picture] = (1 - strength) * pixels.mean((1, 2), keepdims=True) + pixels * strength
                else:
                    wanted[picture] = pixels + noise[row] * strength
    wanted = wanted.clip(0, 1)
    assert np.abs(changed.detach().numpy() - wanted).max() < 1e-5
    levels = (((wanted - clean.numpy()) * 255) ** 2).mean((1, 2, 3)) - target * 255**2
    smooth = np.where(np.abs(levels) < 1, levels**2 / 2, np.abs(levels) - 0.5)
    assert loss.item() == pytest.approx(smooth.mean() * 100 / 255**2, rel=1e-3)


@pytest.mark.parametrize(("low", "high"), [(-1e4, 1e4), (1e4, -1e4), (0.3, -2.0)])
def test_no_range_leaves_its_bounds(low, high):
    for bounds in (FACTOR, DEVIATION):
        learnt = Range(bounds)
        with torch.no_grad():
            learnt.low.fill_(low)
            learnt.high.fill_(high)
            least, most = (end.item() for end in learnt.ends())
            drawn = learnt.draw(50)
        assert bounds.low[0] - 1e-6 <= least <= bounds.low[1] + 1e-6
        assert bounds.high[0] - 1e-6 <= most <= bounds.high[1] + 1e-6
        assert least - 1e-6 <= drawn.min().item() <= drawn.max().item() <= most + 1e-6


def test_the_target_falls_from_40_to_20_decibels_along_a_cosine_of_the_error():
    assert target_error(0) == pytest.approx(1e-4)
    assert target_error(0.5) == pytest.approx((1e-4 + 1e-2) / 2)
    assert target_error(1) == pytest.approx(1e-2)
    assert np.all(np.diff([target_error(done) for done in np.linspace(0, 1, 50)]) > 0)
