"""Converts a publisher's tensors to our model with the rename tables; no tensor is ignored.

A layout maps only from our names to theirs. Reading looks up the published name of each tensor of a model, so missing and
unexpected tensors can be named.

* Apple's: MobileCLIP-S0, S1, S2, B and B (LT), with trained or folded branches.
* timm's: the image tower alone, as a FastViT or ViT model with the projection as classifier.
* open_clip's: timm's image tower under `visual.trunk`, and its own text transformer under `text`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.errors import WeightsError
from mctrain.models.clip import Clip, build_clip
from mctrain.models.mci import MciShape
from mctrain.models.presets import PRESETS
from mctrain.models.reparameterize import reparameterize
from mctrain.models.tokenizer import load_tokenizer
from picsight_engine.runtime.self_test import PHRASES, SelfTest, judge_vectors, known_photos
from picsight_engine.runtime.unit_rows import flaw_of

if TYPE_CHECKING:
    from torch import Tensor

    from mctrain.models.presets import Preset, Publisher


COUNTER = "num_batches_tracked"  # of BatchNorm: not a weight, may be absent
_FOLDED = ("reparam_conv.", "lkb_reparam.")
_NAMED = 3  # most keys named in a message; the rest is counted


@dataclass(frozen=True, slots=True)
class Layout:
    """A publisher's names for a model with an MCi or a ViT image tower.

    `probe` and `rules` are explained in `published.toml`. `with_text`: whether it also holds a text tower and the logit scale.
    """

    publisher: Publisher
    tower: Literal["mci", "vit"]
    probe: str
    rules: tuple[tuple[str, str], ...]
    with_text: bool = True

    def name(self, ours: str) -> str:
        """Their name of a tensor of ours."""
        for pattern, replacement in self.rules:
            ours = re.sub(pattern, replacement, ours)
        return ours

    def read(self, ours: str, theirs: Tensor) -> Tensor:
        """Their tensor in our layout; axes of length one may differ. Apple's image head is transposed."""
        turned = self.publisher == "apple" and ours == "image.head.weight"
        return theirs.transpose(0, -1).contiguous() if turned else theirs


def _read(text: str) -> tuple[Layout, ...]:
    """The layouts of a table in TOML."""
    content = tomllib.loads(text)
    return tuple(
        Layout(
            **{
                **layout,
                "rules": tuple(
                    (pattern, name) for group in layout["rules"] for pattern, name in content["rules"][group]
                ),
            }
        )
        for layout in content["layouts"]
    )


