"""The fit on cached features or maps: draws a batch, asks the losses, takes a step, and writes down every epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mctrain.errors import TrainerError
from mctrain.models import lite
from mctrain.optimisation.average import average_from, flushed_denormals
from mctrain.optimisation.optimizer import FACTOR, build_head_optimizer, rate_at, set_rate
from mctrain.teachers.fit.losses import class_name_loss, contrastive_loss
from mctrain.teachers.fit.progress import Progress, load_progress, save_progress
from mctrain.teachers.fit.sampling import Batch, batches, steps_of_epoch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor
    from torch.optim.swa_utils import AveragedModel

    from mctrain.models.lite_stages import UpperStages
    from mctrain.recipes.fit import Recipe, TrainingTable
    from mctrain.teachers.fit.corpus import Corpus
    from mctrain.teachers.fit.heads import Heads
    from mctrain.teachers.fit.maps import Maps
    from mctrain.teachers.fit.pseudo import Classifier


_CLIPPED = 1.0  # the length of the stages' gradient
_STAGES_DECAY = 0.01


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a fit learns from: the photos by their rows in the corpus, and who imagines photos of classes, if anybody does.

    `maps` of the photos where heads have stages to look at them, whose features then take the place of the cached ones.
    """

    corpus: Corpus
    photos: NDArray[np.int64]
    classifier: Classifier | None
    maps: Maps | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """What changes while a run goes on."""

    heads: Heads
    averaged: AveragedModel
    optimizer: torch.optim.AdamW
    history: list[float]

    def progress(self) -> Progress:
        """What the run would need to continue from here."""
        return Progress(
            heads=self.heads.state_dict(),
            averaged=self.averaged.module.state_dict(),
            optimizer=self.optimizer.state_dict(),
            history=tuple(self.history),
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """A batch after the heads: photos [n, dim] with their cached features and logits, texts [slots, n, dim], class names [classes, dim],
    contrasts [m, dim].
    """

    features: Tensor
    logits: Tensor
    photos: Tensor
    texts: Tensor
    classes: Tensor
    contrasts: Tensor
    scale: Tensor

    def class_loss(self, photos: Tensor, logits: Tensor) -> Tensor:
        """The class-name loss of photos [m, dim] whose classifier said `logits` [m, classes]."""
        return class_name_loss(photos, self.classes, torch.softmax(logits, dim=1), self.scale)


@flushed_denormals()
def fit(
    heads: Heads, lesson: Lesson, recipe: Recipe, progress_file: Path, report: Callable[[float], None]
) -> tuple[float, ...]:
    """Fits heads in place, from the last finished epoch in `progress_file` if there is one; the mean loss of each epoch.

    The heads end as their average over the run. Each epoch depends on seed, epoch and the state before it alone, so a
    killed run ends where an undisturbed one ends. `report` hears the mean loss of each epoch.

    Raises:
        TrainerError: the file holds a run of another recipe or version, or is damaged; or the photos do not fill a batch.
    """
    table = recipe.training
    steps = steps_of_epoch(lesson.photos, table)
    if not steps:
        raise TrainerError(
            f"{len(lesson.photos)} photos do not fill a batch of {table.batch}; give more photos or a smaller batch."
        )
    run = _begin(heads, lesson, recipe, progress_file)

    while len(run.history) < table.epochs:
        epoch = len(run.history)
        torch.manual_seed(table.seed * 1000 + epoch)
        heads.train()
        total = 0.0
        for number, batch in enumerate(batches(lesson.corpus, lesson.photos, table, epoch)):
            step = epoch * steps + number
            set_rate(run.optimizer, rate_at(step, steps * table.epochs, table.warmup, table.rate))
            loss = _loss(heads, lesson, batch, table)
            run.optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            if heads.stages is not None:
                torch.nn.utils.clip_grad_norm_(heads.stages.parameters(), _CLIPPED)
            run.optimizer.step()
            heads.limit_scale()
            run.averaged.update_parameters(heads)
            total += float(loss.detach())
        run.history.append(total / steps)
        save_progress(progress_file, recipe, run.progress())
        report(run.history[-1])
    heads.load_state_dict(run.averaged.module.state_dict())
    heads.eval().requires_grad_(requires_grad=False)
    return tuple(run.history)


def _loss(heads: Heads, lesson: Lesson, batch: Batch, table: TrainingTable) -> Tensor:
    """CLIP's loss of the captions, and the two class-name terms; cosines in float32 whatever the heads compute in."""
    seen = _see(heads, lesson, batch, bf16=table.bf16)
    loss = _caption_loss(seen, batch) + table.distil * seen.class_loss(seen.photos, seen.logits)
    if lesson.classifier is None or not table.pseudo:
        return loss
    return loss + table.pseudo * _pseudo_loss(heads, seen, lesson.classifier, table)


def _begin(heads: Heads, lesson: Lesson, recipe: Recipe, progress_file: Path) -> _Run:
    """A run at its beginning, or where its file says that it was left."""
    table = recipe.training
    named = [
        (name, own)
        for name, own in heads.named_parameters()
        if own.requires_grad and not name.startswith("stages.")
    ]
    optimizer = build_head_optimizer(named, table.weight_decay)
    if heads.stages is not None and recipe.stages is not None:
        moving = {"params": list(heads.stages.parameters()), "weight_decay": _STAGES_DECAY}
        optimizer.add_param_group({**moving, FACTOR: recipe.stages.rate / table.rate})
    progress = load_progress(progress_file, recipe)
    if progress is None:
        return _Run(heads, average_from(heads, table.average, 0), optimizer, [])
    done = len(progress.history) * steps_of_epoch(lesson.photos, table)
    try:
        heads.load_state_dict(progress.averaged)
        averaged = average_from(heads, table.average, done)
        heads.load_state_dict(progress.heads)
        optimizer.load_state_dict(progress.optimizer)
    except (ValueError, RuntimeError) as fault:  # other groups of weights, other names
        raise TrainerError(
            f"The run in {progress_file.parent} was begun by another version of mctrain; choose another folder with -o."
        ) from fault
    return _Run(heads, averaged, optimizer, list(progress.history))


def _see(heads: Heads, lesson: Lesson, batch: Batch, *, bf16: bool) -> _Seen:
    """Sends a batch through both heads; all texts go together."""
    corpus = lesson.corpus
    cached = as_tensor(corpus.features[batch.views, batch.photos])
    taught = as_tensor(corpus.logits[batch.views, batch.photos])
    rows = np.concatenate([batch.texts.reshape(-1), batch.prompts, batch.contrasts])
    features, logits = (cached, taught) if heads.stages is None else _look(heads.stages, lesson, batch)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        words = heads.text(as_tensor(corpus.vectors[rows])).float()  # [slots * n + classes + m, dim]
        photos = heads.image(features, logits).float()  # [n, dim]
    texts, classes, contrasts = words.split([batch.texts.size, len(batch.prompts), len(batch.contrasts)])
    slots = texts.unflatten(0, batch.texts.shape)  # [slots, n, dim]
    return _Seen(cached, taught, photos, slots, classes, contrasts, heads.scale())


def _look(stages: UpperStages, lesson: Lesson, batch: Batch) -> tuple[Tensor, Tensor]:
    """Features [n, 1280] and logits [n, classes] of stages that move."""
    maps, classifier = cast("Maps", lesson.maps), cast("Classifier", lesson.classifier)
    features = stages(torch.from_numpy(maps.of(batch.views, batch.photos)))
    return features, classifier.logits(features)


def _caption_loss(seen: _Seen, batch: Batch) -> Tensor:
    """CLIP's loss, the mean over the slots of texts."""
    rows = torch.from_numpy(batch.texts)
    others = (seen.contrasts, torch.from_numpy(batch.contrasts))
    losses = [
        contrastive_loss(seen.photos, texts, own, seen.scale, others)
        for texts, own in zip(seen.texts, rows, strict=True)
    ]
    return torch.stack(losses).mean()


def _pseudo_loss(heads: Heads, seen: _Seen, classifier: Classifier, table: TrainingTable) -> Tensor:
    """The class-name loss on photos that nobody took."""
    count = table.pseudo_photos
    wanted = torch.randint(0, lite.CLASSES, (count,))
    basis = seen.features[torch.randint(0, len(seen.features), (count,))]
    features, logits = classifier.imagine(basis, wanted)
    with torch.autocast("cpu", torch.bfloat16, enabled=table.bf16):
        photos = heads.image(features, logits).float()  # [count, dim]
    return seen.class_loss(photos, logits)


def as_tensor(values: NDArray[np.float16]) -> Tensor:
    """Cached halves as the heads compute them."""
    return torch.from_numpy(values.astype(np.float32))
