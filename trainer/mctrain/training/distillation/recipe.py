"""The recipe of a text tower that is taught by another one: a frozen TOML file in which no key is ignored."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from mctrain.errors import RecipeError
from mctrain.optimisation.table import OptimizerTable
from mctrain.recipe import UNSAID, About, BundleTable
from mctrain.tables import load_table
from mctrain.training.recipe import Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = 64  # the width of an attention head


@dataclass(frozen=True, slots=True)
class TextsTable:
    """Which texts are taught, by the names of their sources and of shards in the data folder, and what never may be."""

    sources: tuple[str, ...]
    shards: tuple[str, ...]
    evaluation_shards: tuple[str, ...]
    evaluation_texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TowerTable:
    """Text-RepMixer in numbers: a convolutional block at either end, so many layers of attention between them."""

    width: int
    layers: int

    def __post_init__(self) -> None:
        if self.width < _HEAD or self.width % _HEAD or self.layers < 1:
            raise RecipeError(
                f"A text tower cannot be {self.width} wide with {self.layers} layers; give a multiple of {_HEAD}, and a layer."
            )


@dataclass(frozen=True, slots=True)
class BankTable:
    """Beside the cosine to the teacher's vector: the cross-entropy, weighed with `weight`, of the softmaxes of both over `texts`
    vectors of the teacher, drawn anew each step, at the factor `scale`.
    """

    texts: int
    weight: float
    scale: float

    def __post_init__(self) -> None:
        if self.texts < 1 or not (0 <= self.weight < inf and 0 < self.scale < inf):
            raise RecipeError(
                f"A loss cannot compare {self.texts} texts at the scale {self.scale} with the weight {self.weight}; give at least "
                "one text, a scale above 0 and a weight of 0 or more."
            )


@dataclass(frozen=True, slots=True)
class DistillationTable:
    """How long and how a run goes: `passes` over all texts, in batches of texts of one length, `tokens` together."""

    seed: int
    tokens: int
    passes: float
    precision: Numbers = "fp32"
    log_every: int = 50
    save_every: int = 500
    keep: int = 1

    def __post_init__(self) -> None:
        if self.seed < 0 or not 0 < self.passes < inf or self.precision == "fp16":
            raise RecipeError(
                f"A text tower cannot be taught for {self.passes} passes by the seed {self.seed} in {self.precision}; give passes above "
                "0, a seed of 0 or more, and fp32 or bf16."
            )
        if min(self.tokens, self.log_every, self.save_every, self.keep) < 1:
            raise RecipeError(
                "A distillation needs at least 1 as tokens, log_every, save_every and keep; one of them is less."
            )


@dataclass(frozen=True, slots=True)
class DistillationRecipe:
    """A whole recipe; `name` is its file's, `changes` are what a command line made of it."""

    name: str
    data: TextsTable
    tower: TowerTable
    loss: BankTable
    optimizer: OptimizerTable
    distillation: DistillationTable
    bundle: BundleTable
    about: About = UNSAID
    changes: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """How many states stay."""
        return self.distillation.keep

    @property
    def figures(self) -> tuple[str, ...]:
        """Nothing is measured on the way."""
        return ()


def load_distillation(name_or_path: str, changes: Sequence[str] = ()) -> DistillationRecipe:
    """A text tower's recipe by name or path with changes, as `load_table` reads it."""
    return load_table(DistillationRecipe, name_or_path, "distillation", changes)
