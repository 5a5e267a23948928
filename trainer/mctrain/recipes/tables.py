"""Tables that recipes of several kinds have, with the bounds of their numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AllowInfNan, ConfigDict, Field
from pydantic.dataclasses import dataclass

from mctrain.errors import RecipeError
from picsight_engine.bundles.fields import is_model_name

LEAST_SIZE = 32  # in pixels: towers halve a photo's sides five times
LEAST_CONTEXT = 3  # a text's beginning, a token and its end
CLOSED = ConfigDict(extra="forbid")  # no key is ignored

Kind = Literal["strong", "weak", "aspect", "none"]
Network = Literal["lite0", "lite1", "lite2"]

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Part = Annotated[float, Field(gt=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=1 << 63)]  # those that torch takes
Side = Annotated[int, Field(ge=LEAST_SIZE, le=4096)]
Width = Annotated[int, Field(ge=1, le=8192)]


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values or len(set(values)) < len(values):
        raise ValueError("should have something, and nothing twice")
    return values


Names = Annotated[tuple[str, ...], AfterValidator(_each_once)]


@dataclass(frozen=True, slots=True, config=CLOSED)
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


@dataclass(frozen=True, slots=True, config=CLOSED)
class Augmentation:
    """How views of a photo are drawn: `views` of them, of which the first is the whole photo as it is.

    strong  a crop of at least `least_area` of the photo (published with 0.08), then two operations
    weak    a crop of at least `least_area` (published with 0.9)
    aspect  the largest crop whose proportions are the photo's, up to a third wider or narrower
    none    the whole photo and nothing else

    With `mirror` every other view is mirrored by chance; the published sets have none of that.
    """

    kind: Kind
    views: Positive
    least_area: Part
    mirror: bool

    def __post_init__(self) -> None:
        if self.kind == "none" and self.views != 1:
            raise RecipeError(f"The augmentation none has 1 view a photo, not {self.views}.")

    def name_of(self, view: int, seed: int) -> str:
        """What a view depends on, as a part of a file's name; the first is the whole photo, whatever else is drawn."""
        if view == 0:
            return "whole"
        mirror = "-mirror" if self.mirror else ""
        return f"{self.kind}-{self.least_area:g}{mirror}-{seed}-{view}"


@dataclass(frozen=True, slots=True, config=CLOSED)
class ModelTable:
    """The towers: pretrained networks, the side of what they see in pixels, the width of the space, and the two heads.

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
    """A student from scratch: two towers by name, the width of their space, photos' side in pixels, and tokens of a text.

    A tower is a preset's, or a pretrained network with a head on it: lite0, lite1 or lite2 for photos, minilm for texts. Without
    `context` a text has as many tokens as its tower is made for.
    """

    image: str
    text: str
    dim: Positive
    size: Annotated[int, Field(ge=LEAST_SIZE)]
    context: Annotated[int, Field(ge=LEAST_CONTEXT)] | None = None


def _installable(name: str) -> str:
    if not is_model_name(name):
        raise ValueError(
            "should have up to 64 letters, digits, '.', '_' and '-', so that a model can be installed by it"
        )
    return name


@dataclass(frozen=True, slots=True, config=CLOSED)
class BundleTable:
    """What the exported bundle is called, and under which licence it goes; by its `name` it is installed."""

    name: Annotated[str, AfterValidator(_installable)]
    title: str
    licence: str


@dataclass(frozen=True, slots=True, config=CLOSED)
class ApartTable:
    """The run is judged by the `share` of its photos that it never sees, and by the sets of `--data`.

    What it makes is not exported if one of them has lost more than `most_lost` points against what it began with.
    """

    share: Annotated[float, Field(gt=0, lt=1)]
    most_lost: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True, config=CLOSED)
class RateRule:
    """A part of the model, by name, moves at `factor` of the rate; 0 freezes it."""

    part: str
    factor: Amount


@dataclass(frozen=True, slots=True, config=CLOSED)
class OptimizerTable:
    """AdamW, its rate over the run, and how long a gradient may be; unless it is said, as published.

    `rules` slow down or freeze parts by name; BatchNorm of the parts in `held` goes by the statistics it has; `average` is
    the share that a step keeps of the average of the weights, 0 for none. The rate rises over `warmup` steps, or over half of
    a run that has fewer than twice as many, and falls to `floor`.
    """

    rate: Amount
    warmup: Count
    floor: Amount = 1e-6
    decay: Amount = 0.2
    first: Share = 0.9
    second: Share = 0.95
    epsilon: Amount = 1e-8
    longest: Annotated[float, Field(gt=0), AllowInfNan()] = 1.0
    rules: tuple[RateRule, ...] = ()
    held: tuple[str, ...] = ()
    average: Share = 0.0

    def __post_init__(self) -> None:
        if self.floor > self.rate:
            raise RecipeError(
                f"The rate cannot fall from {self.rate:g} to {self.floor:g}; give optimizer.floor no more than the rate."
            )
