"""Which parameters move, how fast, and which of them decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mctrain.errors import RecipeError
from mctrain.optimisation.names import demand_parts, is_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn

FACTOR = "factor"  # of the rate, in a group of an optimizer


@dataclass(frozen=True, slots=True)
class RateRule:
    """A part of the model, by name, moves at `factor` of the rate; 0 freezes it."""

    part: str
    factor: float

    def __post_init__(self) -> None:
        if not 0 <= self.factor < float("inf"):
            raise RecipeError(
                f"The rate's factor of {self.part} is {self.factor}; give 0, which freezes, or a number above it."
            )


def group_parameters(model: nn.Module, rules: Sequence[RateRule], decay: float) -> list[dict[str, Any]]:
    """Groups for an optimizer, of which `set_rate` knows the factors; what a rule freezes wants no gradient any more.

    Of several rules the one with the longest name holds, and without one the factor is 1. Vectors and single numbers do
    not decay: biases, norms, the logarithm of the cosines' factor. MobileCLIP's layer scales do, as in the published
    training: they have three axes.

    Raises:
        RecipeError: a rule names nothing, or nothing is left to train.
    """
    named = dict(model.named_parameters())
    demand_parts(named.keys(), [rule.part for rule in rules], "parameter")
    kinds: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, own in named.items():
        factor = _factor(name, rules)
        own.requires_grad = own.requires_grad and factor > 0
        if own.requires_grad:
            kinds.setdefault((factor, own.ndim >= 2), []).append(own)
    if not kinds:
        raise RecipeError("Everything in the model is frozen; leave a part of it to be trained.")
    return [
        {"params": members, "weight_decay": decay if decays else 0.0, FACTOR: factor}
        for (factor, decays), members in kinds.items()
    ]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Gives each group its share of the rate, which without a factor is all of it."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get(FACTOR, 1.0)


def _factor(name: str, rules: Sequence[RateRule]) -> float:
    own = [rule for rule in rules if is_within(name, rule.part)]
    return max(own, key=lambda rule: len(rule.part)).factor if own else 1.0
