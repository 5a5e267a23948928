"""The optimizer of a run: which parameters move, how fast over the run, which of them decay; and the loop of a fit in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mctrain.errors import RecipeError, TrainerError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from torch import Tensor, nn

    from mctrain.recipes.tables import OptimizerTable, RateRule


FACTOR = "factor"  # of the rate, in a group of an optimizer


def is_within(name: str, part: str) -> bool:
    """Whether a module or a parameter is the part, or inside it; "layers.1" is not in "layers.11"."""
    return f"{name}.".startswith(f"{part}.")


def demand_parts(names: Collection[str], parts: Iterable[str], kind: str) -> None:
    """That each part has something of this kind.

    Raises:
        RecipeError: one has not.
    """
    for part in parts:
        if not any(is_within(name, part) for name in names):
            known = ", ".join(sorted({name.split(".")[0] for name in names})) or "nowhere"
            raise RecipeError(f"The model has no {kind} in {part}; there are some in {known}.")


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
    for name, each in named.items():
        factor = _factor(name, rules)
        each.requires_grad = each.requires_grad and factor > 0
        if each.requires_grad:
            kinds.setdefault((factor, each.ndim >= 2), []).append(each)
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
    each = [rule for rule in rules if is_within(name, rule.part)]
    return max(each, key=lambda rule: len(rule.part)).factor if each else 1.0


def build_student_optimizer(model: nn.Module, table: OptimizerTable) -> torch.optim.AdamW:
    """AdamW over what the rules let move of a model; freezes the rest, so it comes before DistributedDataParallel.

    Raises:
        RecipeError: as `group_parameters`.
    """
    groups = group_parameters(model, table.rules, table.decay)
    return torch.optim.AdamW(groups, betas=(table.first, table.second), eps=table.epsilon, fused=True)


def build_head_optimizer(named: Iterable[tuple[str, nn.Parameter]], decay: float) -> torch.optim.AdamW:
    """AdamW over heads and what is tuned below them, by names: norms and biases decay too, the factor's logarithm does not.

    0 would be no rest for the latter, but its least value.
    """
    kinds: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, each in named:
        kinds[name != "logit_scale"].append(each)
    groups: list[dict[str, Any]] = [{"params": kinds[True]}, {"params": kinds[False], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=decay, fused=True)


def rate_at(step: int, steps: int, warmup: int, peak: float, floor: float = 0.0) -> float:
    """A straight rise over `warmup` steps, then half a cosine down to `floor` at `steps`, where it stays.

    The rise takes no more than the first half: a recipe's warm-up is meant for more steps than some photos make, and a run that
    ended in it would never come down.
    """
    warmup = min(warmup, steps // 2)
    if step < warmup:
        return peak * (step + 1) / warmup
    length = max(1, steps - warmup)
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * min(step - warmup, length) / length))


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

    def follow(self, history: list[float], legs: int, ended: Callable[[], None], *, steps: int = 1) -> None:
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
            ended()
