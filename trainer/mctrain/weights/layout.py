"""What a layout is: rules that turn our name of a tensor into a publisher's, and the few changes of shape.

A layout is written from ours to theirs only. Reading asks for each tensor of a model what it is called there, so whatever
is missing or left over can be named; writing back follows the same rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from mctrain.models.presets import Publisher

COUNTER = "num_batches_tracked"  # of BatchNorm: no weight, never missed


@dataclass(frozen=True, slots=True)
class Change:
    """How a tensor's shape differs: `read` makes theirs ours, `write` ours theirs."""

    read: Callable[[Tensor], Tensor]
    write: Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Layout:
    """A publisher's names.

    `probe`: how a file of this layout is recognised, a pattern that one of its keys begins with. `rules`: pairs of a
    pattern and its replacement, all applied, in their order. `changes` are found by our name.
    `with_text`: whether it holds a text tower and the logit scale too.
    """

    publisher: Publisher
    probe: str
    rules: tuple[tuple[str, str], ...]
    changes: dict[str, Change] = field(default_factory=dict)
    with_text: bool = True

    def name(self, ours: str) -> str:
        """Their name of a tensor of ours."""
        for pattern, replacement in self.rules:
            ours = re.sub(pattern, replacement, ours)
        return ours

    def fits(self, names: list[str]) -> bool:
        """Whether a file with these names is of this layout."""
        return any(re.match(self.probe, name) for name in names)
