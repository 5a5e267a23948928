"""The optimizer of a run: parameter groups, the learning rate schedule, weight decay; and the loop of a fit in memory."""

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


LONGEST_GRADIENT = 1.0  # its norm, as published
FACTOR = "factor"  # key in a parameter group: multiplies the learning rate


def is_within(name: str, part: str) -> bool:
    """Whether a module or parameter is `part` or inside it; "layers.11" is not inside "layers.1"."""
    return f"{name}.".startswith(f"{part}.")


def demand_parts(names: Collection[str], parts: Iterable[str], kind: str) -> None:
    """Checks that each part contains something of this kind; raises RecipeError if a part contains none."""
    for part in parts:
        if not any(is_within(name, part) for name in names):
            known = ", ".join(sorted({name.split(".")[0] for name in names})) or "nowhere"
            raise RecipeError(f"The model has no {kind} in {part}; there are some in {known}.")


def group_parameters(model: nn.Module, rules: Sequence[RateRule], decay: float) -> list[dict[str, Any]]:
    """Parameter groups with the factors that `set_rate` reads; frozen parameters get `requires_grad` False.

    The rule with the longest matching name wins; without a rule the factor is 1. Parameters with fewer than two axes do
    not decay: biases, norms, the log of the logit scale. MobileCLIP's layer scales have three axes and decay, as in the
    published training.

    Raises:
        RecipeError: a rule names nothing, or nothing is left to train.
    """
    named = dict(model.named_parameters())
    demand_parts(named.keys(), [rule.part for rule in rules], "parameter")
    kinds: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in named.items():
        named_by = [rule for rule in rules if is_within(name, rule.part)]
        factor = max(named_by, key=lambda rule: len(rule.part)).factor if named_by else 1.0
        parameter.requires_grad = parameter.requires_grad and factor > 0
        if parameter.requires_grad:
            kinds.setdefault((factor, parameter.ndim >= 2), []).append(parameter)
    if not kinds:
        raise RecipeError("Everything in the model is frozen; leave a part of it to be trained.")
    return [
        {"params": members, "weight_decay": decay if decays else 0.0, FACTOR: factor}
        for (factor, decays), members in kinds.items()
    ]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets each group's learning rate to `rate` times its factor, 1 by default."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get(FACTOR, 1.0)


def build_student_optimizer(model: nn.Module, table: OptimizerTable) -> torch.optim.AdamW:
    """AdamW over the trainable parameters; freezes the others, so call it before DistributedDataParallel.

    Raises:
        RecipeError: as `group_parameters`.
    """
    groups = group_parameters(model, table.rules, table.decay)
    return torch.optim.AdamW(groups, betas=(table.first, table.second), eps=table.epsilon, fused=True)


def build_head_optimizer(named: Iterable[tuple[str, nn.Parameter]], decay: float) -> torch.optim.AdamW:
    """AdamW over heads and the tuned layers below them: norms and biases decay too, the log of the logit scale does not.

    Decay would pull that one to 0, its lower bound.
    """
    kinds: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, parameter in named:
        kinds[name != "logit_scale"].append(parameter)
    groups: list[dict[str, Any]] = [{"params": kinds[True]}, {"params": kinds[False], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=decay, fused=True)


def rate_at(step: int, steps: int, warmup: int, peak: float, floor: float = 0.0) -> float:
    """Linear warm-up over `warmup` steps, then cosine decay to `floor` at `steps`, where it stays.

    The warm-up takes at most half of the steps, so that a short run still decays.
    """
    warmup = min(warmup, steps // 2)
    if step < warmup:
        return peak * (step + 1) / warmup
    length = max(1, steps - warmup)
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * min(step - warmup, length) / length))


@dataclass(frozen=True, slots=True)
class FitLoop:
    """`losses` yields the losses of a round by its number, each computed after the previous step; `set_rate` takes the step
    number; `after_step` is called after each step. The gradient norm of the parameters in `clipped` is at most `LONGEST_GRADIENT`.
    """

    optimizer: torch.optim.Optimizer
    losses: Callable[[int], Iterator[Tensor]]
    set_rate: Callable[[int], None]
    after_step: Callable[[], None] = lambda: None
    clipped: Sequence[nn.Parameter] = ()

    def run(
        self, history: list[float], rounds: int, after_round: Callable[[], None], *, steps: int = 1
    ) -> None:
        """Continues after the rounds whose mean losses are in `history`, up to `rounds` rounds of `steps` steps each.

        Raises:
            TrainerError: a gradient is not finite.
        """
        while len(history) < rounds:
            total = 0.0
            for number, loss in enumerate(self.losses(len(history))):
                self.set_rate(len(history) * steps + number)
                self.optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                if self.clipped:
                    length = torch.nn.utils.clip_grad_norm_(self.clipped, LONGEST_GRADIENT)
                    if not length.isfinite():
                        raise TrainerError(
                            "The gradient is not finite, so nothing was written; set a lower rate in the recipe."
                        )
                self.optimizer.step()
                self.after_step()
                total += float(loss.detach())
            history.append(total / steps)
            after_round()
