"""The student: a model, its average and its optimizer, built from a recipe, a checkpoint, or the state of a run."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any, cast

import torch
from timm.models._efficientnet_blocks import DepthwiseSeparableConv, InvertedResidual
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from mctrain.errors import RecipeError, TrainerError
from mctrain.models.blocks import RepMixerBlock, TransformerLayer
from mctrain.models.clip import build_clip, load_trunks
from mctrain.models.lite import LiteShape
from mctrain.models.mci import AttentionBlock
from mctrain.models.minilm import BertLayer
from mctrain.models.presets import Preset, preset_of_towers
from mctrain.optimisation.optimizer import FACTOR, LONGEST_GRADIENT, build_student_optimizer
from mctrain.optimisation.statistics import (
    freeze_statistics,
    moving_average,
    statistics_frozen,
    stop_dropout,
    unchanging,
)
from mctrain.training.frozen_views import HeadModel
from mctrain.training.step.range_augment import RangeAugment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from torch import Tensor
    from torch.optim.swa_utils import AveragedModel

    from mctrain.models.clip import Clip
    from mctrain.recipes.training import Numbers, TrainingRecipe
    from mctrain.weights.checkpoint import Checkpoint


# pretrained networks too: timm's checkpointing would update BatchNorm statistics twice
_BLOCK = (
    TransformerLayer,
    AttentionBlock,
    RepMixerBlock,
    BertLayer,
    DepthwiseSeparableConv,
    InvertedResidual,
)


_NUMBERS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_OF_RANGES = 10.0  # times the learning rate: six parameters that must follow a target


def recompute(model: nn.Module) -> None:
    """Turns on activation recomputation, in place; dropout repeats its draws, and BatchNorm updates statistics only once."""
    for module in model.modules():
        if isinstance(module, _BLOCK):
            module.forward = MethodType(_recomputed, module)  # type: ignore[method-assign]


def _recomputed(block: nn.Module, *inputs: Any) -> Any:
    """Replaces a block's `forward`; a bound method, so that a copy gets its own."""
    return checkpoint(
        type(block).forward,
        block,
        *inputs,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), statistics_frozen(block)),
    )


class Precision:
    """Mixed precision on one device; `scaler` is part of a run's state."""

    def __init__(self, kind: Numbers, device: torch.device) -> None:
        self.device = device
        self.numbers = _NUMBERS[kind]
        self.scaler = torch.amp.GradScaler(device.type, enabled=kind == "fp16")

    def towers(self) -> torch.autocast:
        """A new autocast context for each forward pass: the cache of one without gradients must not be reused."""
        return torch.autocast(self.device.type, self.numbers, enabled=self.numbers != torch.float32)

    def backward(self, loss: Tensor, *begun: tuple[Tensor, Tensor]) -> None:
        """Backpropagates a loss, scaled for float16, and also from tensors with known gradients."""
        roots = [(self.scaler.scale(loss), None), *begun]
        torch.autograd.backward([each for each, _ in roots], [gradient for _, gradient in roots])

    def step(self, optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter]) -> float:
        """Clips the gradient, takes a step, and returns the unscaled gradient norm.

        In float16 a norm that is not finite means that the step was skipped and the loss scale lowered, down to 1.

        Raises:
            TrainerError: the gradient is not finite, and a smaller loss scale would not help; nothing was changed.
        """
        self.scaler.unscale_(optimizer)
        length = torch.nn.utils.clip_grad_norm_(parameters, LONGEST_GRADIENT)
        if not length.isfinite() and self.scaler.get_scale() <= 1:
            raise TrainerError(
                "The gradient is not finite; set a lower rate or a longer warm-up, and start in another folder."
            )
        self.scaler.step(optimizer)
        self.scaler.update()
        return float(length)


