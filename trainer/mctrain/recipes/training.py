"""Recipes of training runs: of whole towers, and of a head that learns from decisions about tags."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mctrain.errors import RecipeError
from mctrain.recipes.parser import read_toml
from mctrain.recipes.tables import (
    CLOSED,
    NO_FACTS,
    About,
    Amount,
    Augmentation,
    BundleTable,
    Count,
    HeldOutTable,
    Names,
    OptimizerTable,
    Positive,
    Seed,
    TowersTable,
)

Captions = Literal["any", "first"]
Numbers = Literal["fp32", "bf16", "fp16"]

DECISIONS = "decisions"  # the table that only a recipe of decisions has
SHARDS = ("*.tar",)  # what `mctrain data pack` writes


@dataclass(frozen=True, slots=True, config=CLOSED)
class TeacherTable:
    """A teacher of a set without our manifest: embedding width and logit scale."""

    width: int
    scale: float


@dataclass(frozen=True, slots=True, config=CLOSED)
class PhotosTable:
    """Training data: shards by name inside the set's folder, and the texts of a photo to use.

    `captions`: a random human caption, or always the first. `synthetic` is a pattern of synthetic text tags; each step
    uses one such text beside the caption; empty for none. `bank` texts without photos are added to each step.
    `teachers` are needed if the set has no manifest.
    """

    shards: tuple[str, ...]
    captions: Captions = "any"
    synthetic: str = "^syn_text"
    bank: Count = 0
    teachers: tuple[TeacherTable, ...] = ()


@dataclass(frozen=True, slots=True, config=CLOSED)
class LossTable:
    """`distil` is λ: 0 is plain CLIP, 1 the teachers only. `scales` override the teachers' logit scales."""

    distil: Annotated[float, Field(ge=0, le=1)] = 0.0
    scales: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()


@dataclass(frozen=True, slots=True, config=CLOSED)
class RunTable:
    """The length and mode of a run: `steps`, or `passes` over the data.

    `batch` counts all processes; each embeds its share in `parts`, which is exact and costs a second forward pass.
    `recompute` saves memory by recomputing activations. `channels_last` speeds up convolutions on a GPU, and those of
    EfficientNet-Lite on a CPU; other towers ignore it there.
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
    log_every: Positive = 20
    save_every: Positive = 1000
    keep: Positive = 2

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.passes > 0):
            raise RecipeError(
                "A run has either steps or passes; give one of them a number above 0, and the other 0."
            )

    def length(self, steps_of_pass: int) -> int:
        """The length in steps."""
        return self.steps or max(1, round(self.passes * steps_of_pass))


@dataclass(frozen=True, slots=True, config=CLOSED)
class EvaluationTable:
    """Every `every` steps, and at the end, `figures` are measured, each a `TASK: FIGURE` of `mctrain eval`.

    `patience`: the run stops if their mean over the choosing halves has not risen for this many evaluations, and returns
    the best weights; 0 for never.
    """

    every: Positive
    figures: Names
    patience: Count = 0


@dataclass(frozen=True, slots=True, config=CLOSED)
class TrainingRecipe:
    """A recipe; `name` is its file name, `changes` those of the command line. Without `towers` a run takes the model
    of its checkpoint.

    With `augmentation` new views are drawn in each epoch, and the data need only photos and captions; with several
    `views`, these are drawn and computed once, and used in turn. Without it, the views in the shards and the teachers'
    embeddings of them are used.
    """

    name: str
    data: PhotosTable
    optimizer: OptimizerTable
    run: RunTable
    about: About = NO_FACTS
    loss: LossTable = LossTable()
    augmentation: Augmentation | None = None
    towers: TowersTable | None = None
    evaluation: EvaluationTable | None = None
    apart: HeldOutTable | None = None
    bundle: BundleTable | None = None
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.augmentation and (self.loss.distil or self.data.bank or self.data.teachers):
            raise RecipeError(
                f"The recipe {self.name} draws views anew, for which there are no embeddings; give loss.distil and data.bank 0 and no "
                "data.teachers, or leave its augmentation out."
            )
        if self.frozen_views and (self.data.synthetic or self.run.range_augment):
            raise RecipeError(
                f"The recipe {self.name} stores {self.frozen_views} views of each photo, with one caption each and as they are; give "
                "augmentation.views 1, or data.synthetic nothing and run.range_augment false."
            )
        if self.loss.scales and not self.loss.distil:
            raise RecipeError(
                f"The recipe {self.name} gives teachers' scales, which only distillation uses; leave loss.scales out, or give "
                "loss.distil more than 0."
            )
        if not self.augmentation and not self.loss.distil and self.data.bank:
            raise RecipeError(
                f"The recipe {self.name} asks for texts of a bank, which only distillation uses; give data.bank 0."
            )

    @property
    def frozen_views(self) -> int:
        """The number of views of each photo that are drawn and computed once; 0 for new ones in each epoch."""
        return self.augmentation.views if self.augmentation and self.augmentation.views > 1 else 0

    @property
    def figures(self) -> tuple[str, ...]:
        """The figures measured during the run."""
        return self.evaluation.figures if self.evaluation else ()

    @property
    def patience(self) -> int:
        """The number of evaluations without a better score after which the run stops; 0 for never."""
        return self.evaluation.patience if self.evaluation else 0


@dataclass(frozen=True, slots=True, config=CLOSED)
class DecisionsTable:
    """`steps` of `batch` photos each; `staying` weighs the loss that keeps photos in place.

    `rank`: an accepted photo should score as high for its tag's words as for its rank-th best everyday search word.
    A tag is judged by at least `least` accepted and `least` rejected held-out photos.
    """

    seed: Seed
    batch: Positive
    steps: Positive
    staying: Amount
    rank: Positive
    least: Positive


@dataclass(frozen=True, slots=True, config=CLOSED)
class DecisionsRecipe:
    """A recipe; `name` is its file name, `changes` those of the command line."""

    name: str
    decisions: DecisionsTable
    optimizer: OptimizerTable
    apart: HeldOutTable
    bundle: BundleTable
    about: About = NO_FACTS
    changes: tuple[str, ...] = ()


def is_of_decisions(name_or_path: str) -> bool:
    """Whether a recipe learns from decisions; raises RecipeError if there is none."""
    return DECISIONS in read_toml(name_or_path)[0]
