"""Features of photos that nobody took: made from the classifier's weights for the ImageNet classes that training photos lack.

For each class the direction in feature space that raises its own logit by one and moves the others least is
D = ΣW / (WᵀΣW), with W the classifier's weights centred over the classes and Σ the features' covariance. A pseudo photo
is the mean, half of what sets a random photo apart from it, and a step along D.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_STEP = 12.0  # logits gained, times 0.5 to 1.5
_KEPT = 0.5  # of the random photo's own features
_CEILING = 6.0  # what ReLU6 and pooling can give


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
