"""A recipe: everything that decides what a training run makes, as a frozen TOML file in which no key is ignored."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Literal

from mctrain.errors import RecipeError
from mctrain.tables import load_table, parse_table
from picsight_engine.models.fields import is_model_name

Kind = Literal["strong", "weak", "aspect", "none"]
Network = Literal["lite0", "lite1", "lite2"]
Storage = Literal["npz-fp32", "pth-fp32", "pth-bf16"]

TEACH = "teach:"
LEAST_SIZE = 32  # in pixels: towers halve a photo's sides five times
_SIDES = range(LEAST_SIZE, 4097)
_LEAST_CONTEXT = 3  # a text's beginning, a token and its end
_WIDTHS = range(1, 8193)
_STAGES = range(
    3, 7
)  # of a network's seven: the maps of lower ones are so large that their matrices take many gigabytes


@dataclass(frozen=True, slots=True)
class About:
    """What a person wants to know before starting the run, as far as it is known; `noise` is what another seed changes of the expected score."""

    title: str = ""
    source: str = ""
    machine: str = ""
    hours: float = 0.0
    expected: str = ""
    noise: str = ""
    command: str = ""


UNSAID = About()


@dataclass(frozen=True, slots=True)
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
    blanks: int = 0
    contrasts: bool = False

    def __post_init__(self) -> None:
        if self.blanks < 0:
            raise RecipeError(f"A fit cannot have {self.blanks} blanks; give 0 or more.")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How views of a photo are drawn: `views` of them, of which the first is the whole photo as it is.

    strong  a crop of at least `least_area` of the photo (published with 0.08), then two operations
    weak    a crop of at least `least_area` (published with 0.9)
    aspect  the largest crop whose proportions are the photo's, up to a third wider or narrower
    none    the whole photo and nothing else

    With `mirror` every other view is mirrored by chance; the published sets have none of that.
    """

    kind: Kind
    views: int
    least_area: float
    mirror: bool

    def __post_init__(self) -> None:
        if self.views < 1 or (self.kind == "none" and self.views != 1):
            raise RecipeError(
                f"The augmentation {self.kind} cannot have {self.views} views a photo; give at least 1, and 1 to none."
            )
        if not 0 < self.least_area <= 1:
            raise RecipeError(
                f"The least area of a crop is {self.least_area}; give a share above 0 and up to 1."
            )

    def name_of(self, view: int, seed: int) -> str:
        """What a view depends on, as a part of a file's name; the first is the whole photo, whatever else is drawn."""
        if view == 0:
            return "whole"
        mirror = "-mirror" if self.mirror else ""
        return f"{self.kind}-{self.least_area:g}{mirror}-{seed}-{view}"


@dataclass(frozen=True, slots=True)
class ModelTable:
    """The towers: pretrained networks, the side of what they see in pixels, the width of the space, and the two heads.

    `networks` are one or several, joined; `branch` weighs the classifier branch, 0 for none.
    """

    networks: tuple[Network, ...]
    size: int
    dim: int
    image_hidden: int
    text_hidden: int
    image_dropout: float
    image_input_dropout: float
    text_dropout: float
    text_input_dropout: float
    branch: float

    def __post_init__(self) -> None:
        widths = (self.dim, self.image_hidden, self.text_hidden)
        if self.size not in _SIDES or not all(own in _WIDTHS for own in widths) or not 0 <= self.branch < inf:
            raise RecipeError(
                f"A model of photos of {self.size} pixels, of the widths {widths} and with a branch of {self.branch} cannot be made; "
                f"give {_SIDES[0]} to {_SIDES[-1]} pixels, {_WIDTHS[0]} to {_WIDTHS[-1]} as dim and hidden widths, and a branch of 0 or more."
            )
        dropped = (self.image_dropout, self.image_input_dropout, self.text_dropout, self.text_input_dropout)
        once = len(set(self.networks)) == len(self.networks)
        if not self.networks or not once or not all(0 <= own < 1 for own in dropped):
            raise RecipeError(
                f"A model of the networks {list(self.networks)} that drops {dropped} cannot be made; give at least one network, "
                "each once, and shares from 0 to below 1."
            )


@dataclass(frozen=True, slots=True)
class TowersTable:
    """A student from scratch: two towers by name, the width of their space, photos' side in pixels, and tokens of a text.

    A tower is a preset's, or a pretrained network with a head on it: lite0, lite1 or lite2 for photos, minilm for texts. Without
    `context` a text has as many tokens as its tower is made for.
    """

    image: str
    text: str
    dim: int
    size: int
    context: int | None = None

    def __post_init__(self) -> None:
        tokens = _LEAST_CONTEXT if self.context is None else self.context
        if self.dim < 1 or self.size < LEAST_SIZE or tokens < _LEAST_CONTEXT:
            raise RecipeError(
                f"Towers want a space of 1 dimension at least, photos of {LEAST_SIZE} pixels a side and texts of {_LEAST_CONTEXT} tokens, "
                f"not {self.dim}, {self.size} and {tokens}."
            )