LAYOUTS = _read(resources.files(__package__).joinpath("published.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A model, the layout of its file, and whether its branches were folded there."""

    model: Clip
    layout: Layout
    folded: bool


def empty_model(preset: Preset, layout: Layout, *, folded: bool) -> Clip:
    """The preset as the layout's publisher runs it, in evaluation mode, on the meta device."""
    with torch.device("meta"):
        model = build_clip(preset.as_run_by(layout.publisher), with_text=layout.with_text).eval()
        return reparameterize(model) if folded else model


@cache
def _weights(preset: Preset, layout: Layout, *, folded: bool) -> dict[str, Tensor]:
    """Names and shapes of such a model; cached, because an error message checks all presets at 0.3 s each."""
    return dict(empty_model(preset, layout, folded=folded).state_dict())


def read_model(tensors: dict[str, Tensor], preset: Preset, source: str = "The file") -> ReadModel:
    """A model filled with a publisher's tensors; `source` names these in error messages.

    Raises:
        WeightsError: the layout is unknown, or a key is missing, unexpected, of the wrong shape or not finite; the message
            names it, and the presets that the tensors would fit.
    """
    layout = next((each for each in LAYOUTS if any(re.match(each.probe, name) for name in tensors)), None)
    if layout is None:
        raise WeightsError(
            f"{source} has none of the known layouts (Apple's, open_clip's, timm's); its keys begin with {_some(list(tensors))}."
        )
    folded = any(part in name for name in tensors for part in _FOLDED)
    misfit = _misfit(tensors, preset, layout, folded=folded)
    if misfit:
        fitting = [
            name for name, each in PRESETS.items() if not _misfit(tensors, each, layout, folded=folded)
        ]
        advice = f"; it fits {' or '.join(fitting)}" if fitting else ""
        raise WeightsError(f"{source} does not fit the preset {preset.name}: {misfit}{advice}.")
    model = empty_model(preset, layout, folded=folded)
    _fill(model, tensors, layout, source)
    return ReadModel(model, layout, folded)


def _misfit(tensors: dict[str, Tensor], preset: Preset, layout: Layout, *, folded: bool) -> str | None:
    """The first difference between a publisher's tensors and a preset, by names and shapes; None if there is none."""
    if (layout.tower == "mci") != isinstance(preset.image, MciShape):
        return "it holds another kind of image tower"
    ours = _weights(preset, layout, folded=folded)
    theirs = {layout.name(each): each for each in ours}
    missing = [key for key in theirs if key not in tensors and not key.endswith(COUNTER)]
    surplus = [key for key in tensors if key not in theirs and not key.endswith(COUNTER)]
    if missing:
        return f"it lacks {_some(missing)}"
    if surplus:
        return f"nothing in the model is called {_some(surplus)}"
    for key in tensors.keys() & theirs.keys():
        name = theirs[key]
        found, expected = layout.read(name, tensors[key]).shape, ours[name].shape
        if _lengths(found) != _lengths(expected):
            return f"{key} has the shape {list(found)} instead of {list(expected)}"
    return None


def _fill(model: Clip, tensors: dict[str, Tensor], layout: Layout, source: str) -> None:
    """Copies a publisher's tensors, which fit, into a model."""
    filled = {}
    for name, wanted in model.state_dict().items():
        key = layout.name(name)
        tensor = tensors.get(key, torch.zeros((), dtype=torch.int64))  # only a counter may be absent
        if wanted.is_floating_point() and not (tensor.is_floating_point() and bool(tensor.isfinite().all())):
            raise WeightsError(
                f"{source} holds values in {key} that are not finite floating-point numbers; download it again."
            )
        filled[name] = layout.read(name, tensor).to(wanted.dtype).reshape(wanted.shape)
    model.load_state_dict(filled, assign=True)
    model.clamp_scale()


def _lengths(shape: torch.Size) -> list[int]:
    """The axes' lengths without ones, which publishers add or omit."""
    return [length for length in shape if length != 1]


def _some(keys: list[str]) -> str:
    rest = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return ", ".join(keys[:_NAMED]) + rest


@torch.no_grad()
def inspect_weights(model: Clip, preset: Preset, source: str) -> SelfTest:
    """Signs of whether the weights were trained; only a model without usable vectors is refused.

    Raises:
        WeightsError: a tower gives rows without a direction, as when weights are missing; `source` is their file.
    """
    photos = _unit(model.image(torch.from_numpy(known_photos(preset.image_spec()))), "image", source)
    if model.text is None:
        return _norms(model)
    ids = torch.from_numpy(load_tokenizer(preset.text).encode(list(PHRASES.values())))
    texts = _unit(model.text(ids), "text", source)
    return judge_vectors(photos.numpy(), texts.numpy(), model.scale().item())


def _unit(vectors: Tensor, tower: str, source: str) -> Tensor:
    flaw = flaw_of(vectors.numpy())
    if flaw is not None:
        raise WeightsError(
            f"The {tower} tower in {source} gives {flaw}, as if weights were missing; nothing was written. Use whole weights."
        )
    return F.normalize(vectors, dim=1)


def _norms(model: Clip) -> SelfTest:
    """Whether norms were trained: they start as ones, and no training leaves all of them there."""
    state = model.image.state_dict()
    norms = [each for name, each in state.items() if name.endswith(".weight") and each.dim() == 1]
    moved = sum(bool((each != 1).any()) for each in norms)
    return SelfTest(moved == len(norms), (f"{moved} of {len(norms)} norms of the image tower have moved",))
