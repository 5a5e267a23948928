"""The moving average of a model's weights, BatchNorm with frozen statistics, and frozen parts without dropout."""

from __future__ import annotations

from contextlib import contextmanager
from types import MethodType
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from mctrain.optimisation.optimizer import demand_parts, is_within

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from torch import Tensor


def moving_average(model: nn.Module, most: float) -> AveragedModel:
    """An exponential moving average that starts as a copy of `model`.

    The update after step 0, 1, … has the decay min(most, (step + 1) / (step + 10)), so that the initial weights fade
    quickly. Counters are copied.
    """
    average = AveragedModel(model, multi_avg_fn=_keep(most), use_buffers=True)
    # count the copy as the first update: at a count of 0 torch replaces it instead of averaging
    average.n_averaged.fill_(1)
    return average


def _keep(most: float) -> Callable[..., None]:
    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        """Updates tensors of one dtype and device; `count` models are already averaged."""
        if averaged[0].is_floating_point():
            kept = min(most, int(count) / (int(count) + 9))
            torch._foreach_lerp_(averaged, current, 1 - kept)
        else:
            torch._foreach_copy_(averaged, current)

    return update


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Flushes denormals to 0 inside the block; the setting belongs to the thread, so it is restored."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def freeze_statistics(model: nn.Module, parts: Collection[str]) -> None:
    """Puts every BatchNorm of these parts into evaluation mode for good: `train()` of the model or a copy does not change it.

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


def stop_dropout(model: nn.Module) -> None:
    """Turns dropout off for good in every module whose parameters are all frozen, so that its output stays the same."""
    for module in model.modules():
        frozen = [not each.requires_grad for each in module.parameters()]
        for layer in module.modules() if frozen and all(frozen) else ():
            if isinstance(layer, nn.Dropout):
                layer.train = MethodType(_stay, layer)  # type: ignore[method-assign]
                layer.eval()


def unchanging(model: nn.Module) -> set[str]:
    """The names of frozen parameters, and of the statistics of norms that are in evaluation mode."""
    names = {name for name, each in model.named_parameters() if not each.requires_grad}
    held = ((name, each) for name, each in model.named_modules() if isinstance(each, _BatchNorm))
    return names | {
        f"{name}.{key}" for name, norm in held if not norm.training for key, _ in norm.named_buffers()
    }


@contextmanager
def statistics_frozen(model: nn.Module) -> Iterator[None]:
    """Norms in training mode use batch statistics but do not update the running ones.

    They run the same operations as usual, as recomputation requires.
    """
    norms = [each for each in model.modules() if isinstance(each, _BatchNorm) and each.training]
    before = [(each.momentum, each.num_batches_tracked) for each in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:  # noqa: ARG001 (torch's signature)
    """Replaces a module's `train`; a bound method, so that a copy gets its own."""
    return type(module).train(module, mode=False)
