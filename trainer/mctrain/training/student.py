"""What learns: a model, its average, its optimizer; put together from a recipe, a checkpoint, or the state of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from mctrain.errors import RecipeError
from mctrain.models.clip import build_clip, load_trunks
from mctrain.models.presets import Preset, find_preset, preset_of
from mctrain.optimisation.average import average_from
from mctrain.optimisation.groups import FACTOR
from mctrain.optimisation.optimizer import AdamSettings, build_student_optimizer
from mctrain.optimisation.statistics import hold_statistics
from mctrain.training.precision import Precision
from mctrain.training.range_augment import RangeAugment
from mctrain.training.recompute import recompute

if TYPE_CHECKING:
    from torch.optim.swa_utils import AveragedModel

    from mctrain.models.clip import Clip
    from mctrain.models.text import TextShape
    from mctrain.training.recipe import TowersTable, TrainingRecipe
    from mctrain.weights.checkpoint import Checkpoint

_OF_RANGES = 10.0  # times the rate: six numbers that have to follow a target


@dataclass(frozen=True, slots=True)
class Student:
    """`model` is `clip`, in several processes with its gradients shared; without `average` or `augment` a recipe wants none."""

    preset: Preset
    clip: Clip
    model: nn.Module
    average: AveragedModel | None
    augment: RangeAugment | None
    optimizer: torch.optim.AdamW
    precision: Precision

    @property
    def best(self) -> Clip:
        """What is measured and kept: the average where there is one."""
        return self.clip if self.average is None else cast("Clip", self.average.module)


def build_student(recipe: TrainingRecipe, start: Checkpoint | None, device: torch.device) -> Student:
    """A student at its beginning, the same for the same seed.

    Raises:
        RecipeError: the recipe describes no model and there is no checkpoint, or both; or a part that it names is not there.
        TrainerError: a package with pretrained weights is missing.
    """
    preset, clip = _begin(recipe, start)
    clip.requires_grad_().to(device)
    if recipe.run.channels_last:
        clip.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    table = recipe.optimizer
    hold_statistics(clip, table.held)
    settings = AdamSettings(table.decay, table.first, table.second, table.epsilon)
    optimizer = build_student_optimizer(clip, table.rules, settings)
    augment = RangeAugment().to(device) if recipe.run.range_augment else None
    if augment is not None:
        optimizer.add_param_group(
            {"params": list(augment.parameters()), "weight_decay": 0.0, FACTOR: _OF_RANGES}
        )
    average = average_from(clip, table.average, 0) if table.average else None
    if recipe.run.recompute:
        recompute(clip)
    model = DistributedDataParallel(clip) if distributed.is_initialized() else clip
    return Student(preset, clip, model, average, augment, optimizer, Precision(recipe.run.precision, device))


def _begin(recipe: TrainingRecipe, start: Checkpoint | None) -> tuple[Preset, Clip]:
    described = recipe.towers or recipe.model
    if (start is None) == (described is None):
        raise RecipeError(
            f"The recipe {recipe.name} describes no model, so that it needs --from, a checkpoint or a bundle."
            if start is None
            else f"The recipe {recipe.name} describes a model from scratch; leave --from out, or the table out of the recipe."
        )
    if start is not None:
        if start.clip.text is None or start.folded:
            raise RecipeError(
                "A run begins with a model that has both towers in their training form; import it without folding its branches."
            )
        return start.preset, start.clip.train()
    torch.manual_seed(recipe.run.seed)
    preset = preset_of(recipe.model) if recipe.model else _row(cast("TowersTable", recipe.towers))
    clip = build_clip(preset)
    load_trunks(clip, preset)
    return preset, clip.train()


def _row(towers: TowersTable) -> Preset:
    """Two towers of presets, as one of our own."""
    image, text = find_preset(towers.image), find_preset(towers.text)
    shape = cast("TextShape", text.text)
    return replace(
        image,
        name="",
        title="",
        text=replace(shape, context=towers.context),
        dim=towers.dim,
        size=towers.size,
        head_bias=True,
    )
