"""BatchNorm that keeps the statistics it has: for a run, or for a pass that is made a second time."""

from __future__ import annotations

from contextlib import contextmanager
from types import MethodType
from typing import TYPE_CHECKING

from torch.nn.modules.batchnorm import _BatchNorm

from mctrain.optimisation.optimizer import demand_parts, is_within

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch import nn


def hold_statistics(model: nn.Module, parts: Collection[str]) -> None:
    """Brings every BatchNorm of these parts to evaluation mode, where `model.train()` and that of copies leave it.

    Its weight and bias still learn, unless a rule of the optimizer freezes them.

    Raises:
        RecipeError: a part has none.
    """
    norms = {name: own for name, own in model.named_modules() if isinstance(own, _BatchNorm)}
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
    norms = [own for own in model.modules() if isinstance(own, _BatchNorm) and own.training]
    before = [(own.momentum, own.num_batches_tracked) for own in norms]
    for own in norms:
        own.momentum, own.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for own, (momentum, count) in zip(norms, before, strict=True):
            own.momentum, own.num_batches_tracked = momentum, count


def _stay(norm: nn.Module, mode: bool = True) -> nn.Module:  # noqa: ARG001 (torch's own signature)
    """In place of a norm's `train`; bound, so that a copy's is the copy's."""
    return type(norm).train(norm, mode=False)
