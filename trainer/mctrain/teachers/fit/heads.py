"""The fit on cached features or maps: trainable parts, losses, steps of an epoch, and the progress file.

Some losses use pseudo photos, for ImageNet classes that the training photos lack. The direction in feature space that
raises a class's logit by one and changes the others least is D = ΣW / (WᵀΣW), with W the classifier's weights centred
over the classes and Σ the features' covariance. A pseudo photo is the mean, plus half of a random photo's difference from
the mean, plus a step along D.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.errors import RecipeError, TrainerError
from mctrain.models.blocks import CLASSES
from mctrain.models.clip import clamp_scale
from mctrain.optimisation.optimizer import FACTOR, FitLoop, build_head_optimizer, rate_at, set_rate
from mctrain.optimisation.statistics import flushed_denormals, moving_average
from mctrain.recipes.parser import parse
from mctrain.recipes.teaching import TeachingRecipe
from mctrain.teachers.fit.corpus import FitBatch, batches
from mctrain.weights.tensor_files import read_saved, write_saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch.optim.swa_utils import AveragedModel

    from mctrain.models.blocks import Head
    from mctrain.models.clip import Clip
    from mctrain.models.lite import LiteTower
    from mctrain.models.lite_stages import UpperStages
    from mctrain.models.minilm import MiniLmTower
    from mctrain.recipes.teaching import TrainingTable
    from mctrain.teachers.fit.corpus import Corpus
    from mctrain.teachers.fit.features import Maps


_STAGES_DECAY = 0.01
_STEP = 12.0  # logits gained, times 0.5 to 1.5
_KEPT = 0.5  # share of the random photo's difference from the mean
_CEILING = 6.0  # upper limit of features after ReLU6 and pooling


@dataclass(frozen=True, slots=True)
class FitProgress:
    """The state of a fit, written atomically: parameters, their average if any, the optimizer, and losses of finished rounds."""

    path: Path
    recipe: TeachingRecipe
    model: nn.Module
    averaged: AveragedModel | None
    optimizer: torch.optim.Optimizer

    def save(self, history: Sequence[float]) -> None:
        """Replaces the file."""
        content = {
            "recipe": asdict(self.recipe),
            "heads": self.model.state_dict(),
            "averaged": self.averaged.module.state_dict() if self.averaged else {},
            "optimizer": self.optimizer.state_dict(),
            "history": tuple(history),
        }
        write_saved(self.path, content)

    def restore(self, steps: int = 1) -> list[float]:
        """Restores the state; returns the losses of the finished rounds of `steps` steps each.

        Raises:
            TrainerError: the file is of another recipe or version, or damaged.
        """
        if not self.path.exists():
            return []
        content = cast("Any", read_saved(self.path))
        try:
            begun = parse(TeachingRecipe, content["recipe"], str(self.path))
            if begun.numbers() == self.recipe.numbers():
                self.model.load_state_dict(content["heads"])
                self.optimizer.load_state_dict(content["optimizer"])
                if self.averaged is not None:
                    self.averaged.module.load_state_dict(content["averaged"])
                    self.averaged.n_averaged.fill_(len(content["history"]) * steps + 1)
                return list(content["history"])
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, RecipeError) as fault:
            raise TrainerError(
                f"{self.path} is damaged or of another version of mctrain; choose another folder with -o."
            ) from fault
        raise TrainerError(
            f"{self.path.parent} holds a run of another recipe; choose another folder with -o."
        )


@dataclass(frozen=True, slots=True)
class FitData:
    """Training data of a fit: photos by corpus row, and the classifier for pseudo photos, if any.

    `maps` are set if upper stages are trained; their features then replace the cached ones.
    """

    corpus: Corpus
    photos: NDArray[np.int64]
    classifier: Classifier | None
    maps: Maps | None = None


@dataclass(frozen=True, slots=True)
class _Embedded:
    """A batch after the heads: embeddings of photos, texts, class names and contrasts, and the photos' cached outputs."""

    features: Tensor  # [n, features]
    logits: Tensor  # [n, classes]
    photos: Tensor  # [n, dim]
    texts: Tensor  # [slots, n, dim]
    classes: Tensor  # [classes, dim]
    contrasts: Tensor  # [m, dim]
    scale: Tensor

    def class_loss(self, photos: Tensor, logits: Tensor) -> Tensor:
        """The class-name loss of photos [m, dim] with the classifier's `logits` [m, classes]."""
        return class_name_loss(photos, self.classes, torch.softmax(logits, dim=1), self.scale)


