"""The optimizer of a run, and which weights it lets decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mctrain.optimisation.groups import group_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

    from mctrain.optimisation.groups import RateRule


@dataclass(frozen=True, slots=True)
class AdamSettings:
    """Of AdamW: how much weights decay, how long it remembers gradients and their squares, and what keeps these from 0.

    The published runs have 0.2, 0.9, 0.95 and 1e-8.
    """

    decay: float
    first: float
    second: float
    epsilon: float


def build_student_optimizer(
    model: nn.Module, rules: Sequence[RateRule], settings: AdamSettings
) -> torch.optim.AdamW:
    """AdamW over what the rules let move of a model; freezes the rest, so it comes before DistributedDataParallel.

    Raises:
        RecipeError: as `group_parameters`.
    """
    groups = group_parameters(model, rules, settings.decay)
    return torch.optim.AdamW(
        groups, betas=(settings.first, settings.second), eps=settings.epsilon, fused=True
    )


def build_optimizer(named: Iterable[tuple[str, nn.Parameter]], decay: float) -> torch.optim.AdamW:
    """AdamW over parameters by their names; the factor's logarithm does not decay: 0 would be no rest for it, but its least value."""
    kinds: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, own in named:
        kinds[name != "logit_scale"].append(own)
    groups: list[dict[str, Any]] = [{"params": kinds[True]}, {"params": kinds[False], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=decay, fused=True)
