"""The average of a model over its steps, and BatchNorm that keeps the statistics it has."""

from __future__ import annotations

from contextlib import contextmanager
from types import MethodType
from typing import TYPE_CHECKING

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from mctrain.optimisation.optimizer import demand_parts, is_within

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from torch import Tensor, nn


def average_from(model: nn.Module, most: float) -> AveragedModel:
    """An average that starts as a copy of `model`.

    The update after a step, counted from 0, keeps the share min(most, (step + 1) / (step + 10)) of the average, so that its first
    weights are soon gone. Counters are copied.
    """
    average = AveragedModel(model, multi_avg_fn=_keep(most), use_buffers=True)
    # the copy counts as the first: at a count of 0 torch would replace it instead of averaging
    average.n_averaged.fill_(1)
    return average


def _keep(most: float) -> Callable[..., None]:
    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        """Takes tensors of one kind; `count` models are in the average already."""
        if averaged[0].is_floating_point():
            kept = min(most, int(count) / (int(count) + 9))
            torch._foreach_lerp_(averaged, current, 1 - kept)
        else:
            torch._foreach_copy_(averaged, current)

    return update


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """They are 0 in here; the setting is the whole thread's, so it is given back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def hold_statistics(model: nn.Module, parts: Collection[str]) -> None:
    """Brings every BatchNorm of these parts to evaluation mode, where `model.train()` and that of copies leave it.

    Its weight and bias still learn, unless a rule of the optimizer freezes them.

    Raises:
        RecipeError: a part has none.
    """
    norms = {name: each for name, each in model.named_modules() if isinstance(each, _BatchNorm)}
    demand_parts(norms.keys(), parts, "BatchNorm")
    for name, norm in norms.items():
        if any(is_within(name, part) for part in parts):
            norm.train = MethodType(_stay, norm)  # type: ignore[method-assign]
            norm.eval()


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Norms in training mode still go by the batch, and remember nothing of it.

    They do the same operations as otherwise, which a pass that is recomputed has to.
    """
    norms = [each for each in model.modules() if isinstance(each, _BatchNorm) and each.training]
    before = [(each.momentum, each.num_batches_tracked) for each in norms]
    for each in norms:
        each.momentum, each.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for each, (momentum, count) in zip(norms, before, strict=True):
            each.momentum, each.num_batches_tracked = momentum, count


def _stay(norm: nn.Module, mode: bool = True) -> nn.Module:  # noqa: ARG001 (torch's own signature)
    """In place of a norm's `train`; bound, so that a copy's is the copy's."""
    return type(norm).train(norm, mode=False)
