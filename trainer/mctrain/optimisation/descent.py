"""The loop of a fit on what is in memory: legs of steps, of which each is told when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Descent:
    """`losses` gives those of a leg by its number, each computed after the step before; `set_rate` takes the number of a step;
    `moved` is called after each. The gradient of the parameters in `clipped` is at most `longest` long.
    """

    optimizer: torch.optim.Optimizer
    losses: Callable[[int], Iterator[Tensor]]
    set_rate: Callable[[int], None]
    moved: Callable[[], None] = lambda: None
    clipped: Sequence[nn.Parameter] = ()
    longest: float = 1.0

    def follow(self, history: list[float], legs: int, told: Callable[[], None], *, steps: int = 1) -> None:
        """Goes on behind the legs whose mean losses are in `history`, until there are so many, each of so many steps.

        Raises:
            TrainerError: a gradient is no number any more.
        """
        while len(history) < legs:
            total = 0.0
            for number, loss in enumerate(self.losses(len(history))):
                self.set_rate(len(history) * steps + number)
                self.optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                if self.clipped:
                    length = torch.nn.utils.clip_grad_norm_(self.clipped, self.longest)
                    if not length.isfinite():
                        raise TrainerError(
                            "The gradient is no number any more, so nothing was written; take a lower rate in the recipe."
                        )
                self.optimizer.step()
                self.moved()
                total += float(loss.detach())
            history.append(total / steps)
            told()
