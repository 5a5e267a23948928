"""Fine-tunes the upper stages of an only image network, with the heads that were fitted to it, on the maps of the lower ones.

BatchNorm goes by its statistics, and the classifier stays as it is: what it says of a photo as it was is what photos are
asked for, what it says of the tuned features is what the branch reads.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import torch

from mctrain.models.lite import Joined, Lite
from mctrain.models.lite_stages import UpperStages
from mctrain.teachers.fit.heads import Heads
from mctrain.teachers.fit.loop import fit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mctrain.models.clip import Clip
    from mctrain.models.lite import LiteTower
    from mctrain.recipes.fit import Recipe, StagesTable
    from mctrain.teachers.fit.loop import Lesson


def tune_stages(
    clip: Clip, lesson: Lesson, recipe: Recipe, progress_file: Path, report: Callable[[float], None]
) -> tuple[float, ...]:
    """Tunes in place, from the last finished epoch in `progress_file` if there is one; the mean loss of each epoch.

    Raises:
        TrainerError: as `fit`.
    """
    table = cast("StagesTable", recipe.stages)
    assert lesson.maps is not None
    trunk = cast("LiteTower", clip.image).trunk
    network = cast("Lite", trunk.networks[0]) if isinstance(trunk, Joined) else trunk
    numbers = torch.bfloat16 if recipe.training.bf16 else torch.float32
    stages = UpperStages(network, table.first, lesson.maps.side, numbers)
    heads = Heads.of(clip, stages)
    heads.requires_grad_()
    before = copy.deepcopy(heads.state_dict())
    training = replace(
        recipe.training,
        epochs=table.epochs,
        rate=table.head_rate,
        warmup=table.warmup,
        distil=table.distil,
        pseudo=table.pseudo,
    )
    history = fit(heads, lesson, replace(recipe, training=training), progress_file, report)
    tuned = heads.state_dict()
    heads.load_state_dict({name: torch.lerp(own, tuned[name], table.moved) for name, own in before.items()})
    stages.write_back(network, table.first)
    return history
