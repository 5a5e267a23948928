"""Recipes of training runs: of whole towers, and of a head that learns from decisions about tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mctrain.errors import RecipeError
from mctrain.recipes.parser import load, read_toml
from mctrain.recipes.tables import (
    CLOSED,
    LEAST_SIZE,
    UNSAID,
    About,
    Amount,
    ApartTable,
    Augmentation,
    BundleTable,
    Count,
    ModelTable,
    Names,
    OptimizerTable,
    Positive,
    Seed,
    TowersTable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Captions = Literal["any", "first"]
Numbers = Literal["fp32", "bf16", "fp16"]

DECISIONS = "decisions"  # the table that only a recipe of decisions has
SHARDS = ("*.tar",)  # what `mctrain data pack` writes


@dataclass(frozen=True, slots=True, config=CLOSED)
class TeacherTable:
    """A teacher of a set that has no manifest of ours: the width of its embeddings and the scale of its logits."""

    width: int
    scale: float


@dataclass(frozen=True, slots=True, config=CLOSED)
class PhotosTable:
    """What is learnt from: shards by name inside the set's folder, and which texts of a photo.

    `captions`: any of a person's captions, or the first one always. `synthetic` is a pattern of the tags of synthetic texts,
    of which each step takes one beside the caption; empty for none. `bank` texts without photos join each step.
    `teachers` are named where the set has no manifest that does.
    """

    shards: tuple[str, ...]
    captions: Captions = "any"
    synthetic: str = "^syn_text"
    bank: Count = 0
    teachers: tuple[TeacherTable, ...] = ()


@dataclass(frozen=True, slots=True, config=CLOSED)
class LossTable:
    """`distil` is λ: 0 is plain CLIP, 1 the teachers alone. `scales` of the teachers' logits take the place of their own."""

    distil: Annotated[float, Field(ge=0, le=1)] = 0.0
    scales: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()


@dataclass(frozen=True, slots=True, config=CLOSED)
class SizeTable:
    """From this step on photos have so many pixels a side."""

    step: Count
    size: Annotated[int, Field(ge=LEAST_SIZE)]


@dataclass(frozen=True, slots=True, config=CLOSED)
class RunTable:
    """How long and how a run goes: `steps`, or `passes` over the data.

    A batch is that of all processes; each embeds its own in `parts`, which is exact and costs a second pass forward.
    `recompute` keeps less in memory and computes it again. `channels_last` makes convolutions faster on a GPU, and those of
    EfficientNet-Lite on a processor, where other towers ignore it.
    """

    batch: Positive
    seed: Seed = 0
    steps: Count = 0
    passes: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    parts: Positive = 1
    precision: Numbers = "fp32"
    channels_last: bool = False
    recompute: bool = False
    range_augment: bool = False
    sizes: tuple[SizeTable, ...] = ()
    log_every: Positive = 20
    save_every: Positive = 1000
    keep: Positive = 2

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.passes > 0):
            raise RecipeError(
                "A run has either steps or passes; give one of them a number above 0, and the other 0."
            )
        steps = [each.step for each in self.sizes]
        if steps != sorted(set(steps)):
            raise RecipeError(
                f"The picture sizes of a run begin at the steps {steps}; give them in order, each a step of its own."
            )

    def length(self, steps_of_pass: int) -> int:
        """In steps."""
        return self.steps or max(1, round(self.passes * steps_of_pass))


@dataclass(frozen=True, slots=True, config=CLOSED)
class EvaluationTable:
    """Every `every` steps, and at the end, `figures` are measured, each `TASK: FIGURE` of what `mctrain eval` asks.

    `patience`: the run stops once their mean over the choosing halves has not risen for so many evaluations, and gives the
    weights that had the best one; 0 for never.
    """

    every: Positive
    figures: Names
    patience: Count = 0


@dataclass(frozen=True, slots=True, config=CLOSED)
class TrainingRecipe:
    """A whole recipe; `name` is its file's, `changes` are what a command line made of it. Without `towers` and `model` a run
    begins with a checkpoint's.

    With `augmentation` views are drawn anew at each visit, and the data need nothing but photos and captions; without, the
    stored ones are seen, with the teachers' embeddings of them.
    """

    name: str
    data: PhotosTable
    optimizer: OptimizerTable
    run: RunTable
    about: About = UNSAID
    loss: LossTable = LossTable()
    augmentation: Augmentation | None = None
    towers: TowersTable | None = None
    model: ModelTable | None = None
    evaluation: EvaluationTable | None = None
    apart: ApartTable | None = None
    bundle: BundleTable | None = None
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.towers and self.model:
            raise RecipeError(f"The recipe {self.name} has both towers and a model; leave one of them out.")
        if self.augmentation and (self.loss.distil or self.data.bank or self.data.teachers):
            raise RecipeError(
                f"The recipe {self.name} draws views anew, which no teacher has judged; give loss.distil and data.bank 0 and no "
                "data.teachers, or leave its augmentation out."
            )
        if self.augmentation and self.augmentation.views != 1:
            raise RecipeError(
                f"The recipe {self.name} draws a view of a photo whenever it sees it, not {self.augmentation.views}; give "
                "augmentation.views 1."
            )
        if self.loss.scales and not self.loss.distil:
            raise RecipeError(
                f"The recipe {self.name} gives teachers' scales, which only distillation reads; leave loss.scales out, or give "
                "loss.distil more than 0."
            )
        if not self.augmentation and not self.loss.distil and self.data.bank:
            raise RecipeError(
                f"The recipe {self.name} asks for texts of a bank, which only distillation reads; give data.bank 0."
            )

    @property
    def figures(self) -> tuple[str, ...]:
        """What is measured on the way."""
        return self.evaluation.figures if self.evaluation else ()

    @property
    def patience(self) -> int:
        """After how many evaluations whose score has not risen the run stops; 0 for never."""
        return self.evaluation.patience if self.evaluation else 0


def load_training(name_or_path: str, changes: Sequence[str] = ()) -> TrainingRecipe:
    """A run's recipe by name or path with changes, as `recipes.reader.load` reads it."""
    return load(TrainingRecipe, name_or_path, "run", changes)


@dataclass(frozen=True, slots=True, config=CLOSED)
class DecisionsTable:
    """So many `steps` of `batch` photos; `staying` weighs that photos stay where they were against what was decided of them.

    `rank`: an accepted photo shall have as much in common with its tag's words as with those that come so far behind among
    everyday things that people search for. `least` accepted and as many rejected photos kept apart judge a tag.
    """

    seed: Seed
    batch: Positive
    steps: Positive
    staying: Amount
    rank: Positive
    least: Positive


@dataclass(frozen=True, slots=True, config=CLOSED)
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
    """Whether a recipe is of decisions.

    Raises:
        RecipeError: there is none.
    """
    return DECISIONS in read_toml(name_or_path)[0]


def load_decisions(name_or_path: str, changes: Sequence[str] = ()) -> DecisionsRecipe:
    """A head's recipe by name or path with changes, as `recipes.reader.load` reads it."""
    return load(DecisionsRecipe, name_or_path, DECISIONS, changes)
