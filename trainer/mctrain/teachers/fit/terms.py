"""The losses of a fit, as functions of values, and photos that nobody took, for the ImageNet classes that training photos lack.

For each class the direction in feature space that raises its own logit by one and moves the others least is
D = ΣW / (WᵀΣW), with W the classifier's weights centred over the classes and Σ the features' covariance. A pseudo photo
is the mean, half of what sets a random photo apart from it, and a step along D.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

_STEP = 12.0  # logits gained, times 0.5 to 1.5
_KEPT = 0.5  # of the random photo's own features
_CEILING = 6.0  # what ReLU6 and pooling can give


def contrastive_loss(
    photos: Tensor, texts: Tensor, rows: Tensor, scale: Tensor, others: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """CLIP's loss over a batch, in which equal texts are right for each other's photos.

    `photos` and `texts` are unit vectors [n, dim]; `rows` [n] names the texts, and two photos that drew the same short
    query ("dog") share its target instead of being pushed away from it. `others`, vectors [m, dim] and their names [m], are
    more texts to tell a photo's own from; none finds a photo.
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
    """What the original classifier says of a photo, asked of the class names: `taught` [n, classes] are its probabilities."""
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
        """What it says of features [n, features] as [n, classes]."""
        return features @ self.weight.T + self.bias
