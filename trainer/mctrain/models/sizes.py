"""Counts parameters without making them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mctrain.models.mobileclip import MobileClip
from mctrain.models.reparameterize import reparameterize

if TYPE_CHECKING:
    from torch import nn

    from mctrain.models.presets import Preset


def parameters(module: nn.Module) -> int:
    """How many numbers training would move."""
    return sum(parameter.numel() for parameter in module.parameters())


def deployed_size(preset: Preset) -> tuple[int, int]:
    """The parameters of the image and of the text tower with branches folded, as publishers count them."""
    with torch.device("meta"):
        model = reparameterize(MobileClip(preset).eval())
    assert model.text is not None
    return parameters(model.image), parameters(model.text)
