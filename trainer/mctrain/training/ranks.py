"""Several processes that train one model: rows of all of them, with their gradients."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, distributed


def first_row(count: int) -> int:
    """Where this process's rows begin among those of all, of which each has so many."""
    return count * distributed.get_rank() if _joined() else 0


def gather(rows: Tensor) -> Tensor:
    """Rows [n, d] of every process, in their order [ranks * n, d]; the gradient comes back summed over the processes.

    Each must give equally many. One alone gets its own back.
    """
    return cast("Any", _Gather).apply(rows) if _joined() else rows


def _joined() -> bool:
    return distributed.is_available() and distributed.is_initialized()


class _Gather(torch.autograd.Function):
    """As torch.distributed.nn's, which is on its way out of torch, and warns."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        summed = grads[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(summed)
        return summed.narrow(0, first_row(ctx.count), ctx.count)
