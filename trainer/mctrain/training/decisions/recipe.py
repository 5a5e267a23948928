"""The recipe of a head that learns from decisions: a frozen TOML file in which no key is ignored."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from mctrain.errors import RecipeError
from mctrain.optimisation.table import OptimizerTable
from mctrain.recipe import UNSAID, About, BundleTable
from mctrain.tables import load_table, read_toml
from mctrain.training.recipe import ApartTable

if TYPE_CHECKING:
    from collections.abc import Sequence

KIND = "decisions"
SHARDS = ("*.tar",)  # what `mctrain data pack` writes


@dataclass(frozen=True, slots=True)
class DecisionsTable:
    """So many `steps` of `batch` photos; `staying` weighs that photos stay where they were against what was decided of them.

    `rank`: an accepted photo shall have as much in common with its tag's words as with those that come so far behind among
    everyday things that people search for. `least` accepted and as many rejected photos kept apart judge a tag.
    """

    seed: int
    batch: int
    steps: int
    staying: float
    rank: int
    least: int

    def __post_init__(self) -> None:
        if self.seed < 0 or min(self.batch, self.steps, self.rank, self.least) < 1:
            raise RecipeError(
                "Decisions are learnt from with a seed of 0 or more, and at least 1 as batch, steps, rank and least; one of them is less."
            )
        if not 0 <= self.staying < inf:
            raise RecipeError(
                f"Decisions cannot be weighed against staying = {self.staying}; give a number of 0 or more."
            )


@dataclass(frozen=True, slots=True)
class DecisionsRecipe:
    """A whole recipe; `name` is its file's, `changes` are what a command line made of it."""

    name: str
    decisions: DecisionsTable
    optimizer: OptimizerTable
    apart: ApartTable
    bundle: BundleTable
    about: About = UNSAID
    changes: tuple[str, ...] = ()


def is_of_decisions(name_or_path: str) -> bool:
    """Whether a recipe is one of these.

    Raises:
        RecipeError: there is none.
    """
    return KIND in read_toml(name_or_path)[0]


def load_decisions(name_or_path: str, changes: Sequence[str] = ()) -> DecisionsRecipe:
    """A head's recipe by name or path with changes, as `load_table` reads it."""
    return load_table(DecisionsRecipe, name_or_path, KIND, changes)
