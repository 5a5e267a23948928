"""The one training loop: draws a batch, asks the losses, takes a step, and writes down every epoch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mctrain.errors import TrainerError
from mctrain.models import lite
from mctrain.models.clip import Heads
from mctrain.models.scale import limit_scale
from mctrain.training.average import average_from
from mctrain.training.checkpoint import Progress, load_progress, save_progress
from mctrain.training.losses import class_name_loss, contrastive_loss
from mctrain.training.optimizer import build_optimizer
from mctrain.training.pseudo import Classifier
from mctrain.training.sampling import Batch, batches, steps_of_epoch
from mctrain.training.schedule import rate_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor
    from torch.optim.swa_utils import AveragedModel

    from mctrain.data.corpus import Corpus
    from mctrain.recipe import Recipe


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
    """A batch after the heads: photos [n, dim] with their features and logits, texts [slots, n, dim], class names [classes, dim]."""

    features: Tensor
    logits: Tensor
    photos: Tensor
    texts: Tensor
    classes: Tensor
    scale: Tensor

    def class_loss(self, photos: Tensor, logits: Tensor) -> Tensor:
        """The class-name loss of photos [m, dim] whose classifier said `logits` [m, classes]."""
        return class_name_loss(photos, self.classes, torch.softmax(logits, dim=1), self.scale)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run ends with: the heads averaged over it, and the mean loss of each epoch."""

    heads: Heads
    history: tuple[float, ...]


@contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Denormals cost a factor of two on some processors; the setting is the whole thread's, so it is given back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@_denormals_flushed()
def train(recipe: Recipe, corpus: Corpus, folder: Path, report: Callable[[float], None]) -> Trained:
    """Trains the heads of a recipe, from the last finished epoch in `folder` if there is one.

    Each epoch depends on seed, epoch and the state before it alone, so a killed run ends where an undisturbed one ends.
    `report` hears the mean loss of each epoch.
    """
    table = recipe.training
    run = _begin(recipe, corpus, folder)
    classifier = _classifier(corpus) if table.pseudo else None
    steps = steps_of_epoch(corpus, table)

    while len(run.history) < table.epochs:
        epoch = len(run.history)
        torch.manual_seed(table.seed * 1000 + epoch)
        run.heads.train()
        total = 0.0
        for number, batch in enumerate(batches(corpus, table, epoch)):
            step = epoch * steps + number
            for group in run.optimizer.param_groups:
                group["lr"] = rate_at(step, steps * table.epochs, table.warmup, table.rate)
            seen = _see(run.heads, corpus, batch)
            loss = _caption_loss(seen, batch) + table.distil * seen.class_loss(seen.photos, seen.logits)
            if classifier is not None:
                loss = loss + table.pseudo * _pseudo_loss(run.heads, seen, classifier, table.pseudo_photos)
            run.optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            run.optimizer.step()
            limit_scale(run.heads.log_scale)
            run.averaged.update_parameters(run.heads)
            total += float(loss.detach())
        run.history.append(total / steps)
        save_progress(folder, recipe, run.progress())
        report(run.history[-1])
    averaged = cast("Heads", run.averaged.module)
    return Trained(averaged.eval().requires_grad_(requires_grad=False), tuple(run.history))


def _begin(recipe: Recipe, corpus: Corpus, folder: Path) -> _Run:
    """A run at its beginning, or where the folder says that it was left."""
    torch.manual_seed(recipe.training.seed)
    heads = Heads(recipe.heads, recipe.training.temperature)
    optimizer = build_optimizer(heads, recipe.training.weight_decay)
    progress = load_progress(folder, recipe)
    if progress is None:
        heads.image.fit_scores(_tensor(corpus.features[0]))
        heads.text.fit_scores(_tensor(corpus.texts))
        return _Run(heads, average_from(heads, recipe.training.average, 0), optimizer, [])
    done = len(progress.history) * steps_of_epoch(corpus, recipe.training)
    heads.load_state_dict(progress.averaged)
    averaged = average_from(heads, recipe.training.average, done)
    heads.load_state_dict(progress.heads)
    try:
        optimizer.load_state_dict(progress.optimizer)
    except ValueError as fault:  # its groups of weights are others
        raise TrainerError(
            f"The run in {folder} was begun by another version of mctrain; choose another folder with -o."
        ) from fault
    return _Run(heads, averaged, optimizer, list(progress.history))


def _see(heads: Heads, corpus: Corpus, batch: Batch) -> _Seen:
    """Sends a batch through both heads; the texts of all slots and the class prompts go together."""
    features = _tensor(corpus.features[batch.views, batch.photos])
    logits = _tensor(corpus.logits[batch.views, batch.photos])
    rows = np.concatenate([batch.texts.reshape(-1), batch.prompts])
    words = heads.text(_tensor(corpus.texts[rows]))  # [slots * n + classes, dim]
    texts, classes = words.split([batch.texts.size, len(batch.prompts)])
    slots = texts.unflatten(0, batch.texts.shape)  # [slots, n, dim]
    return _Seen(features, logits, heads.image(features, logits), slots, classes, heads.scale())


def _caption_loss(seen: _Seen, batch: Batch) -> Tensor:
    """CLIP's loss, the mean over the slots of texts."""
    rows = torch.from_numpy(batch.texts)
    losses = [
        contrastive_loss(seen.photos, texts, own, seen.scale)
        for texts, own in zip(seen.texts, rows, strict=True)
    ]
    return torch.stack(losses).mean()


def _pseudo_loss(heads: Heads, seen: _Seen, classifier: Classifier, count: int) -> Tensor:
    """The class-name loss on photos that nobody took."""
    wanted = torch.randint(0, lite.CLASSES, (count,))
    basis = seen.features[torch.randint(0, len(seen.features), (count,))]
    features, logits = classifier.imagine(basis, wanted)
    return seen.class_loss(heads.image(features, logits), logits)


def _tensor(values: NDArray[np.float16]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


def _classifier(corpus: Corpus) -> Classifier:
    weight, bias = lite.load_lite0().last_layer()
    return Classifier.fit(weight, bias, _tensor(corpus.features[0]))