@dataclass(frozen=True, slots=True)
class Student:
    """`model` is `clip`, or works on its stored outputs; in DistributedDataParallel for several processes. `average` and
    `augment` may be None.
    """

    preset: Preset
    clip: Clip
    model: nn.Module
    average: AveragedModel | None
    augment: RangeAugment | None
    optimizer: torch.optim.AdamW
    precision: Precision
    layout: torch.memory_format  # of photos

    @property
    def best(self) -> Clip:
        """The model to evaluate and save: the average if there is one."""
        return self.clip if self.average is None else cast("Clip", self.average.module)

    def step(self) -> float:
        """Updates the weights and their average with the clipped gradient; returns the gradient norm.

        Raises:
            TrainerError: as `Precision.step`.
        """
        learning = (each for group in self.optimizer.param_groups for each in group["params"])
        length = self.precision.step(self.optimizer, [*learning])
        self.clip.clamp_scale()
        if self.average is not None:
            self.average.update_parameters(self.clip)
        return length

    def state(self) -> dict[str, Any]:
        """The state to save, without what never changes."""
        still = unchanging(self.clip)
        return {
            "weights": without(self.clip.state_dict(), still),
            "average": without(self.average.module.state_dict(), still) if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.precision.scaler.state_dict(),
            "augment": self.augment.state_dict() if self.augment else None,
        }

    def restore(self, content: Mapping[str, Any], step: int) -> None:
        """Restores `state` after `step` steps; raises torch's errors if it does not fit."""
        self.clip.load_state_dict({**self.clip.state_dict(), **content["weights"]})
        if self.average is not None:
            self.average.module.load_state_dict({**self.average.module.state_dict(), **content["average"]})
            self.average.n_averaged.fill_(step + 1)
        self.optimizer.load_state_dict(content["optimizer"])
        self.precision.scaler.load_state_dict(content["scaler"])
        if self.augment is not None:
            self.augment.load_state_dict(content["augment"])


def without(tensors: Mapping[str, Tensor], names: Collection[str]) -> dict[str, Tensor]:
    """All tensors but those with these names."""
    return {name: each for name, each in tensors.items() if name not in names}


def build_student(recipe: TrainingRecipe, start: Checkpoint | None, device: torch.device) -> Student:
    """A new student; the same seed gives the same one.

    Raises:
        RecipeError: recipe and checkpoint describe no model or different ones, or a part that the recipe names is missing.
        TrainerError: a package with pretrained weights is missing.
    """
    preset, clip = _begin(recipe, start)
    clip.requires_grad_().to(device)
    layout = _layout(recipe, preset, device)
    clip.image.to(memory_format=layout)  # type: ignore[call-overload,unused-ignore]  # newer torch has this type
    table = recipe.optimizer
    freeze_statistics(clip, table.held)
    optimizer = build_student_optimizer(clip, table)
    stop_dropout(clip)
    augment = RangeAugment().to(device) if recipe.run.range_augment else None
    if augment is not None:
        optimizer.add_param_group(
            {"params": list(augment.parameters()), "weight_decay": 0.0, FACTOR: _OF_RANGES}
        )
    average = moving_average(clip, table.average) if table.average else None
    if recipe.run.recompute:
        recompute(clip)
    whole = HeadModel(clip) if recipe.frozen_views else clip
    model = DistributedDataParallel(whole) if distributed.is_initialized() else whole
    precision = Precision(recipe.run.precision, device)
    return Student(preset, clip, model, average, augment, optimizer, precision, layout)


def _begin(recipe: TrainingRecipe, start: Checkpoint | None) -> tuple[Preset, Clip]:
    described = preset_of_towers(recipe.towers) if recipe.towers else None
    if start is None:
        if described is None:
            raise RecipeError(
                f"The recipe {recipe.name} describes no model; give a checkpoint or a bundle with --from."
            )
        torch.manual_seed(recipe.run.seed)
        clip = build_clip(described)
        load_trunks(clip, described)
        return described, clip.train()
    if start.clip.text is None or start.folded:
        raise RecipeError(
            "A run needs a model with both towers in their training form; import one whose branches are not folded."
        )
    if described and described != start.preset.named("", ""):
        raise RecipeError(
            f"The recipe {recipe.name} describes another model than that of --from; leave one of them out."
        )
    return start.preset, start.clip.train()


def _layout(recipe: TrainingRecipe, preset: Preset, device: torch.device) -> torch.memory_format:
    """Channels last if the recipe asks; on a CPU only for Lite, because torch 2.13 crashes in MobileCLIP's backward pass."""
    able = device.type == "cuda" or isinstance(preset.image, LiteShape)
    return torch.channels_last if recipe.run.channels_last and able else torch.contiguous_format