@flushed_denormals()
def fit(
    heads: Heads, data: FitData, recipe: TeachingRecipe, progress_file: Path, report: Callable[[float], None]
) -> tuple[float, ...]:
    """Fits heads in place, from the last finished epoch in `progress_file` if any; returns the mean loss of each epoch.

    The heads end as their average over the run. An epoch depends only on the seed, its number and the state before it, so
    a resumed run gives the same result. `report` gets the mean loss of each epoch.

    Raises:
        TrainerError: the file holds a run of another recipe or version, or is damaged; or the photos do not fill a batch.
    """
    table = recipe.training
    steps = len(data.photos) // table.batch
    if not steps:
        raise TrainerError(
            f"{len(data.photos)} photos do not fill a batch of {table.batch}; give more photos or a smaller batch."
        )
    averaged = moving_average(heads, table.average)
    optimizer = _optimizer(heads, recipe)
    progress = FitProgress(progress_file, recipe, heads, averaged, optimizer)
    history = progress.restore(steps)

    def losses(epoch: int) -> Iterator[Tensor]:
        torch.manual_seed(table.seed * 1000 + epoch)
        heads.train()
        for batch in batches(data.corpus, data.photos, table, epoch):
            yield _loss(heads, data, batch, table)

    def at_rate(step: int) -> None:
        set_rate(optimizer, rate_at(step, steps * table.epochs, table.warmup, table.rate))

    def after_step() -> None:
        heads.clamp_scale()
        averaged.update_parameters(heads)

    def after_epoch() -> None:
        progress.save(history)
        report(history[-1])

    clipped = () if heads.stages is None else tuple(heads.stages.parameters())
    FitLoop(optimizer, losses, at_rate, after_step, clipped).run(
        history, table.epochs, after_epoch, steps=steps
    )
    heads.load_state_dict(averaged.module.state_dict())
    heads.eval().requires_grad_(requires_grad=False)
    return tuple(history)


def _loss(heads: Heads, data: FitData, batch: FitBatch, table: TrainingTable) -> Tensor:
    """CLIP's loss of the captions, and the two class-name terms; cosines are always float32."""
    seen = _see(heads, data, batch, bf16=table.bf16)
    loss = _caption_loss(seen, batch) + table.distil * seen.class_loss(seen.photos, seen.logits)
    if data.classifier is None or not table.pseudo:
        return loss
    return loss + table.pseudo * _pseudo_loss(heads, seen, data.classifier, table)


def _optimizer(heads: Heads, recipe: TeachingRecipe) -> torch.optim.AdamW:
    """The optimizer; stages have a separate learning rate."""
    named = [
        (name, parameter)
        for name, parameter in heads.named_parameters()
        if parameter.requires_grad and not name.startswith("stages.")
    ]
    optimizer = build_head_optimizer(named, recipe.training.weight_decay)
    if heads.stages is not None and recipe.stages is not None:
        moving = {"params": list(heads.stages.parameters()), "weight_decay": _STAGES_DECAY}
        optimizer.add_param_group({**moving, FACTOR: recipe.stages.rate / recipe.training.rate})
    return optimizer


def _see(heads: Heads, data: FitData, batch: FitBatch, *, bf16: bool) -> _Embedded:
    """Embeds a batch with both heads; all texts in one call."""
    corpus = data.corpus
    cached = as_tensor(corpus.features[batch.views, batch.photos])
    taught = as_tensor(corpus.logits[batch.views, batch.photos])
    rows = np.concatenate([batch.texts.reshape(-1), batch.prompts, batch.contrasts])
    features, logits = (cached, taught) if heads.stages is None else _look(heads.stages, data, batch)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        words = heads.text(as_tensor(corpus.vectors[rows])).float()  # [slots * n + classes + m, dim]
        photos = heads.image(features, logits).float()  # [n, dim]
    texts, classes, contrasts = words.split([batch.texts.size, len(batch.prompts), len(batch.contrasts)])
    slots = texts.unflatten(0, batch.texts.shape)  # [slots, n, dim]
    return _Embedded(cached, taught, photos, slots, classes, contrasts, heads.scale())


def _look(stages: UpperStages, data: FitData, batch: FitBatch) -> tuple[Tensor, Tensor]:
    """Features [n, 1280] and logits [n, classes] of the trained stages."""
    maps, classifier = cast("Maps", data.maps), cast("Classifier", data.classifier)
    features = stages(torch.from_numpy(maps.of(batch.views, batch.photos)))
    return features, classifier.logits(features)


def _caption_loss(seen: _Embedded, batch: FitBatch) -> Tensor:
    """CLIP's loss, the mean over the slots of texts."""
    rows = torch.from_numpy(batch.texts)
    others = (seen.contrasts, torch.from_numpy(batch.contrasts))
    losses = [
        contrastive_loss(seen.photos, texts, owners, seen.scale, others)
        for texts, owners in zip(seen.texts, rows, strict=True)
    ]
    return torch.stack(losses).mean()


