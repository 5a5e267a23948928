"""Looks at imported weights for signs of training, by the engine's judgement; an image tower alone by its norms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.errors import WeightsError
from mctrain.tokens.tokenizer import load_tokenizer
from picsight_engine.models.self_test import PHRASES, Impression, judge, known_photos
from picsight_engine.models.unit import flaw_of

if TYPE_CHECKING:
    from torch import Tensor

    from mctrain.models.clip import Clip
    from mctrain.models.presets import Preset


@torch.no_grad()
def look(model: Clip, preset: Preset, source: str) -> Impression:
    """What speaks for training and what against; only what gives no vectors is refused.

    Raises:
        WeightsError: a tower gives rows without a direction, as where weights are missing; `source` is their file.
    """
    photos = _unit(model.image(torch.from_numpy(known_photos(preset.image_spec()))), "image", source)
    if model.text is None:
        return _norms(model)
    ids = torch.from_numpy(load_tokenizer(preset.text).encode(list(PHRASES.values())))
    texts = _unit(model.text(ids), "text", source)
    return judge(photos.numpy(), texts.numpy(), model.scale().item())


def _unit(vectors: Tensor, tower: str, source: str) -> Tensor:
    flaw = flaw_of(vectors.numpy())
    if flaw is not None:
        raise WeightsError(
            f"The {tower} tower in {source} gives {flaw}, as where weights are missing; nothing was written. Use whole weights."
        )
    return F.normalize(vectors, dim=1)


def _norms(model: Clip) -> Impression:
    """Norms start as ones, and no training leaves all of them there."""
    state = model.image.state_dict()
    norms = [own for name, own in state.items() if name.endswith(".weight") and own.dim() == 1]
    moved = sum(bool((own != 1).any()) for own in norms)
    return Impression(moved == len(norms), (f"{moved} of {len(norms)} norms of the image tower have moved",))
