"""The optimizer of a run, and which weights it lets decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from mctrain.optimisation.groups import group_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

    from mctrain.optimisation.groups import RateRule
    from mctrain.optimisation.table import OptimizerTable


def build_student_optimizer(
    model: nn.Module, table: OptimizerTable, frozen: Sequence[RateRule] = ()
) -> torch.optim.AdamW:
    """AdamW over what the rules let move of a model; freezes the rest, so it comes before DistributedDataParallel.

    `frozen` are rules before those of the table.

    Raises:
        RecipeError: as `group_parameters`.
    """
    groups = group_parameters(model, (*frozen, *table.rules), table.decay)
    return torch.optim.AdamW(groups, betas=(table.first, table.second), eps=table.epsilon, fused=True)


def build_head_optimizer(named: Iterable[tuple[str, nn.Parameter]], decay: float) -> torch.optim.AdamW:
    """AdamW over heads and what is tuned below them, by names: norms and biases decay too, the factor's logarithm does not.

    0 would be no rest for the latter, but its least value.
    """
    kinds: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, own in named:
        kinds[name != "logit_scale"].append(own)
    groups: list[dict[str, Any]] = [{"params": kinds[True]}, {"params": kinds[False], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=decay, fused=True)
