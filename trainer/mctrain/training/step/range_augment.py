"""RangeAugment: brightness, contrast and noise for the student's pictures, in learnt ranges.

Mehta et al. 2022, arXiv 2212.10553; operations, bounds and the form of the loss are those of the public code (ml-cvnets,
`neural_augmentor`). Strengths are not set by hand: a target PSNR bounds the change of a picture, and falls from 40 to 20
decibels over the run. The teachers see unchanged pictures.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_FIRST_PSNR, _LAST_PSNR = 40.0, 20.0  # decibels
_WEIGHT = 100.0  # weight of the loss term, as published
_LEVEL = 1 / 255**2  # the term is quadratic below one squared grey level
_START = 6.0  # before the sigmoid: near the narrowest range


class Bounds(NamedTuple):
    """The bounds of each end of a range."""

    low: tuple[float, float]
    high: tuple[float, float]


FACTOR = Bounds((0.1, 0.9), (1.1, 10.0))  # of brightness and contrast
DEVIATION = Bounds((0.0, 0.00005), (0.0001, 1.0))  # of noise


class Range(nn.Module):
    """A range with learnt ends, from which strengths are drawn uniformly.

    It starts narrow, near the first target. The published start is wide (10 decibels) and needs ten thousand steps at a
    rate of 1e-3 to narrow.
    """

    def __init__(self, bounds: Bounds) -> None:
        super().__init__()
        self._bounds = bounds
        self.low = nn.Parameter(torch.tensor(_START))
        self.high = nn.Parameter(torch.tensor(-_START))

    def ends(self) -> tuple[Tensor, Tensor]:
        """The lower and the upper end."""
        (least, most), (lowest, highest) = self._bounds
        return (
            least + (most - least) * self.low.sigmoid(),
            lowest + (highest - lowest) * self.high.sigmoid(),
        )

    def draw(self, count: int) -> Tensor:
        """A strength per picture [count, 1, 1, 1]."""
        low, high = self.ends()
        return low + (high - low) * torch.rand(count, 1, 1, 1, device=low.device)


class RangeAugment(nn.Module):
    """Applies each of the three operations to a random half of the pictures, in random order.

    Random numbers come from torch's generators. As published, the whole loss has a gradient for the ranges.
    """

    def __init__(self) -> None:
        super().__init__()
        self.brightness = Range(FACTOR)
        self.contrast = Range(FACTOR)
        self.noise = Range(DEVIATION)

    def forward(self, pixels: Tensor, target: float) -> tuple[Tensor, Tensor]:
        """Returns changed pictures [n, 3, s, s] from 0 to 1, and a loss term [].

        `target` is the mean squared error to reach. The term is the distance of each picture's error from it. Unchanged
        pictures count too, so the mean error settles below: on photos at 22.5 decibels for 20, at 31 for 30.
        """
        steps: tuple[tuple[Callable[[Tensor, Tensor], Tensor], Range], ...] = (
            (lambda each, factor: each * factor, self.brightness),
            (lambda each, factor: each.mean((2, 3), keepdim=True).lerp(each, factor), self.contrast),
            (lambda each, deviation: each + deviation * torch.randn_like(each), self.noise),
        )
        changed = pixels
        for place in torch.randperm(len(steps)).tolist():
            change, strengths = steps[place]
            count = max(1, len(pixels) // 2)
            chosen = torch.randperm(len(pixels), device=pixels.device)[:count]
            half = change(changed[chosen], strengths.draw(count))
            changed = changed.index_copy(0, chosen, half)
        changed = changed.clamp(0.0, 1.0)
        errors = (changed - pixels).square().mean((1, 2, 3))  # [n]
        term = F.smooth_l1_loss(errors, torch.full_like(errors, target), beta=_LEVEL)
        return changed, _WEIGHT * term


def target_error(done: float) -> float:
    """The target mean squared error for pictures from 0 to 1, at the share `done` (0 to 1) of a run.

    The error, not the PSNR, follows a cosine, as published.
    """
    first, last = (10 ** (-psnr / 10) for psnr in (_FIRST_PSNR, _LAST_PSNR))
    return last + (first - last) * (1 + math.cos(math.pi * done)) / 2
