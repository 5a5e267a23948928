"""What a tag has learnt: a direction and a bias, from its words and from what a person decided. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # [n, dim], rows of unit length

STEEPNESS = 40.0  # what a cosine more of 0.1 adds to the logit: 4
_STIFFNESS = 0.02  # how strongly decisions are held to the prior
_BACKGROUND = 0.05  # what a photo that nobody decided weighs against
_STEPS = 30
_OUTSTANDING = 4.0  # deviations above the median from which a photo shows more than usual


@dataclass(frozen=True, slots=True)
class Linear:
    """`sigmoid(weight @ vector + bias)` is the probability that a photo belongs to the tag; weight is [dim]."""

    weight: NDArray[np.float32]
    bias: float


def unusual(cosines: NDArray[np.float32]) -> float:
    """The cosine from which a photo stands out of its library [n]."""
    if not len(cosines):
        return 0.0
    median = float(np.median(cosines))
    return median + _OUTSTANDING * 1.4826 * float(np.median(np.abs(cosines - median)))


def prior(prompts: Vectors, cut: float) -> Linear:
    """What the words alone say [p, dim]: at the cosine `cut` it is even; without words nothing is likely."""
    if not len(prompts):
        return Linear(np.zeros(prompts.shape[1], np.float32), -1.0)
    mean = prompts.mean(axis=0)
    direction = mean / max(float(np.linalg.norm(mean)), 1e-6)
    return Linear((STEEPNESS * direction).astype(np.float32), -STEEPNESS * cut)


def fit(before: Linear, for_: Vectors, against: Vectors, background: Vectors) -> Linear:
    """The likeliest line after these decisions, held to what it was before them."""
    if not len(for_) and not len(against):
        return before
    rows = np.concatenate([for_, against, background]).astype(np.float64)
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    wanted = np.concatenate([np.ones(len(for_)), np.zeros(len(against) + len(background))])
    weights = np.concatenate([np.ones(len(for_) + len(against)), np.full(len(background), _BACKGROUND)])
    start = np.append(before.weight.astype(np.float64), before.bias)
    line = start.copy()
    steepest = (rows * weights[:, None] / 4).T @ rows + _STIFFNESS * np.eye(len(line))  # no step goes too far
    step = np.linalg.inv(steepest)
    for _ in range(_STEPS):
        chance = (1 + np.tanh(rows @ line / 2)) / 2
        line -= step @ (rows.T @ (weights * (chance - wanted)) + _STIFFNESS * (line - start))
    return Linear(line[:-1].astype(np.float32), float(line[-1]))
