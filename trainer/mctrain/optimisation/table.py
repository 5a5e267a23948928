"""What a recipe says of the optimizer and of its rate over the run."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from mctrain.errors import RecipeError
from mctrain.optimisation.groups import RateRule  # noqa: TC001 (the types of a table are read at run time)
from mctrain.optimisation.schedule import rate_at


@dataclass(frozen=True, slots=True)
class OptimizerTable:
    """AdamW, its rate over the run, and how long a gradient may be; unless it is said, as published.

    `rules` slow down or freeze parts by name; BatchNorm of the parts in `held` goes by the statistics it has; `average` is
    the share that a step keeps of the average of the weights, 0 for none. The rate rises over `warmup` steps, or over half of
    a run that has fewer than twice as many, and falls to `floor`.
    """

    rate: float
    warmup: int
    floor: float = 1e-6
    decay: float = 0.2
    first: float = 0.9
    second: float = 0.95
    epsilon: float = 1e-8
    longest: float = 1.0
    rules: tuple[RateRule, ...] = ()
    held: tuple[str, ...] = ()
    average: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.first, self.second, self.average)
        amounts = (self.rate, self.floor, self.decay, self.warmup, self.epsilon)
        if not (all(0 <= own < inf for own in amounts) and all(0 <= own < 1 for own in shares)):
            raise RecipeError(
                f"The optimizer's rate, floor, decay, warmup and epsilon are {list(amounts)}, first, second and average {list(shares)}; "
                "give numbers of 0 and more, the last three below 1."
            )
        if self.floor > self.rate:
            raise RecipeError(
                f"The rate cannot fall from {self.rate:g} to {self.floor:g}; give optimizer.floor no more than the rate."
            )
        if not self.longest > 0:
            raise RecipeError(
                f"A gradient cannot be at most {self.longest} long; give longest a number above 0."
            )

    def rate_at(self, step: int, steps: int) -> float:
        """Of one step of so many."""
        return rate_at(step, steps, self.warmup, self.rate, self.floor)
