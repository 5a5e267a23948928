"""Recipes of a fit and of a reinforced set: everything that determines the result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mctrain.errors import RecipeError
from mctrain.recipes.tables import (
    CLOSED,
    NO_FACTS,
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
    """Training data by name inside the data folder, and the sets excluded from it.

    `blanks`: this many blank pictures are added, with texts that ask for them; they are negatives for all other texts.
    `contrasts`: adds near-miss texts (another colour, another action) as negatives.
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
    """The fit of the heads: `queries` is the share of short texts drawn, `distil` weighs the class-name term.

    `folds`: number of extra image heads, each fitted without the photos of its fold, in fewer epochs because the space
    is fixed; 0 for none. `bf16`: products in bfloat16, twice as fast with AVX-512 BF16 or AMX, slower on other processors.
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
    """The fine-tuning of MiniLM's upper `layers` before the fit, with temporary heads.

    `classes`: class names per step, which stay aligned with the classifier.
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
    """The fine-tuning of a single network's stages from `first` on, together with the fitted heads.

    `distil` and `pseudo` weigh the class-name terms as in the fit; large weights would hold the stages in place.
    The result interpolates from the old weights to the tuned ones by `moved`; a smaller share keeps more of the old
    knowledge.
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
class TeachingRecipe:
    """A recipe; `name` is its file name.

    `text` is `teach:RECIPE`, the model whose text trunk it begins with, fitted first if missing; empty for the
    pretrained MiniLM.
    """

    name: str
    data: DataTable
    augmentation: Augmentation
    model: ModelTable
    training: TrainingTable
    bundle: BundleTable
    about: About = NO_FACTS
    text: str = ""
    tuning: TuningTable | None = None
    stages: StagesTable | None = None

    def __post_init__(self) -> None:
        if self.text and (self.tuning or not self.text.startswith(TEACH)):
            raise RecipeError(
                f"The recipe {self.name} begins with the text trunk of {self.text}; write {TEACH}RECIPE and leave out the table tuning."
            )
        if self.stages and (len(self.model.networks) > 1 or not self.model.branch or self.training.folds):
            raise RecipeError(
                f"The recipe {self.name} tunes stages; that needs one network with its branch, and no folds."
            )
        if self.training.pseudo and not self.model.branch:
            raise RecipeError(
                f"The recipe {self.name} has pseudo photos but no classifier branch to make them from; give "
                "branch or pseudo another value."
            )

    def numbers(self) -> dict[str, Any]:
        """The keys that a run's weights depend on: not the name, nor the description."""
        numbers = {key: each for key, each in asdict(self).items() if key not in {"name", "about", "bundle"}}
        added = (
            (numbers, "text"),
            (numbers, "stages"),
            (numbers["data"], "blanks"),
            (numbers["data"], "contrasts"),
        )
        for table, key in added:  # left out if absent, so that older runs keep their digest
            if not table[key]:
                del table[key]
        return numbers

    def digest(self) -> str:
        """Digest of `numbers`: 16 hex digits."""
        return hashlib.sha256(json.dumps(self.numbers(), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, config=CLOSED)
class SourceTable:
    """The data to reinforce, by name inside the data folder."""

    shards: tuple[str, ...]
    templates: str
    translations: str


@dataclass(frozen=True, slots=True, config=CLOSED)
class ReinforcementTable:
    """The teachers, in order, and the storage format.

    A teacher is a subject of `mctrain eval`, or `teach:RECIPE`, which is fitted first if missing. `bank` names sources
    of texts without photos; empty for no bank.
    """

    teachers: tuple[str, ...]
    storage: Storage
    seed: int
    bank: tuple[str, ...]


@dataclass(frozen=True, slots=True, config=CLOSED)
class ReinforcementRecipe:
    """The recipe of a reinforced set; `name` is its file name."""

    name: str
    data: SourceTable
    augmentation: Augmentation
    reinforcement: ReinforcementTable
    about: About = NO_FACTS
