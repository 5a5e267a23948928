"""Publishers' names for our tensors: Apple's first code, open_clip and timm.

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
from importlib import resources
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from mctrain.models.presets import Publisher


COUNTER = "num_batches_tracked"  # of BatchNorm: not a weight, may be absent


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
