"""RangeAugment: brightness, contrast and noise for the student's pictures, in ranges that are learnt beside its weights.

Mehta et al. 2022, arXiv 2212.10553; operations, bounds and the form of the loss are those of the public code (ml-cvnets,
`neural_augmentor`). Nobody sets strengths: pictures may move so far from what they were as a PSNR says, which falls from 40
to 20 decibels over the run. The teachers' pictures stay as they are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_FIRST_PSNR, _LAST_PSNR = 40.0, 20.0  # decibels
_WEIGHT = 100.0  # of the term, as published
_LEVEL = 1 / 255**2  # below a difference of one squared grey level the term is quadratic
_START = 6.0  # before the sigmoid: near the narrowest range


class Bounds(NamedTuple):
    """Between which numbers each end of a range is learnt."""

    low: tuple[float, float]
    high: tuple[float, float]


FACTOR = Bounds((0.1, 0.9), (1.1, 10.0))  # of brightness and contrast
DEVIATION = Bounds((0.0, 0.00005), (0.0001, 1.0))  # of noise


class Range(nn.Module):
    """A range with learnt ends, from which strengths are drawn evenly.

    It starts narrow, as the first target wants it. The published start is wide, pictures of 10 decibels, from which it
    takes ten thousand steps at a rate of 1e-3 to come back.
    """

    def __init__(self, bounds: Bounds) -> None:
        super().__init__()
        self._bounds = bounds
        self.low = nn.Parameter(torch.tensor(_START))
        self.high = nn.Parameter(torch.tensor(-_START))

    def ends(self) -> tuple[Tensor, Tensor]:
        """From where to where strengths are drawn."""
        (least, most), (lowest, highest) = self._bounds
        return (
            least + (most - least) * self.low.sigmoid(),
            lowest + (highest - lowest) * self.high.sigmoid(),
        )

    def draw(self, count: int) -> Tensor:
        """One strength for each of so many pictures [count, 1, 1, 1]."""
        low, high = self.ends()
        return low + (high - low) * torch.rand(count, 1, 1, 1, device=low.device)


class RangeAugment(nn.Module):
    """Each of the three operations changes half of the pictures, drawn for itself; their order is drawn too.

    Random numbers are those of torch's own generators. As published, the ranges follow the whole loss: what is computed
    of the pictures has a gradient for them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.brightness = Range(FACTOR)
        self.contrast = Range(FACTOR)
        self.noise = Range(DEVIATION)

    def forward(self, pixels: Tensor, target: float) -> tuple[Tensor, Tensor]:
        """Changes pictures [n, 3, s, s] from 0 to 1, and adds a term [] to the loss.

        `target` is the mean squared error that the ranges should learn to give. The term is the distance of each picture's error from it, so that untouched pictures count as much as the farthest
        ones, and the mean error settles below: on photos at 22.5 decibels for 20, at 31 for 30.
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
    """The mean squared error of pictures from 0 to 1 that is aimed at when so much of a run is done, from 0 to 1.

    It, not the PSNR, follows a cosine, as published.
    """
    first, last = (10 ** (-psnr / 10) for psnr in (_FIRST_PSNR, _LAST_PSNR))
    return last + (first - last) * (1 + math.cos(math.pi * done)) / 2
