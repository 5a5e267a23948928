"""How sure a classifier is, and the factors that make several networks as sure as Lite0 at its own size.

The branch of the image head and the class-name terms read probabilities. Another network or another size of photos gives
logits of another spread; each network's are scaled so that the mean entropy of the training photos is as Lite0's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.models.lite import is_plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mctrain.teachers.fit.features import Views

_ENTROPY = 3.4  # nats, the mean over whole training photos at 224 pixels
_ROUNDS = 30  # of halving the interval between a third and three
_PHOTOS = 2000  # are enough to know a mean within a hundredth
_RANGE = (1 / 3, 3.0)


def entropy(logits: NDArray[np.float32]) -> float:
    """The mean entropy, in nats, of the probabilities that logits [n, classes] stand for."""
    logs = torch.log_softmax(torch.from_numpy(logits), dim=1)
    return float(-(logs.exp() * logs).sum(1).mean())


def fit_factors(logits: NDArray[np.float16], views: Views) -> tuple[float, ...]:
    """A factor for each network's logits [networks, photos, classes] of whole photos."""
    if is_plain(views.networks, views.spec.size):
        return (1.0,)
    step = max(1, logits.shape[1] // _PHOTOS)
    return tuple(_factor(own[::step].astype(np.float32)) for own in logits)


def _factor(logits: NDArray[np.float32]) -> float:
    least, most = _RANGE
    for _ in range(_ROUNDS):
        middle = (least + most) / 2
        least, most = (middle, most) if entropy(logits * middle) > _ENTROPY else (least, middle)
    return round((least + most) / 2, 4)


def join(logits: NDArray[np.float16], factors: tuple[float, ...]) -> NDArray[np.float16]:
    """[views, networks, photos, classes] → their weighted means [views, photos, classes]."""
    weights = np.array(factors, np.float32) / len(factors)
    joined = np.empty((logits.shape[0], *logits.shape[2:]), np.float16)
    for view, own in enumerate(logits):
        joined[view] = np.einsum("npc,n->pc", own, weights, optimize=True)
    return joined
