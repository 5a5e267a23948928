"""What a training run wants of its data: which views and texts of a photo, and which part of a pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mctrain.errors import RecipeError

if TYPE_CHECKING:
    from mctrain.recipes.tables import Augmentation


@dataclass(frozen=True, slots=True)
class Stored:
    """The views that stand in the shards, with what teachers gave for them and for the texts.

    `widths` are those of the teachers, in the order of their embeddings.
    """

    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """One text is any of a photo's captions, or always the first; another is one whose tag fits the pattern.

    An empty pattern wants no other text.
    """

    captions: Literal["any", "first"]
    pattern: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as fault:
            raise RecipeError(
                f"The pattern of tags {self.pattern} is no regular expression: {fault}; give one such as ^syn_text."
            ) from fault


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What the student wants; where views are an augmentation, each visit draws one of its own, and no teacher is read.

    The share `apart` of the photos is never seen.
    """

    interpolation: Literal["bicubic", "bilinear"]
    texts: Texts
    views: Stored | Augmentation
    apart: float = 0.0


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass, or the steps of it from `start` to before `stop`, with pictures of `size` pixels a side.

    `batch` is that of all ranks together, each of which gets its part of every batch.
    """

    epoch: int
    seed: int
    batch: int
    size: int
    start: int = 0
    stop: int | None = None
    rank: int = 0
    ranks: int = 1