def _pseudo_loss(heads: Heads, seen: _Embedded, classifier: Classifier, table: TrainingTable) -> Tensor:
    """The class-name loss on pseudo photos."""
    count = table.pseudo_photos
    wanted = torch.randint(0, CLASSES, (count,))
    basis = seen.features[torch.randint(0, len(seen.features), (count,))]
    features, logits = classifier.imagine(basis, wanted)
    with torch.autocast("cpu", torch.bfloat16, enabled=table.bf16):
        photos = heads.image(features, logits).float()  # [count, dim]
    return seen.class_loss(photos, logits)


def as_tensor(values: NDArray[np.float16]) -> Tensor:
    """Cached float16 values as a float32 tensor."""
    return torch.from_numpy(values.astype(np.float32))


class Heads(nn.Module):
    """An image head, a text head, and the log of the logit scale; also `stages` of the trunk if they are trained."""

    def __init__(
        self, image: Head, text: Head, logit_scale: nn.Parameter, stages: UpperStages | None = None
    ) -> None:
        super().__init__()
        self.image = image
        self.text = text
        self.logit_scale = logit_scale
        self.stages = stages

    @classmethod
    def from_clip(cls, clip: Clip, stages: UpperStages | None = None) -> Heads:
        """Shares the model's heads, so that they are fitted in place; stages must be written back."""
        image, text = cast("LiteTower", clip.image), cast("MiniLmTower", clip.text)
        return cls(image.head, text.head, cast("nn.Parameter", clip.logit_scale), stages)

    def scale(self) -> Tensor:
        """The logit scale."""
        return self.logit_scale.exp()

    def clamp_scale(self) -> None:
        """Keeps the logit scale between 1 and 100."""
        clamp_scale(self.logit_scale)

    def freeze_space(self) -> None:
        """Freezes the text head and the logit scale; from here on only the image head is fitted."""
        self.text.eval().requires_grad_(requires_grad=False)
        self.logit_scale.requires_grad = False

    def train(self, mode: bool = True) -> Heads:
        """As torch's, but a frozen head stays without dropout."""
        super().train(mode)
        if not self.logit_scale.requires_grad:
            self.text.eval()
        return self


def contrastive_loss(
    photos: Tensor, texts: Tensor, rows: Tensor, scale: Tensor, others: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """CLIP's loss over a batch, in which equal texts match each other's photos.

    `photos` and `texts` are unit vectors [n, dim]; `rows` [n] identifies the texts: two photos with the same short query
    ("dog") share the target instead of being negatives. `others`, vectors [m, dim] and their row numbers [m], are
    additional negative texts.
    """
    more, named = others or (texts[:0], rows[:0])
    columns, names = torch.cat([texts, more]), torch.cat([rows, named])
    scores = scale * photos @ columns.T  # [n, n + m]
    same = (rows[:, None] == names[None, :]).to(scores.dtype)
    among = same[:, : len(rows)]
    by_texts = _cross_entropy(scores, same / same.sum(1, keepdim=True))
    by_photos = _cross_entropy(scores[:, : len(rows)].T, among / among.sum(1, keepdim=True))
    return (by_texts + by_photos) / 2


def class_name_loss(photos: Tensor, classes: Tensor, taught: Tensor, scale: Tensor) -> Tensor:
    """Distils the original classifier into class-name texts: `taught` [n, classes] are its probabilities."""
    return _cross_entropy(scale * photos @ classes.T, taught)


def _cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    return -(target * F.log_softmax(scores, dim=1)).sum(1).mean()


@dataclass(frozen=True, slots=True)
class Classifier:
    """The trunk's last layer and its class directions: weight [classes, features], bias [classes]."""

    weight: Tensor
    bias: Tensor
    mean: Tensor
    directions: Tensor

    @classmethod
    def fit(cls, weight: Tensor, bias: Tensor, features: Tensor) -> Classifier:
        """Measures the covariance on the training features [n, features]."""
        mean = features.mean(0)
        covariance = torch.cov(features.T)
        centred = weight - weight.mean(0)
        moved = centred @ covariance  # [classes, features]
        directions = moved / (moved * centred).sum(1, keepdim=True)
        return cls(weight, bias, mean, directions)

    def imagine(self, seen: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Pseudo photos of `classes` [n] from random photos' features `seen` [n, features]: features and logits."""
        steps = _STEP * (0.5 + torch.rand(len(classes), 1))
        features = self.mean + _KEPT * (seen - self.mean) + steps * self.directions[classes]
        features = features.clamp(0, _CEILING)
        return features, self.logits(features)

    def logits(self, features: Tensor) -> Tensor:
        """The logits [n, classes] of features [n, features]."""
        return features @ self.weight.T + self.bias
