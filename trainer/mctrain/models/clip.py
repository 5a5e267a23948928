"""The CLIP model: an image tower, a text tower, and the logit scale; also its size and the identity of its vector space."""

from __future__ import annotations

import hashlib
import json
import math
from functools import cache
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

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
_DIGITS = 16  # length of a space's identity
_COUNTERS = "num_batches_tracked"


def clamp_scale(log_scale: nn.Parameter) -> None:
    """Clamps the log of the logit scale to between 0 and ln 100.

    Called after each step and after reading a file. A clamp in the forward pass has no gradient outside its bounds, so
    the scale could never return.
    """
    # a new tensor, because a loaded one may share memory
    log_scale.data = log_scale.data.clamp(0, math.log(LARGEST_SCALE))


class Clip(nn.Module):
    """Two towers and the log of the logit scale; `text` is None for an image tower alone."""

    def __init__(self, image: nn.Module, text: nn.Module | None, scale: float = FIRST_SCALE) -> None:
        super().__init__()
        self.image = image
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale))) if text is not None else None

    def scale(self) -> Tensor:
        """The logit scale; `clamp_scale` keeps it within bounds."""
        if self.logit_scale is None:
            return torch.tensor(LARGEST_SCALE)
        return self.logit_scale.exp()

    def clamp_scale(self) -> None:
        """Keeps the logit scale, if there is one, between 1 and 100."""
        if self.logit_scale is not None:
            clamp_scale(self.logit_scale)

    def forward(self, pixels: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Photos [n, 3, size, size] and token ids [m, tokens] → unit vectors [n, dim] and [m, dim], and the logit scale.

        The vectors are at least float32, whatever the towers use: in bfloat16 they would not be of unit length.
        """
        assert self.text is not None
        photos, texts = (F.normalize(_exact(each), dim=1) for each in (self.image(pixels), self.text(ids)))
        return photos, texts, self.scale()


class UnitVectors(nn.Module):
    """A tower with normalised embeddings, as the engine needs them."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, batch: Tensor) -> Tensor:
        """A batch of the tower's input → [n, dim]."""
        return F.normalize(self.tower(batch), dim=1)


def at_unit_length(tower: nn.Module) -> nn.Module:
    """The tower itself if its embeddings are already of unit length, else a normalising wrapper."""
    return tower if getattr(tower, "unit", False) else UnitVectors(tower)


def build_clip(preset: Preset, *, with_text: bool = True, scale: float = FIRST_SCALE) -> Clip:
    """The model of a preset, with initial weights."""
    return Clip(_image_tower(preset), _text_tower(preset) if with_text else None, scale)


def load_trunks(clip: Clip, preset: Preset) -> None:
    """Loads the packages' weights into the pretrained parts of both towers; the heads are unchanged.

    Raises:
        TrainerError: a package is missing or contains other tensors.
    """
    if isinstance(preset.image, LiteShape):
        load_trunk(cast("LiteTower", clip.image).trunk, preset.image.networks)
    if isinstance(preset.text, MiniLmShape):
        cast("MiniLmTower", clip.text).trunk.load_state_dict(load_minilm().state_dict())


def _exact(values: Tensor) -> Tensor:
    """Converts half precision to float32; keeps higher precision."""
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
    """The number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


@cache
def deployed_model(preset: Preset) -> Clip:
    """The model with folded branches, in evaluation mode, on the meta device."""
    with torch.device("meta"):
        return reparameterize(build_clip(preset).eval())


def deployed_size(preset: Preset) -> tuple[int, int]:
    """The parameters of the image and of the text tower with branches folded, as publishers count them."""
    model = deployed_model(preset)
    assert model.text is not None
    return parameters(model.image), parameters(model.text)


def space_id(tower: nn.Module, spec: ImageSpec) -> str:
    """The first 16 hex digits of a SHA-256 over everything that stored vectors depend on; the tower's last map is its `head`.

    The hash covers, for each tensor sorted by name: the name, its shape as JSON, its float32 little-endian bytes; then
    the preprocessing as JSON with sorted keys. Counters are left out, and a missing bias of the head counts as zeros, so
    that equivalent towers agree.
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
