"""Interprets scores: whether a library answers a query, how well each photo matches, and which photos are blank."""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from picsight_engine.bundles.json_records import read_record, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Match = Literal["strong", "weaker", "none"]
Cosine = Annotated[float, (-1, 1)]
Share = Annotated[float, (0, 1)]
Along = Annotated[float, (-10, 10)]  # along a direction on which the two separated means are 1 apart

_BYTES = 2  # of a float16
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

    answered: Cosine
    strong: Cosine
    possible: Cosine
    gap: Share
    span: Share
    growth: Share
    growth_below: Share
    common: Share
    colour: Share = 0.0
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

    strong: Cosine
    weaker: Cosine

    def matches(self, scores: Sequence[float]) -> list[Match]:
        """The match of each score."""
        return _matches(scores, self.strong, self.weaker)


def _matches(scores: Sequence[float], strong: float, weaker: float) -> list[Match]:
    return ["strong" if score >= strong else "weaker" if score >= weaker else "none" for score in scores]


def parse_calibration(data: Any, dim: int) -> Calibration:
    """The calibration that JSON describes for vectors of `dim` numbers.

    Raises:
        KeyError: a number is missing.
        ValueError: one is not a number or cosine, the thresholds are not in order, or the centre is not a vector.
    """
    calibration = read_record(Calibration, data, "calibration")
    in_order = max(calibration.possible, calibration.strong) <= calibration.answered
    require("calibration", data, fits=in_order)
    if calibration.centre:
        require_vector("calibration.centre", calibration.centre, dim)
    return calibration


@dataclass(frozen=True, slots=True)
class Blankness:
    """Separates blank (flat, smeared or covered) pictures from photos in one space; its vectors [dim] are float16 in base64.

    The product of a photo's vector and `direction`, as far as it exceeds `cut`, costs `weight` times as much score. It costs
    nothing if the words ask for such pictures: if the product of their vector and `words` reaches `asked`.
    """

    direction: str
    cut: Along
    weight: Share
    words: str
    asked: Along

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


def require_vector(key: str, text: str, dim: int) -> None:
    """Raises a ValueError unless a text holds `dim` finite numbers."""
    content = base64.b64decode(text, validate=True)
    fits = len(content) == dim * _BYTES and all(map(math.isfinite, struct.unpack(f"<{dim}e", content)))
    require(key, text, fits=fits)


@cache
def _vector(text: str) -> NDArray[np.float32]:
    import numpy as np  # lazy: a list of models need not pay 60 ms

    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
