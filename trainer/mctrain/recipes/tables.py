"""Tables that several kinds of recipes share, with the bounds of their numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from mctrain.errors import RecipeError
from picsight_engine.bundles.json_records import is_model_name

LEAST_SIZE = 32  # pixels: towers halve a photo's sides five times
LEAST_CONTEXT = 3  # start token, one token, end token
CLOSED = ConfigDict(extra="forbid")  # no key is ignored

Kind = Literal["strong", "weak", "aspect", "none"]
Network = Literal["lite0", "lite1", "lite2"]

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Part = Annotated[float, Field(gt=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=1 << 63)]  # the range that torch accepts
Side = Annotated[int, Field(ge=LEAST_SIZE, le=4096)]
Width = Annotated[int, Field(ge=1, le=8192)]


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values or len(set(values)) < len(values):
        raise ValueError("should have something, and nothing twice")
    return values


Names = Annotated[tuple[str, ...], AfterValidator(_each_once)]


@dataclass(frozen=True, slots=True, config=CLOSED)
class About:
    """Facts to print before a run, each optional; `noise` is the spread of the expected score between seeds."""

    title: str = ""
    source: str = ""
    machine: str = ""
    hours: float = 0.0
    expected: str = ""
    noise: str = ""
    command: str = ""


NO_FACTS = About()


@dataclass(frozen=True, slots=True, config=CLOSED)
class Augmentation:
    """How views of a photo are drawn: `views` of them, the first of which is the whole photo, unchanged.

    strong  a crop of at least `least_area` of the photo (published with 0.08), then two operations
    weak    a crop of at least `least_area` (published with 0.9)
    aspect  the largest crop whose proportions are the photo's, up to a third wider or narrower
    none    only the whole photo

    With `mirror`, half of the views at random are mirrored; the published sets do not do that.
    """

    kind: Kind
    views: Positive
    least_area: Part
    mirror: bool

    def __post_init__(self) -> None:
        if self.kind == "none" and self.views != 1:
            raise RecipeError(f"The augmentation none has 1 view a photo, not {self.views}.")

    def name_of(self, view: int, seed: int) -> str:
        """The settings of a view, as a part of a file name; the first view is always the whole photo."""
        if view == 0:
            return "whole"
        mirror = "-mirror" if self.mirror else ""
        return f"{self.kind}-{self.least_area:g}{mirror}-{seed}-{view}"


@dataclass(frozen=True, slots=True, config=CLOSED)
class ModelTable:
    """The towers: pretrained networks, their input side in pixels, the embedding dimension, and the two heads.

    `networks` are one or several, joined; `branch` weighs the classifier branch, 0 for none.
    """

    networks: Annotated[tuple[Network, ...], AfterValidator(_each_once)]
    size: Side
    dim: Width
    image_hidden: Width
    text_hidden: Width
    image_dropout: Share
    image_input_dropout: Share
    text_dropout: Share
    text_input_dropout: Share
    branch: Amount


@dataclass(frozen=True, slots=True, config=CLOSED)
class TowersTable:
    """A new student: two towers by name, the embedding dimension, the photo side in pixels, and the text length in tokens.

    A tower is a preset's, or a pretrained network with a head: lite0, lite1 or lite2 for photos, minilm for texts.
    `context` defaults to the tower's text length.
    """

    image: str
    text: str
    dim: Positive
    size: Annotated[int, Field(ge=LEAST_SIZE)]
    context: Annotated[int, Field(ge=LEAST_CONTEXT)] | None = None


def _installable(name: str) -> str:
    if not is_model_name(name):
        raise ValueError(
            "should have up to 64 letters, digits, '.', '_' and '-', so that a model can be installed by this name"
        )
    return name


@dataclass(frozen=True, slots=True, config=CLOSED)
class BundleTable:
    """The title and licence of the exported bundle; `name` is its name for installation."""

    name: Annotated[str, AfterValidator(_installable)]
    title: str
    licence: str


@dataclass(frozen=True, slots=True, config=CLOSED)
class HeldOutTable:
    """The run is judged on the held-out `share` of its photos, and on the sets of `--data`.

    The result is not exported if any of them lost more than `most_lost` points against the start.
    """

    share: Annotated[float, Field(gt=0, lt=1)]
    most_lost: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True, config=CLOSED)
class RateRule:
    """The part of the model with this name trains at `factor` times the learning rate; 0 freezes it."""

    part: str
    factor: Amount


@dataclass(frozen=True, slots=True, config=CLOSED)
class OptimizerTable:
    """AdamW, its learning rate schedule, and gradient clipping; the defaults are as published.

    `rules` slow down or freeze parts by name; BatchNorm of the parts in `held` uses fixed statistics; `average` is the
    decay of the weights' moving average, 0 for none. The rate rises over `warmup` steps, at most half of the run, and
    falls to `floor`.
    """

    rate: Amount
    warmup: Count
    floor: Amount = 1e-6
    decay: Amount = 0.2
    first: Share = 0.9
    second: Share = 0.95
    epsilon: Amount = 1e-8
    rules: tuple[RateRule, ...] = ()
    held: tuple[str, ...] = ()
    average: Share = 0.0

    def __post_init__(self) -> None:
        if self.floor > self.rate:
            raise RecipeError(
                f"The rate cannot fall from {self.rate:g} to {self.floor:g}; give optimizer.floor no more than the rate."
            )
