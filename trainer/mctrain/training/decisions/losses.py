"""What decisions ask of a head, as functions of values.

Of photos with the cosines c [n, tags], the verdicts v [n, tags] (1 accepted, -1 rejected, 0 undecided) and cuts k [n, tags] above
which a photo belongs to a tag:

    decisions    Σ w softplus(-v s (c - k)) over the decided pairs alone: an undecided photo is no negative
    staying      s (1 - cosine of a photo's vector to the one that it had), so that the rest of the space stays where it was

s is the factor of the model's own cosines; w gives every tag the same weight, and in it either kind of decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

if TYPE_CHECKING:
    from torch import Tensor


def decision_loss(cosines: Tensor, verdicts: Tensor, cuts: Tensor, weights: Tensor, scale: float) -> Tensor:
    """The weighed sum [] over decided pairs."""
    return (weights * F.softplus(-verdicts * scale * (cosines - cuts))).sum()


def staying_loss(photos: Tensor, before: Tensor, scale: float) -> Tensor:
    """The mean over the rows of unit vectors [n, dim]."""
    return scale * (1 - (photos * before).sum(1)).mean()


def even_weights(verdicts: Tensor) -> Tensor:
    """W [n, tags]: of each tag the accepted pairs share out 1 / tags among them, and so do the rejected ones."""
    weights = torch.zeros(verdicts.shape)
    for kind in (1, -1):
        pairs = (verdicts == kind).float()
        weights += pairs / pairs.sum(0).clamp(min=1)
    return weights / verdicts.shape[1]


def cuts_of(cosines: Tensor, verdicts: Tensor, fitting: Tensor) -> Tensor:
    """K [n, tags]: what a photo's words have that fit it, `fitting` [n], or what is between a tag's photos so far, if that is more.

    The first alone says what a photo should have in common with words that mean nothing yet, such as a dog's name; the second
    parts what already lies above it.
    """
    sums = [
        (cosines * own).sum(0) / own.sum(0) for own in ((verdicts == 1).float(), (verdicts == -1).float())
    ]
    between = (sums[0] + sums[1]).nan_to_num(-2) / 2  # a tag with one kind of decision has no between
    return torch.maximum(between, fitting[:, None])
