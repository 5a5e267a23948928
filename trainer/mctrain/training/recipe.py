"""The recipe of a training run of whole towers: a frozen TOML file in which no key is ignored, and what a command line changes of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from mctrain.errors import RecipeError
from mctrain.optimisation.table import OptimizerTable
from mctrain.recipe import LEAST_SIZE, UNSAID, About, Augmentation, BundleTable, ModelTable, TowersTable
from mctrain.tables import load_table

if TYPE_CHECKING:
    from collections.abc import Sequence

Captions = Literal["any", "first"]
Numbers = Literal["fp32", "bf16", "fp16"]
_MOST_PASSES = 1_000_000
_SEEDS = 1 << 63  # those that torch takes


class AnyRecipe(Protocol):
    """What the files of a run want of its recipe, of whatever kind it is."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def kept(self) -> int:
        """How many states stay."""

    @property
    def figures(self) -> tuple[str, ...]:
        """What is measured on the way."""


@dataclass(frozen=True, slots=True)
class TeacherTable:
    """A teacher of a set that has no manifest of ours: the width of its embeddings and the scale of its logits."""

    width: int
    scale: float


@dataclass(frozen=True, slots=True)
class PhotosTable:
    """What is learnt from: shards by name inside the set's folder, and which texts of a photo.

    `captions`: any of a person's captions, or the first one always. `synthetic` is a pattern of the tags of synthetic texts,
    of which each step takes one beside the caption; empty for none. `bank` texts without photos join each step.
    `teachers` are named where the set has no manifest that does.
    """

    shards: tuple[str, ...]
    captions: Captions = "any"
    synthetic: str = "^syn_text"
    bank: int = 0
    teachers: tuple[TeacherTable, ...] = ()

    def __post_init__(self) -> None:
        if self.bank < 0:
            raise RecipeError(f"A step takes no {self.bank} texts of a bank; give data.bank 0 or more.")


@dataclass(frozen=True, slots=True)
class LossTable:
    """`distil` is λ: 0 is plain CLIP, 1 the teachers alone. `scales` of the teachers' logits take the place of their own."""

    distil: float = 0.0
    scales: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not (0 <= self.distil <= 1 and all(0 < own < inf for own in self.scales)):
            raise RecipeError(
                f"A loss takes distil from 0 to 1 and scales above 0, not {self.distil} and {list(self.scales)}."
            )


@dataclass(frozen=True, slots=True)
class SizeTable:
    """From this step on photos have so many pixels a side."""

    step: int
    size: int


@dataclass(frozen=True, slots=True)
class RunTable:
    """How long and how a run goes: `steps`, or `passes` over the data.

    A batch is that of all processes; each embeds its own in `parts`, which is exact and costs a second pass forward.
    `recompute` keeps less in memory and computes it again. `channels_last` makes convolutions faster on a GPU, and those of
    EfficientNet-Lite on a processor, where other towers ignore it.
    """

    batch: int
    seed: int = 0
    steps: int = 0
    passes: float = 0.0
    parts: int = 1
    precision: Numbers = "fp32"
    channels_last: bool = False
    recompute: bool = False
    range_augment: bool = False
    sizes: tuple[SizeTable, ...] = ()
    log_every: int = 20
    save_every: int = 1000
    keep: int = 2

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.passes > 0) or min(self.steps, self.passes) < 0:
            raise RecipeError(
                "A run has either steps or passes; give one of them a number above 0, and the other 0."
            )
        if self.passes > _MOST_PASSES:
            raise RecipeError(
                f"No run ends after {self.passes} passes; give run.passes {_MOST_PASSES:,} at most."
            )
        if not 0 <= self.seed < _SEEDS:
            raise RecipeError(
                f"Nothing can be drawn by the seed {self.seed}; give run.seed 0 or more, below 2 to the 63."
            )
        if min(self.batch, self.parts, self.log_every, self.save_every, self.keep) < 1:
            raise RecipeError(
                "A run needs at least 1 as batch, parts, log_every, save_every and keep; one of them is less."
            )
        steps = [own.step for own in self.sizes]
        if any(own.size < LEAST_SIZE for own in self.sizes):
            raise RecipeError(
                f"Photos of a run have {LEAST_SIZE} pixels a side at least; one of run.sizes is less."
            )
        if steps != sorted(set(steps)) or any(own.step < 0 for own in self.sizes):
            raise RecipeError(
                f"The picture sizes of a run begin at the steps {steps}; give them in order, each a step of its own."
            )

    def length(self, steps_of_pass: int) -> int:
        """In steps."""
        return self.steps or max(1, round(self.passes * steps_of_pass))


@dataclass(frozen=True, slots=True)
class EvaluationTable:
    """Every `every` steps, and at the end, `figures` are measured, each `TASK: FIGURE` of what `mctrain eval` asks.

    `patience`: the run stops once their mean over the choosing halves has not risen for so many evaluations, and gives the
    weights that had the best one; 0 for never.
    """

    every: int
    figures: tuple[str, ...]
    patience: int = 0

    def __post_init__(self) -> None:
        once = len(set(self.figures)) == len(self.figures)
        if self.every < 1 or self.patience < 0 or not self.figures or not once:
            raise RecipeError(
                "An evaluation wants a figure at least, each once, every 1 steps or more, and 0 or more as patience; leave the table "
                "out for none."
            )


@dataclass(frozen=True, slots=True)
class ApartTable:
    """The run is judged by the `share` of its photos that it never sees, and by the sets of `--data`.

    What it makes is not exported if one of them has lost more than `most_lost` points against what it began with.
    """

    share: float
    most_lost: float

    def __post_init__(self) -> None:
        if not (0 < self.share < 1 and self.most_lost >= 0):
            raise RecipeError(
                f"A run cannot keep {self.share} of its photos apart and lose {self.most_lost} points; give share a number between "
                "0 and 1 and most_lost one of 0 or more, or leave the table out."
            )


@dataclass(frozen=True, slots=True)
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
    def kept(self) -> int:
        """How many states stay."""
        return self.run.keep

    @property
    def figures(self) -> tuple[str, ...]:
        """What is measured on the way."""
        return self.evaluation.figures if self.evaluation else ()

    @property
    def patience(self) -> int:
        """After how many evaluations whose score has not risen the run stops; 0 for never."""
        return self.evaluation.patience if self.evaluation else 0


def load_training(name_or_path: str, changes: Sequence[str] = ()) -> TrainingRecipe:
    """A run's recipe by name or path with changes, as `load_table` reads it."""
    return load_table(TrainingRecipe, name_or_path, "run", changes)
