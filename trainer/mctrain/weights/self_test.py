"""Looks at a model for signs that it was trained; what it finds is told and never refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mctrain.models.mobileclip import FIRST_SCALE

if TYPE_CHECKING:
    from mctrain.models.mobileclip import MobileClip

_STEP = 0.01  # a logarithm this near its first value has not moved
_LEAST_GROWTH = 3.0


@dataclass(frozen=True, slots=True)
class Look:
    """Whether a model looks trained, and why one thinks so."""

    trained: bool
    reasons: tuple[str, ...]

    def sentence(self) -> str:
        """For a person."""
        return f"looks trained: {'yes' if self.trained else 'no'} ({'; '.join(self.reasons)})"


@torch.no_grad()
def look(model: MobileClip) -> Look:
    """Judges by what training always moves: the logit scale, and layer scales or norms of the image tower."""
    signs = [_scale(model), _norms(model)]
    told = [sign for sign in signs if sign is not None]
    return Look(all(fine for fine, _ in told), tuple(reason for _, reason in told))


def _scale(model: MobileClip) -> tuple[bool, str] | None:
    if model.logit_scale is None:
        return None
    factor = model.scale().item()
    moved = abs(model.logit_scale.item() - math.log(FIRST_SCALE)) > _STEP
    grown = factor > _LEAST_GROWTH
    return moved and grown, f"the logit scale is {factor:.1f}" + ("" if moved else ", as before training")


def _norms(model: MobileClip) -> tuple[bool, str]:
    """Norms start as ones and zeros, and no training leaves all of them there."""
    vectors = [
        own for name, own in model.image.state_dict().items() if name.endswith(".weight") and own.dim() == 1
    ]
    moved = sum(bool((own != 1).any()) for own in vectors)
    if not vectors:
        return True, "the image tower has no norm left to judge by"
    return moved == len(vectors), f"{moved} of {len(vectors)} norms of the image tower have moved"
