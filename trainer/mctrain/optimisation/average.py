"""The average of a model over its steps: of its weights, and of the statistics that its norms keep of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch.optim.swa_utils import AveragedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn


def average_from(model: nn.Module, most: float, step: int) -> AveragedModel:
    """An average that starts as a copy of `model`, and whose next update is that of `step`.

    An update keeps the share min(most, (step + 1) / (step + 10)) of the average, so that its first weights are soon gone.
    Counters are copied.
    """
    average = AveragedModel(model, multi_avg_fn=_keep(most), use_buffers=True)
    # the copy counts as the first: at a count of 0 torch would replace it instead of averaging
    average.n_averaged.fill_(step + 1)
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
