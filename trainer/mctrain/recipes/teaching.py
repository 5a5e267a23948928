"""Recipes of a fit and of a reinforced set: everything that decides what comes out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mctrain.errors import RecipeError
from mctrain.recipes.parser import load
from mctrain.recipes.tables import (
    CLOSED,
    UNSAID,
    About,
    Amount,
    Augmentation,
    BundleTable,
    Count,
    ModelTable,
    Part,
    Positive,
    Share,
)

Storage = Literal["npz-fp32", "pth-fp32", "pth-bf16"]

TEACH = "teach:"


@dataclass(frozen=True, slots=True, config=CLOSED)
class DataTable:
    """What is learnt from, by name inside the data folder, and what never may be.

    `blanks`: so many pictures that show nothing are learnt from as well, with the texts that ask for them. A step holds
    its share of them, which every other text pushes away. `contrasts`: beside the texts stand others that say nearly the same
    and are wrong (another colour, another action), from which photos are pushed away.
    """

    shards: tuple[str, ...]
    templates: str
    translations: str
    evaluation_shards: tuple[str, ...]
    evaluation_texts: tuple[str, ...]
    blanks: Count = 0
    contrasts: bool = False


@dataclass(frozen=True, slots=True, config=CLOSED)
class TrainingTable:
    """The fit of the heads: `queries` is the share of drawn texts that are short, `distil` weighs the class-name term.

    `folds`: that many image heads are fitted too, each without the photos of its fold, in fewer passes, for the space is
    there; 0 for none. `bf16`: products in bfloat16, which processors with AVX-512 BF16 or AMX compute in half the time,
    and others slower.
    """

    seed: int
    epochs: Positive
    batch: Positive
    texts_a_photo: Positive
    queries: Annotated[float, Field(ge=0, le=1)]
    rate: Amount
    weight_decay: Amount
    warmup: Count
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    distil: Amount
    pseudo: Amount
    pseudo_photos: Count
    average: Share
    folds: Count
    fold_epochs: Count
    bf16: bool

    def __post_init__(self) -> None:
        if self.folds and (self.folds < 2 or self.fold_epochs < 1):
            raise RecipeError(
                f"A fit cannot have {self.folds} folds of {self.fold_epochs} epochs; give 0 folds, or at least 2 with 1 epoch."
            )


@dataclass(frozen=True, slots=True, config=CLOSED)
class TuningTable:
    """The fine-tuning of MiniLM's upper `layers` before the fit, with heads of its own that are thrown away.

    `classes`: of so many class names a step is asked, which keeps them where the classifier's answers are.
    """

    layers: Positive
    steps: Positive
    batch: Positive
    rate: Amount
    head_rate: Amount
    weight_decay: Amount
    warmup: Count
    classes: Positive


@dataclass(frozen=True, slots=True, config=CLOSED)
class StagesTable:
    """The fine-tuning of an only network's stages from `first` on, and of the heads with them, after the fit of these.

    `distil` and `pseudo` weigh the class-name terms as in the fit; what is large there would hold the stages where they are.
    Of the way from the weights before to the tuned ones the share `moved` is gone: a part of it keeps more of what the
    network knew.
    """

    first: Annotated[int, Field(ge=3, le=6)]  # of seven: the maps of lower ones take many gigabytes
    epochs: Positive
    rate: Amount
    head_rate: Amount
    warmup: Count
    distil: Amount
    pseudo: Amount
    moved: Part


@dataclass(frozen=True, slots=True, config=CLOSED)
class Recipe:
    """A whole recipe; `name` is its file's.

    `text` names whose text trunk it begins with, `teach:RECIPE`, which is fitted first where it is missing; empty for
    MiniLM as it comes.
    """

    name: str
    data: DataTable
    augmentation: Augmentation
    model: ModelTable
    training: TrainingTable
    bundle: BundleTable
    about: About = UNSAID
    text: str = ""
    tuning: TuningTable | None = None
    stages: StagesTable | None = None

    def __post_init__(self) -> None:
        if self.text and (self.tuning or not self.text.startswith(TEACH)):
            raise RecipeError(
                f"The recipe {self.name} begins with the text trunk of {self.text}; that takes {TEACH}RECIPE and no tuning of its own."
            )
        if self.stages and (len(self.model.networks) > 1 or not self.model.branch or self.training.folds):
            raise RecipeError(
                f"The recipe {self.name} tunes stages; that takes one network, its branch and no folds."
            )
        if self.training.pseudo and not self.model.branch:
            raise RecipeError(
                f"The recipe {self.name} has pseudo photos but no classifier branch, of whose weights they are made; give "
                "branch or pseudo another value."
            )

    def numbers(self) -> dict[str, Any]:
        """What a run's weights depend on: not what it is called, nor what is said about it."""
        numbers = {key: each for key, each in asdict(self).items() if key not in {"name", "about", "bundle"}}
        added = (
            (numbers, "text"),
            (numbers, "stages"),
            (numbers["data"], "blanks"),
            (numbers["data"], "contrasts"),
        )
        for table, key in added:  # a run without is what it was before there were any, and can be continued
            if not table[key]:
                del table[key]
        return numbers

    def digest(self) -> str:
        """Of these numbers: 16 hex digits."""
        return hashlib.sha256(json.dumps(self.numbers(), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, config=CLOSED)
class SourceTable:
    """What is reinforced, by name inside the data folder."""

    shards: tuple[str, ...]
    templates: str
    translations: str


@dataclass(frozen=True, slots=True, config=CLOSED)
class ReinforcementTable:
    """Who judges, in order, and how it is stored.

    A teacher is what `mctrain eval` measures too, or `teach:RECIPE`, which is fitted first where it is missing. `bank`
    names sources of texts without photos, none for no bank.
    """

    teachers: tuple[str, ...]
    storage: Storage
    seed: int
    bank: tuple[str, ...]


@dataclass(frozen=True, slots=True, config=CLOSED)
class ReinforcementRecipe:
    """A whole reinforced set; `name` is its file's."""

    name: str
    data: SourceTable
    augmentation: Augmentation
    reinforcement: ReinforcementTable
    about: About = UNSAID


def load_recipe(name_or_path: str) -> Recipe:
    """A fit's recipe by name or path, as `recipes.reader.load` reads it."""
    return load(Recipe, name_or_path, "training")


def load_reinforcement(name_or_path: str) -> ReinforcementRecipe:
    """A reinforced set's recipe by name or path, as `recipes.reader.load` reads it."""
    return load(ReinforcementRecipe, name_or_path, "reinforcement")
