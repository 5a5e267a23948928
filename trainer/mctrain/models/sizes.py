"""Models without weights, to count what they would hold."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING

import torch

from mctrain.models.clip import build_clip
from mctrain.models.reparameterize import reparameterize

if TYPE_CHECKING:
    from torch import nn

    from mctrain.models.clip import Clip
    from mctrain.models.presets import Preset


def parameters(module: nn.Module) -> int:
    """How many numbers training would move."""
    return sum(parameter.numel() for parameter in module.parameters())


def deployed_model(preset: Preset) -> Clip:
    """The model with branches folded, in evaluation mode, without memory for its weights."""
    # several presets differ in what is blanked here alone
    return _deployed(dataclasses.replace(preset, name="", title="", mean=None, std=None))


def deployed_size(preset: Preset) -> tuple[int, int]:
    """The parameters of the image and of the text tower with branches folded, as publishers count them."""
    model = deployed_model(preset)
    assert model.text is not None
    return parameters(model.image), parameters(model.text)


@cache
def _deployed(preset: Preset) -> Clip:
    with torch.device("meta"):
        return reparameterize(build_clip(preset).eval())
