"""Any image tower, any text tower, and the factor that sharpens their cosines: the model that is trained, loaded and exported."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.models.lite import LiteShape, LiteTower, load_trunk
from mctrain.models.mci import Mci, MciShape
from mctrain.models.minilm import MiniLmShape, MiniLmTower, load_minilm
from mctrain.models.text import Text
from mctrain.models.vit import Vit

if TYPE_CHECKING:
    from mctrain.models.presets import Preset


FIRST_SCALE = 1 / 0.07
LARGEST_SCALE = 100.0


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
        photos, texts = (F.normalize(_exact(own), dim=1) for own in (self.image(pixels), self.text(ids)))
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