@dataclass(frozen=True, slots=True)
class TrainingTable:
    """The fit of the heads: `queries` is the share of drawn texts that are short, `distil` weighs the class-name term.

    `folds`: that many image heads are fitted too, each without the photos of its fold, in fewer passes, for the space is
    there; 0 for none. `bf16`: products in bfloat16, which processors with AVX-512 BF16 or AMX compute in half the time,
    and others slower.
    """

    seed: int
    epochs: int
    batch: int
    texts_a_photo: int
    queries: float
    rate: float
    weight_decay: float
    warmup: int
    temperature: float
    distil: float
    pseudo: float
    pseudo_photos: int
    average: float
    folds: int
    fold_epochs: int
    bf16: bool

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch, self.texts_a_photo) < 1 or self.temperature <= 0:
            raise RecipeError(
                "A fit needs at least one epoch, one photo a batch and one text a photo, and a temperature above 0."
            )
        if self.folds and (self.folds < 2 or self.fold_epochs < 1):
            raise RecipeError(
                f"A fit cannot have {self.folds} folds of {self.fold_epochs} epochs; give 0 folds, or at least 2 with 1 epoch."
            )


@dataclass(frozen=True, slots=True)
class TuningTable:
    """The fine-tuning of MiniLM's upper `layers` before the fit, with heads of its own that are thrown away.

    `classes`: of so many class names a step is asked, which keeps them where the classifier's answers are.
    """

    layers: int
    steps: int
    batch: int
    rate: float
    head_rate: float
    weight_decay: float
    warmup: int
    classes: int


@dataclass(frozen=True, slots=True)
class StagesTable:
    """The fine-tuning of an only network's stages from `first` on, and of the heads with them, after the fit of these.

    `distil` and `pseudo` weigh the class-name terms as in the fit; what is large there would hold the stages where they are.
    Of the way from the weights before to the tuned ones the share `moved` is gone: a part of it keeps more of what the
    network knew.
    """

    first: int
    epochs: int
    rate: float
    head_rate: float
    warmup: int
    distil: float
    pseudo: float
    moved: float

    def __post_init__(self) -> None:
        if not 0 < self.moved <= 1:
            raise RecipeError(
                f"Tuned stages cannot move by the share {self.moved}; give one above 0 and up to 1."
            )
        if self.first not in _STAGES or self.epochs < 1:
            raise RecipeError(
                f"The stages from {self.first} on cannot be tuned for {self.epochs} epochs; give {_STAGES[0]} to {_STAGES[-1]}, and "
                "an epoch at least."
            )


@dataclass(frozen=True, slots=True)
class BundleTable:
    """What the exported bundle is called, and under which licence it goes; by its `name` it is installed."""

    name: str
    title: str
    licence: str

    def __post_init__(self) -> None:
        if not is_model_name(self.name):
            raise RecipeError(
                f"No model can be installed as {self.name[:80]!r}; give bundle.name up to 64 letters, digits, '.', '_' and '-'."
            )


@dataclass(frozen=True, slots=True)
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
        numbers = {key: own for key, own in asdict(self).items() if key not in {"name", "about", "bundle"}}
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


@dataclass(frozen=True, slots=True)
class SourceTable:
    """What is reinforced, by name inside the data folder."""

    shards: tuple[str, ...]
    templates: str
    translations: str


@dataclass(frozen=True, slots=True)
class ReinforcementTable:
    """Who judges, in order, and how it is stored.

    A teacher is what `mctrain eval` measures too, or `teach:RECIPE`, which is fitted first where it is missing. `bank`
    names sources of texts without photos, none for no bank.
    """

    teachers: tuple[str, ...]
    storage: Storage
    seed: int
    bank: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReinforcementRecipe:
    """A whole reinforced set; `name` is its file's."""

    name: str
    data: SourceTable
    augmentation: Augmentation
    reinforcement: ReinforcementTable
    about: About = UNSAID


def load_recipe(name_or_path: str) -> Recipe:
    """A fit's recipe by name or path, as `load_table` reads it."""
    return load_table(Recipe, name_or_path, "training")


def load_reinforcement(name_or_path: str) -> ReinforcementRecipe:
    """A reinforced set's recipe by name or path, as `load_table` reads it."""
    return load_table(ReinforcementRecipe, name_or_path, "reinforcement")


def parse_recipe(content: dict[str, Any], where: str) -> Recipe:
    """A recipe from its parsed TOML or from a checkpoint.

    Raises:
        RecipeError: a key is missing, unknown or of another type.
    """
    return parse_table(Recipe, content, where)
