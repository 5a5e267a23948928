"""Any image tower, any text tower, and the factor that sharpens their cosines: the model that is trained, loaded and exported.

Its size is counted here too, and the identity of its vector space.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.models.lite import LiteShape, LiteTower, load_trunk
from mctrain.models.mci import Mci, MciShape
from mctrain.models.minilm import MiniLmShape, MiniLmTower, load_minilm
from mctrain.models.reparameterize import reparameterize
from mctrain.models.text import Text
from mctrain.models.vit import Vit

if TYPE_CHECKING:
    from mctrain.models.presets import Preset
    from picsight_engine.bundles.bundle import ImageSpec


FIRST_SCALE = 1 / 0.07
LARGEST_SCALE = 100.0
_DIGITS = 16  # of a space's identity
_COUNTERS = "num_batches_tracked"


def limit_scale(log_scale: nn.Parameter) -> None:
    """Brings the logarithm back between 0 and ln 100.

    For after each step and after reading a file: a bound in the forward pass has no gradient beyond it, so that a factor
    which got there would never come back.
    """
    # a new tensor, for one that was read may be memory of somebody else
    log_scale.data = log_scale.data.clamp(0, math.log(LARGEST_SCALE))


class Clip(nn.Module):
    """Two towers and the logarithm of the factor; `text` is None for an image tower alone."""

    def __init__(self, image: nn.Module, text: nn.Module | None, scale: float = FIRST_SCALE) -> None:
        super().__init__()
        self.image = image
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale))) if text is not None else None

    def scale(self) -> Tensor:
        """The factor itself; `limit_scale` keeps its logarithm within bounds."""
        if self.logit_scale is None:
            return torch.tensor(LARGEST_SCALE)
        return self.logit_scale.exp()

    def limit_scale(self) -> None:
        """Keeps the factor between 1 and 100, where there is one."""
        if self.logit_scale is not None:
            limit_scale(self.logit_scale)

    def forward(self, pixels: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Photos [n, 3, size, size] and token ids [m, tokens] → unit vectors [n, dim] and [m, dim], and the factor.

        The vectors are float32 at least, whatever the towers compute in: in bfloat16 they would not have the length 1.
        """
        assert self.text is not None
        photos, texts = (F.normalize(_exact(each), dim=1) for each in (self.image(pixels), self.text(ids)))
        return photos, texts, self.scale()


class UnitVectors(nn.Module):
    """A tower whose embeddings come out at unit length, as the engine wants them."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, batch: Tensor) -> Tensor:
        """A batch of the tower's input → [n, dim]."""
        return F.normalize(self.tower(batch), dim=1)


def at_unit_length(tower: nn.Module) -> nn.Module:
    """The tower itself where it says that its embeddings have the length 1, else one that brings them there."""
    return tower if getattr(tower, "unit", False) else UnitVectors(tower)


def build_clip(preset: Preset, *, with_text: bool = True, scale: float = FIRST_SCALE) -> Clip:
    """The model of a preset, its weights as they begin."""
    return Clip(_image_tower(preset), _text_tower(preset) if with_text else None, scale)


def load_trunks(clip: Clip, preset: Preset) -> None:
    """Gives the pretrained parts of both towers their packages' weights; their heads stay as they are.

    Raises:
        TrainerError: a package is missing or carries other tensors.
    """
    if isinstance(preset.image, LiteShape):
        load_trunk(cast("LiteTower", clip.image).trunk, preset.image.networks)
    if isinstance(preset.text, MiniLmShape):
        cast("MiniLmTower", clip.text).trunk.load_state_dict(load_minilm().state_dict())


def _exact(values: Tensor) -> Tensor:
    """Halves as float32; what is more exact stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _image_tower(preset: Preset) -> nn.Module:
    match preset.image:
        case LiteShape() as shape:
            return LiteTower(shape, preset.dim, preset.size)
        case MciShape() as shape:
            return Mci(shape, preset.dim, head_bias=preset.head_bias)
        case shape:
            return Vit(shape, preset.dim, head_bias=preset.head_bias)


def _text_tower(preset: Preset) -> nn.Module:
    if isinstance(preset.text, MiniLmShape):
        return MiniLmTower(preset.text, preset.dim)
    return Text(preset.text, preset.dim)


def parameters(module: nn.Module) -> int:
    """How many numbers training would move."""
    return sum(parameter.numel() for parameter in module.parameters())


def deployed_model(preset: Preset) -> Clip:
    """The model with branches folded, in evaluation mode, without memory for its weights."""
    # several presets differ in what is blanked here alone
    return _deployed(replace(preset, name="", title="", mean=None, std=None))


def deployed_size(preset: Preset) -> tuple[int, int]:
    """The parameters of the image and of the text tower with branches folded, as publishers count them."""
    model = deployed_model(preset)
    assert model.text is not None
    return parameters(model.image), parameters(model.text)


@cache
def _deployed(preset: Preset) -> Clip:
    with torch.device("meta"):
        return reparameterize(build_clip(preset).eval())


def space_id(tower: nn.Module, spec: ImageSpec) -> str:
    """The first 16 hex digits of a SHA-256 that a stored vector depends on, and nothing else; the tower's last map is its `head`.

    Fed with, for each tensor sorted by name: the name, its shape as JSON, its float32 little-endian bytes; then with
    the preprocessing as JSON with sorted keys. Counters are left out, and a head's missing bias counts as zeros, so that
    two ways of writing one tower down agree.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(_tensors(tower).items()):
        values = np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype="<f4")
        digest.update(name.encode())
        digest.update(json.dumps(list(values.shape)).encode())
        digest.update(values.tobytes())
    preprocessing = {
        key: getattr(spec, key) for key in ("size", "resize", "interpolation", "crop", "mean", "std")
    }
    digest.update(json.dumps(preprocessing, sort_keys=True).encode())
    return digest.hexdigest()[:_DIGITS]


def _tensors(tower: nn.Module) -> dict[str, torch.Tensor]:
    tensors = {name: tensor for name, tensor in tower.state_dict().items() if not name.endswith(_COUNTERS)}
    for name, module in cast("nn.Module", tower.head).named_modules(prefix="head"):
        if isinstance(module, nn.Linear) and module.bias is None:
            tensors[f"{name}.bias"] = torch.zeros(module.out_features)
    return tensors
