"""What scores mean: whether a library answers a query, and how well each of its photos matches it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from picsight_engine.models.fields import is_number, require

if TYPE_CHECKING:
    from collections.abc import Sequence

Match = Literal["strong", "weaker", "none"]

BEST = 5  # scores whose mean says that a library holds several right photos
_PHOTOS = 1_000  # the library that the cuts are stated for
_SHORT = 3  # words up to which templates help: absent against present things AUC 0.940 with, 0.893 without


def is_sentence(text: str) -> bool:
    """Whether a search is too long for templates; then it is embedded as typed."""
    return len(text.split()) > _SHORT


@dataclass(frozen=True, slots=True)
class Calibration:
    """The cuts of one pair of towers, for a library of a thousand photos.

    The evidence for a query is the mean of its best five scores, or its best score less `gap` where that is more: a
    library may hold one right photo alone. From `answered` on there is an answer, and photos from `strong` on are strong.
    From `weaker` on a photo may be right, whether or not there is an answer.

    The best of many wrong photos scores higher than the best of few: every cut rises by `growth` times the logarithm of
    the library's size. They rise by `sentence` for a search of many words, which says more, so that wrong photos too have
    more in common with it.
    """

    answered: float
    strong: float
    weaker: float
    gap: float
    growth: float
    sentence: float

    def evidence(self, best: Sequence[float]) -> float:
        """How much speaks for an answer; `best` are the highest scores of the library, at least five or all, best first."""
        first = best[:BEST]
        return max(first[0] - self.gap, sum(first) / len(first))

    def rise(self, photos: int, *, sentence: bool) -> float:
        """What is added to every cut in a library of so many photos."""
        return self.growth * math.log(photos / _PHOTOS) + self.sentence * sentence

    def matches(self, best: Sequence[float], photos: int, *, sentence: bool) -> list[Match]:
        """How well each of the best scores of a library of `photos` matches; at least five scores or all, best first."""
        if not best:
            return []
        rise = self.rise(photos, sentence=sentence)
        is_answered = self.evidence(best) >= self.answered + rise
        return [self._match(score - rise, is_answered=is_answered) for score in best]

    def _match(self, score: float, *, is_answered: bool) -> Match:
        if is_answered and score >= self.strong:
            return "strong"
        return "weaker" if score >= self.weaker else "none"


def parse_calibration(data: dict[str, Any]) -> Calibration:
    """The calibration that a manifest holds; a surplus key is ignored.

    Raises:
        KeyError: a number is missing.
        ValueError: one is no number, or no cosine; or the cuts are not in order, so that an answer might hold no strong photo.
    """
    numbers = {}
    for own in fields(Calibration):
        value = data[own.name]
        lowest = 0 if own.name in {"gap", "growth", "sentence"} else -1
        require(f"calibration.{own.name}", value, fits=is_number(value) and lowest <= value <= 1)
        numbers[own.name] = float(value)
    calibration = Calibration(**numbers)
    in_order = calibration.weaker <= calibration.strong <= calibration.answered
    require("calibration", data, fits=in_order)
    return calibration
