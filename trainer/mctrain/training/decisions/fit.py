"""The fit of a bundle's image head to decisions, on what its trunk sees: some hundred steps that take seconds."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mctrain.errors import TrainerError
from mctrain.optimisation.optimizer import build_student_optimizer, rate_at, set_rate
from mctrain.training.decisions.losses import cuts_of, decision_loss, even_weights, staying_loss
from mctrain.training.decisions.sight import apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from mctrain.models.heads import Head
    from mctrain.recipes.run import DecisionsRecipe
    from mctrain.training.decisions.photos import Decided
    from mctrain.training.decisions.scores import Tags


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a head learns from: decisions, the words of their tags, those of everyday things; `scale` is the model's own factor."""

    decided: Decided
    tags: Tags
    things: Tensor  # [things, dim]
    scale: float


@dataclass(frozen=True, slots=True)
class _Table:
    """What every step draws from."""

    given: Tensor  # [photos, features + classes]
    before: Tensor  # [photos, dim]: where each was
    verdicts: Tensor  # [photos, tags]
    weights: Tensor  # [photos, tags]
    cuts: Tensor  # [photos, tags]


def fit(head: Head, lesson: Lesson, recipe: DecisionsRecipe, progress: Callable[[int, str], None]) -> Head:
    """A head like the given one that has learnt what was decided; the same one for the same seed.

    Raises:
        TrainerError: the gradient is no number any more.
    """
    torch.set_num_threads(1)
    torch.manual_seed(recipe.decisions.seed)
    table, own, steps = _table(head, lesson, recipe.decisions.rank), recipe.optimizer, recipe.decisions.steps
    learning = copy.deepcopy(head).eval().requires_grad_()  # dropout would move what is to stay
    optimizer = build_student_optimizer(learning, own)
    for step in range(steps):
        set_rate(optimizer, rate_at(step, steps, own.warmup, own.rate, own.floor))
        optimizer.zero_grad(set_to_none=True)
        loss = _loss(learning, lesson, table, recipe)
        loss.backward()  # type: ignore[no-untyped-call]
        length = torch.nn.utils.clip_grad_norm_(learning.parameters(), own.longest)
        if not length.isfinite():
            raise TrainerError(
                "The gradient is no number any more, so nothing was written; take a lower optimizer.rate."
            )
        optimizer.step()
        progress(1, f"loss {loss.item():.3f}")
    return learning.requires_grad_(requires_grad=False)


@torch.no_grad()
def _table(head: Head, lesson: Lesson, rank: int) -> _Table:
    given = torch.from_numpy(lesson.decided.given)
    verdicts = torch.from_numpy(lesson.decided.verdicts)
    before = apply(head.eval(), given)
    fitting = (before @ lesson.things.T).topk(min(rank, len(lesson.things))).values[:, -1]  # [photos]
    cuts = cuts_of(lesson.tags.scores(before), verdicts, fitting)
    return _Table(given, before, verdicts, even_weights(verdicts), cuts)


def _loss(learning: Head, lesson: Lesson, table: _Table, recipe: DecisionsRecipe) -> Tensor:
    """Of some photos, as if they were all."""
    count = len(table.given)
    rows = torch.randperm(count)[: recipe.decisions.batch]
    photos = apply(learning, table.given[rows])
    weights = table.weights[rows] * (count / len(rows))
    cosines = lesson.tags.scores(photos)
    said = decision_loss(cosines, table.verdicts[rows], table.cuts[rows], weights, lesson.scale)
    stays = staying_loss(photos, table.before[rows], lesson.scale)
    return said + recipe.decisions.staying * stays
