"""Distributed training: ranks, averages over them, and gathering rows with gradients."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, distributed

from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_PATIENCE = timedelta(hours=4)  # the others wait while the first evaluates


@dataclass(frozen=True, slots=True)
class Rank:
    """The number of this process and the count of all; the first one writes."""

    number: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes, evaluates and reports."""
        return self.number == 0

    def max(self, number: int) -> int:
        """The maximum over the processes."""
        return int(self._reduce([number], distributed.ReduceOp.MAX)[0]) if self.count > 1 else number

    def means(self, values: Sequence[float]) -> list[float]:
        """The mean of each value over the processes."""
        if self.count == 1 or not values:
            return list(values)
        return [each / self.count for each in self._reduce(values, distributed.ReduceOp.SUM)]

    def average(self, gradients: Iterable[Tensor | None]) -> None:
        """Averages over the processes, in place."""
        for gradient in gradients:
            if self.count > 1 and gradient is not None:
                distributed.all_reduce(gradient)
                gradient.div_(self.count)

    def broadcast(self, value: float) -> float:
        """The first process's value."""
        if self.count == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=_device())
        distributed.broadcast(shared, 0)
        return float(shared.item())

    @staticmethod
    def _reduce(values: Sequence[float], how: Any) -> list[float]:
        shared = torch.tensor(values, dtype=torch.float64, device=_device())
        distributed.all_reduce(shared, how)
        return cast("list[float]", shared.tolist())


@contextmanager
def join_ranks() -> Iterator[Rank]:
    """Joins the processes that torchrun started, over NCCL or gloo; a single process is rank 0 of 1.

    Raises:
        TrainerError: another process ended in the middle of a step.
    """
    if "RANK" not in os.environ:
        yield Rank()
        return
    # harmless: 1x1 convolutions have ambiguous strides
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    try:
        yield Rank(distributed.get_rank(), distributed.get_world_size())
    except RuntimeError as fault:
        if "gloo" not in str(fault) and "NCCL" not in str(fault):
            raise
        raise TrainerError(
            "Another process of the run has failed; its own message says why. This one ends too."
        ) from fault
    finally:
        distributed.destroy_process_group()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def first_row(count: int) -> int:
    """The index of this process's first row, if each process has `count` rows."""
    return count * distributed.get_rank() if _joined() else 0


def gather(rows: Tensor) -> Tensor:
    """Rows [n, d] of every process, in their order [ranks * n, d]; the gradient comes back summed over the processes.

    Each must pass equally many. A single process gets its rows back.
    """
    return cast("Any", _Gather).apply(rows) if _joined() else rows


def _joined() -> bool:
    return distributed.is_available() and distributed.is_initialized()


class _Gather(torch.autograd.Function):
    """As torch.distributed.nn's, which is deprecated and warns."""

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
