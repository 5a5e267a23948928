"""Several processes that train one model: rows of all of them, with their gradients."""

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
    """Which of how many processes this is; the first one writes."""

    number: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether it is the one that writes, measures and reports."""
        return self.number == 0

    def most(self, number: int) -> int:
        """The largest number that any process has; all get the same."""
        return int(self._reduce([number], distributed.ReduceOp.MAX)[0]) if self.count > 1 else number

    def means(self, values: Sequence[float]) -> list[float]:
        """Over the processes, one by one."""
        if self.count == 1 or not values:
            return list(values)
        return [each / self.count for each in self._reduce(values, distributed.ReduceOp.SUM)]

    def average(self, gradients: Iterable[Tensor | None]) -> None:
        """Over the processes, in place."""
        for each in gradients:
            if self.count > 1 and each is not None:
                distributed.all_reduce(each)
                each.div_(self.count)

    def from_first(self, value: float) -> float:
        """The number that the first process has."""
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
def joined() -> Iterator[Rank]:
    """Joins the processes that torchrun started, over the GPUs' own network or over gloo; one alone is the first of one.

    Raises:
        TrainerError: another process ended in the middle of a step.
    """
    if "RANK" not in os.environ:
        yield Rank()
        return
    # of convolutions that are one wide, whose strides may be written in two ways
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    try:
        yield Rank(distributed.get_rank(), distributed.get_world_size())
    except RuntimeError as fault:
        if "gloo" not in str(fault) and "NCCL" not in str(fault):
            raise
        raise TrainerError(
            "Another process of the run has ended, and says why; so this one ends too."
        ) from fault
    finally:
        distributed.destroy_process_group()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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
