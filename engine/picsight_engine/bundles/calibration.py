"""What scores mean: whether a library answers a query, how well each of its photos matches it, and which show nothing."""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from picsight_engine.bundles.fields import is_number, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Match = Literal["strong", "weaker", "none"]

_BYTES = 2  # of a float16
_FARTHEST = 10  # along a direction on which the means of what it parts lie 1 apart
BEST = 5  # scores whose mean says that a library holds several right photos
TURN = 1_000  # photos: the library that the cuts are stated for, and where their growth changes


@dataclass(frozen=True, slots=True)
class Calibration:
    """The cuts of one pair of towers, for a library of a thousand photos.

    The evidence for a query is the mean of its best five scores, or its best score less `gap` where that is more: a
    library may hold one right photo alone. From `answered` on there is an answer, and photos from `strong` on are strong.
    From `possible` on there may be one, and photos that score at most `span` less than the best are weaker matches.

    The best of many wrong photos scores higher than the best of few: every cut rises with the logarithm of the library's
    size, up to a thousand photos by `growth_below`, and beyond by `growth`. It falls by `common` times the commonness of
    what is looked for: these cuts are for a thing that one of a thousand photos shows.
    """

    answered: float
    strong: float
    possible: float
    gap: float
    span: float
    growth: float
    growth_below: float
    common: float

    def evidence(self, best: Sequence[float]) -> float:
        """How much speaks for an answer; `best` are the highest scores of the library, at least five or all, best first."""
        first = best[:BEST]
        return max(first[0] - self.gap, sum(first) / len(first))

    def rise(self, photos: int, commonness: float) -> float:
        """What is added to every cut in a library of so many photos, for a thing as common as that."""
        folds = math.log(photos / TURN)
        return folds * (self.growth_below if folds < 0 else self.growth) - self.common * commonness

    def matches(self, best: Sequence[float], photos: int, commonness: float) -> list[Match]:
        """How well each of the best scores of a library of `photos` matches; at least five scores or all, best first."""
        if not best:
            return []
        rise, evidence = self.rise(photos, commonness), self.evidence(best)
        strong = self.strong + rise if evidence >= self.answered + rise else math.inf
        weaker = best[0] - self.span if evidence >= self.possible + rise else math.inf
        return _matches(best, strong, weaker)


@dataclass(frozen=True, slots=True)
class Likeness:
    """From which cosine on a photo is like another: strongly, or perhaps."""

    strong: float
    weaker: float

    def matches(self, scores: Sequence[float]) -> list[Match]:
        """How well each of these scores matches."""
        return _matches(scores, self.strong, self.weaker)


def _matches(scores: Sequence[float], strong: float, weaker: float) -> list[Match]:
    return ["strong" if score >= strong else "weaker" if score >= weaker else "none" for score in scores]


def parse_likeness(data: dict[str, Any]) -> Likeness:
    """The likeness that a manifest holds; a surplus key is ignored.

    Raises:
        KeyError: a number is missing.
        ValueError: one is no cosine, or they are not in order.
    """
    cuts = (data["strong"], data["weaker"])
    require("likeness", data, fits=all(map(is_number, cuts)) and -1 <= cuts[1] <= cuts[0] <= 1)
    return Likeness(*map(float, cuts))


def parse_calibration(data: dict[str, Any]) -> Calibration:
    """The calibration that a manifest holds; a surplus key is ignored.

    Raises:
        KeyError: a number is missing.
        ValueError: one is no number, or no cosine; or the cuts are not in order, so that an answer might hold no strong photo.
    """
    numbers = {}
    for each in fields(Calibration):
        value = data[each.name]
        lowest = -1 if each.name in {"answered", "strong", "possible"} else 0
        require(f"calibration.{each.name}", value, fits=is_number(value) and lowest <= value <= 1)
        numbers[each.name] = float(value)
    calibration = Calibration(**numbers)
    in_order = max(calibration.possible, calibration.strong) <= calibration.answered
    require("calibration", data, fits=in_order)
    return calibration


@dataclass(frozen=True, slots=True)
class Blankness:
    """What parts flat, smeared and covered pictures from photos in one space; its vectors [dim] are float16 in base64.

    A photo loses `weight` of what the product of its vector and `direction` is beyond `cut`, unless words ask for such
    pictures: where the product of their vector and `words` reaches `asked`.
    """

    direction: str
    cut: float
    weight: float
    words: str
    asked: float

    def axis(self) -> NDArray[np.float32]:
        """The direction [dim]."""
        return _vector(self.direction)

    def asking(self, words: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which unit vectors [m, dim] of words ask for pictures that show nothing."""
        asking: NDArray[np.bool_] = words @ _vector(self.words) >= self.asked
        return asking

    def losses(self, along: NDArray[np.float32]) -> NDArray[np.float32]:
        """What photos lose [n] that lie so far along the direction [n]."""
        return ((along - self.cut).clip(min=0) * self.weight).astype(along.dtype)


def vector_text(vector: NDArray[np.float32]) -> str:
    """A vector as a manifest holds it."""
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")


def parse_blankness(data: dict[str, Any], dim: int) -> Blankness:
    """What a manifest holds of it; a surplus key is ignored.

    Raises:
        KeyError: a field is missing.
        ValueError: a number is none or out of its range, or a vector is no text of `dim` finite numbers.
    """
    for name in ("direction", "words"):
        require(f"blankness.{name}", data[name], fits=_is_vector(data[name], dim))
    for name, least, most in (
        ("cut", -_FARTHEST, _FARTHEST),
        ("weight", 0, 1),
        ("asked", -_FARTHEST, _FARTHEST),
    ):
        fits = is_number(data[name]) and least <= data[name] <= most
        require(f"blankness.{name}", data[name], fits=fits)
    return Blankness(**{each.name: data[each.name] for each in fields(Blankness)})


def _is_vector(text: object, dim: int) -> bool:
    if not isinstance(text, str):
        return False
    content = base64.b64decode(text, validate=True)
    return len(content) == dim * _BYTES and all(map(math.isfinite, struct.unpack(f"<{dim}e", content)))


@cache
def _vector(text: str) -> NDArray[np.float32]:
    import numpy as np  # 60 ms that a list of models does not pay

    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
