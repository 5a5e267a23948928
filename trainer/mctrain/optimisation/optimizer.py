"""The optimizer of a run, and which weights it lets decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn


def build_optimizer(named: Iterable[tuple[str, nn.Parameter]], decay: float) -> torch.optim.AdamW:
    """AdamW over parameters by their names; the factor's logarithm does not decay: 0 would be no rest for it, but its least value."""
    kinds: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, own in named:
        kinds[name != "logit_scale"].append(own)
    groups: list[dict[str, Any]] = [{"params": kinds[True]}, {"params": kinds[False], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=decay, fused=True)
