"""The optimizer of a run, and which weights it lets decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from mctrain.models.clip import Heads


def build_optimizer(heads: Heads, decay: float) -> torch.optim.AdamW:
    """AdamW over both heads and the factor's logarithm, which does not decay: 0 would be no rest for it, but its least value."""
    weights = [own for name, own in heads.named_parameters() if name != "log_scale"]
    groups: list[dict[str, Any]] = [{"params": weights}, {"params": [heads.log_scale], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=decay)
