"""Interprets scores: whether a library answers a query, how well each photo matches, and which photos are blank."""

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
BEST = 5  # the number of best scores whose mean is the evidence for several right photos
TURN = 1_000  # photos in the library to which the thresholds apply, and at which their growth changes


@dataclass(frozen=True, slots=True)
class Calibration:
    """The thresholds of one pair of towers, for a library of a thousand photos.

    The evidence for a query is the mean of its best five scores, or its best score minus `gap` if that is higher, because
    a library may hold only one right photo. From `answered` on there is an answer, and photos from `strong` on are strong
    matches. From `possible` on there may be one, and photos at most `span` below the best are weaker matches.

    The best of many wrong photos scores higher than the best of few, so every threshold rises with the logarithm of the
    library's size: by `growth_below` up to a thousand photos, by `growth` beyond. It falls by `common` times the
    commonness of the query, which is 0 for a subject that one of a thousand photos shows.

    Before they are judged, the vectors of words lose `centre`, the mean vector of many searches (float16 in base64, "" for
    none): a photo that is near to everything is near to nothing in particular.

    If a search names a colour, a photo loses `colour` times minus the log probability that it shows it.
    """

    answered: float
    strong: float
    possible: float
    gap: float
    span: float
    growth: float
    growth_below: float
    common: float
    colour: float = 0.0
    centre: str = ""

    def centred(self, words: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vector [dim] that judges photos for words with this unit vector."""
        return words - _vector(self.centre) if self.centre else words

    def strong_cosine(self, photos: int, commonness: float, average: NDArray[np.float32]) -> float:
        """The plain cosine from which photos match words strongly, in a library whose mean vector is `average` [dim]."""
        common = float(average @ _vector(self.centre)) if self.centre else 0.0
        return self.strong + self.rise(photos, commonness) + common

    def evidence(self, best: Sequence[float]) -> float:
        """The evidence for an answer; `best` are the library's highest scores, at least five or all."""
        first = sorted(best, reverse=True)[:BEST]
        return max(first[0] - self.gap, sum(first) / len(first))

    def rise(self, photos: int, commonness: float) -> float:
        """The rise of every threshold for a library of `photos` and a subject of this commonness."""
        folds = math.log(photos / TURN)
        return folds * (self.growth_below if folds < 0 else self.growth) - self.common * commonness

    def matches(self, best: Sequence[float], photos: int, commonness: float) -> list[Match]:
        """The match of each of the best scores in a library of `photos`; at least five scores or all, in any order."""
        if not best:
            return []
        rise, evidence = self.rise(photos, commonness), self.evidence(best)
        strong = self.strong + rise if evidence >= self.answered + rise else math.inf
        weaker = max(best) - self.span if evidence >= self.possible + rise else math.inf
        return _matches(best, strong, weaker)


@dataclass(frozen=True, slots=True)
class Likeness:
    """The cosines from which one photo is like another: strongly, or weakly."""

    strong: float
    weaker: float

    def matches(self, scores: Sequence[float]) -> list[Match]:
        """The match of each score."""
        return _matches(scores, self.strong, self.weaker)


def _matches(scores: Sequence[float], strong: float, weaker: float) -> list[Match]:
    return ["strong" if score >= strong else "weaker" if score >= weaker else "none" for score in scores]


def parse_likeness(data: dict[str, Any]) -> Likeness:
    """Parses the likeness in a manifest; ignores unknown keys.

    Raises:
        KeyError: a number is missing.
        ValueError: one is not a cosine, or they are not in order.
    """
    cuts = (data["strong"], data["weaker"])
    require("likeness", data, fits=all(map(is_number, cuts)) and -1 <= cuts[1] <= cuts[0] <= 1)
    return Likeness(*map(float, cuts))


def parse_calibration(data: dict[str, Any], dim: int) -> Calibration:
    """Parses the calibration in a manifest; ignores unknown keys.

    Raises:
        KeyError: a number is missing.
        ValueError: one is not a number or cosine, the thresholds are not in order, or the centre is not a vector.
    """
    require("calibration", data, fits=isinstance(data, dict))
    numbers = {}
    centre = data.get("centre", "")
    require("calibration.centre", centre, fits=centre == "" or _is_vector(centre, dim))
    for each in fields(Calibration)[:-1]:
        value = data.get(each.name, 0) if each.name == "colour" else data[each.name]
        lowest = -1 if each.name in {"answered", "strong", "possible"} else 0
        require(f"calibration.{each.name}", value, fits=is_number(value) and lowest <= value <= 1)
        numbers[each.name] = float(value)
    calibration = Calibration(**numbers, centre=centre)
    in_order = max(calibration.possible, calibration.strong) <= calibration.answered
    require("calibration", data, fits=in_order)
    return calibration


@dataclass(frozen=True, slots=True)
class Blankness:
    """Separates blank (flat, smeared or covered) pictures from photos in one space; its vectors [dim] are float16 in base64.

    The product of a photo's vector and `direction`, as far as it exceeds `cut`, costs `weight` times as much score. It costs
    nothing if the words ask for such pictures: if the product of their vector and `words` reaches `asked`.
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
        """Which unit vectors [m, dim] of words ask for blank pictures."""
        asking: NDArray[np.bool_] = words @ _vector(self.words) >= self.asked
        return asking

    def losses(self, along: NDArray[np.float32]) -> NDArray[np.float32]:
        """The losses [n] of photos with these products with the direction [n]."""
        return ((along - self.cut).clip(min=0) * self.weight).astype(along.dtype)


def vector_text(vector: NDArray[np.float32]) -> str:
    """A vector as base64 for a manifest."""
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")


def parse_blankness(data: dict[str, Any], dim: int) -> Blankness:
    """Parses the blankness in a manifest; ignores unknown keys.

    Raises:
        KeyError: a field is missing.
        ValueError: a number is invalid or out of range, or a vector is not a text of `dim` finite numbers.
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
    import numpy as np  # lazy: a list of models need not pay 60 ms

    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
