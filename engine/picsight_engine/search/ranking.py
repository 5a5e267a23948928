"""Ranks the photos that pass the filters, and judges how well the best of them match."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.calibration import Match
from picsight_engine.search.answer import TermScore
from picsight_engine.vectors.int8 import best_dots, quantize
from picsight_engine.vectors.scan import best_rows, scan, term_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from picsight_engine.bundles.calibration import Blankness
    from picsight_engine.search.answer import FoundBy, Least
    from picsight_engine.search.directions import Target
    from picsight_engine.vectors.matrix import Rows


Judge = Callable[[Sequence[float]], list[Match]]  # gets the highest scores of a scope, in any order

KEPT: dict[Least, frozenset[Match | None]] = {
    "strong": frozenset({"strong", None}),
    "weaker": frozenset({"strong", "weaker", None}),
    "all": frozenset({"strong", "weaker", "none", None}),
}
_FIRST_LOOK = 512  # photos; for most queries they include all matches
_TAIL = 64  # if none of the last photos looked at matches, nothing after them does
_WEIGHED = 128  # the first photos, among which the best evidence is looked for
_SAMPLED = 2048  # rows from which the spread of scores is estimated
_FEWEST_SAMPLED = 16  # too few rows give no estimate


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked photo; `match` is None without a calibration, `found_by` is None if nothing was compared.

    `part` is its whole or the part that has the score; None if no vector was compared.
    """

    id: int
    score: float = 0.0
    match: Match | None = None
    found_by: FoundBy | None = None
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """A snapshot of the vectors, and the rows to search (`allowed` [n], None for all visible ones)."""

    rows: Rows
    allowed: NDArray[np.bool_] | None

    @classmethod
    def from_rows(cls, rows: Rows, passing: NDArray[np.int64] | None) -> Scope:
        """The rows of the photos that pass, None for all."""
        return cls(rows, None if passing is None else np.isin(rows.ids, passing))

    @property
    def photos(self) -> int:
        """How many photos are searched."""
        return self.rows.count(self.allowed, wholes=True)

    @property
    def pictures(self) -> int:
        """How many pictures are compared: the photos and their parts, each one more chance to score high by accident."""
        return self.rows.count(self.allowed)

    def without(self, photo_ids: Sequence[int]) -> Scope:
        """The scope without these photos."""
        if not photo_ids:
            return self
        others = ~np.isin(self.rows.ids, np.asarray(photo_ids))
        return Scope(self.rows, others if self.allowed is None else self.allowed & others)

    def spread(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The standard deviation [m] of the cosines of the library's photos with each of these vectors [m, dim]."""
        sample = self._sample()
        if len(sample) < _FEWEST_SAMPLED:
            return np.ones(len(vectors), np.float32)
        spread: NDArray[np.float32] = (sample @ vectors.T).std(axis=0)
        return np.maximum(spread, np.float32(1e-3))

    def average(self, vector: NDArray[np.float32]) -> float:
        """The mean cosine of the library's photos with this vector [dim]."""
        return float((self._sample() @ vector).mean())

    def _sample(self) -> NDArray[np.float32]:
        step = max(1, len(self.rows.ids) // _SAMPLED)
        return self.rows.originals[::step].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Bound:
    """A photo matches a direction (its row) strongly only if its product with `vector` [dim] is at least `least`."""

    direction: int
    vector: NDArray[np.float32]
    least: float


@dataclass(frozen=True, slots=True)
class MatchThresholds:
    """How photos are judged: `judge` maps their scores by the best of the directions [m, dim], minus `losses` [n], to matches.

    Rows that are not in `strong` [n], None for all, match weakly at most, and so do those that score high only by directions
    of which they miss a bound.
    """

    judge: Judge
    directions: NDArray[np.float32]
    losses: NDArray[np.float32] | None = None
    strong: NDArray[np.bool_] | None = None
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranks the photos of a scope by the best of the directions [m, dim].

    `judging` is None without a calibration. `losses` [n] are subtracted from the scores of rows, None if there are none.
    """

    scope: Scope
    directions: NDArray[np.float32]
    judging: MatchThresholds | None
    losses: NDArray[np.float32] | None = None

    def best(self, number: int) -> list[Hit]:
        """The `number` best photos and some more, best first; of these, the later ones may match better."""
        return self._judged(number) if number > 0 else []

    def matching(self, least: Least, number: int) -> list[Hit]:
        """Every photo that matches at least as well as `least`; without a calibration, the `number` best."""
        if self.judging is None or least == "all":
            return sorted(self.best(number), key=lambda photo: photo.match != "strong")[: max(number, 0)]
        looked = _FIRST_LOOK
        while True:
            judged = self._judged(looked)
            if len(judged) < looked or not any(photo.match in KEPT[least] for photo in judged[-_TAIL:]):
                return [photo for photo in judged if photo.match in KEPT[least]]
            looked *= 4

    def by_name(self, photo_ids: Sequence[int]) -> list[Hit]:
        """Photos found by the names of their files, with their scores."""
        if not photo_ids:
            return []
        match: Match | None = None if self.judging is None else "strong"
        scores, parts = self._scores(self._places(np.asarray(photo_ids, np.int64)))
        return [
            Hit(photo_id, score, match, "name", part)
            for photo_id, score, part in zip(photo_ids, scores, parts, strict=True)
        ]

    def by_words(self, photo_ids: NDArray[np.int64], number: int, found_by: FoundBy) -> list[Hit]:
        """The best of the photos found by a word, in a name or in the picture, each judged by its score."""
        if not len(photo_ids):
            return []
        places = self._places(photo_ids)
        scores, parts = self._scores(places)
        order = np.argsort(-np.array(scores), kind="stable")[:number]
        first = self._first(_WEIGHED)[2]
        matches = self._matches(np.concatenate([first, places[order]]))[len(first) :]
        return [
            Hit(int(photo_ids[row]), scores[row], match, found_by, parts[row])
            for row, match in zip(order.tolist(), matches, strict=True)
        ]

    def _judged(self, number: int) -> list[Hit]:
        ids, scores, places = self._first(max(number, _WEIGHED))
        parts, matches = self.scope.rows.parts_at(places), self._matches(places)
        found = zip(ids.tolist(), scores.tolist(), matches, parts, strict=True)
        return [
            Hit(photo_id, score, match, "meaning", part)
            for row, (photo_id, score, match, part) in enumerate(found)
            if row < number or match == "strong"  # the others were weighed only
        ]

    def _first(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.intp]]:
        return scan(self.scope.rows, self.directions, number, self.scope.allowed, self.losses)

    def _places(self, photo_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        return best_rows(self.scope.rows, self.directions, photo_ids, self.losses)

    def _scores(self, places: NDArray[np.intp]) -> tuple[list[float], list[int | None]]:
        """The score of the photo in each row, 0 for one without a vector, and the part that has it."""
        scores = np.nan_to_num(term_scores(self.scope.rows, self.directions, places).max(axis=1))
        parts = self.scope.rows.parts_at(places)
        return scores.tolist(), [
            part if place >= 0 else None for place, part in zip(places, parts, strict=True)
        ]

    def _matches(self, places: NDArray[np.intp]) -> list[Match | None]:
        """The match of the photo in each row."""
        judging = self.judging
        if judging is None:
            return [None] * len(places)
        scores = np.nan_to_num(term_scores(self.scope.rows, judging.directions, places))  # [p, m]
        if judging.losses is not None:
            scores -= judging.losses[places, np.newaxis]
        best = scores.max(axis=1, initial=-1)
        matches: list[Match | None] = [*judging.judge(best.tolist())]
        strong = np.array([row for row, match in enumerate(matches) if match == "strong"], np.intp)
        if len(strong):
            may_be = self._may_be_strong(judging, places[strong], scores[strong] >= best[strong].min())
            for row in strong[~may_be].tolist():
                matches[row] = "weaker"
        return matches

    def _may_be_strong(
        self, judging: MatchThresholds, places: NDArray[np.intp], high: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Which of these rows keep within the bounds; `high` [p, m] are the directions by which they score high enough."""
        if bounds := judging.bounds:
            vectors = np.stack([bound.vector for bound in bounds])
            products = term_scores(self.scope.rows, vectors, places)
            for column, bound in enumerate(bounds):
                high[:, bound.direction] &= products[:, column] >= np.float32(bound.least)
        if judging.strong is not None:
            high &= judging.strong[places, np.newaxis]
        return np.asarray(high.any(axis=1))


def in_order(
    by_name: Sequence[Hit], ranked: Sequence[Hit], by_words: Sequence[Hit], least: Least
) -> list[Hit]:
    """Photos named like the query first, then strong matches, then photos found by a word, then other matches."""
    strong = (hit for hit in ranked if hit.match == "strong")
    others = (hit for hit in ranked if hit.match in KEPT[least])
    placed: dict[int, Hit] = {}
    for hit in (*by_name, *strong, *by_words, *others):
        placed.setdefault(hit.id, hit)
    return [*placed.values()]


def explain(ranking: Ranking, target: Target, photo_ids: Sequence[int]) -> dict[int, tuple[TermScore, ...]]:
    """The similarity of photos, or of their best parts, to each part of a query; no entry for a photo without a vector."""
    parts = target.named()
    vectors = np.stack([part.judging for part in parts])
    places = best_rows(
        ranking.scope.rows, ranking.directions, np.asarray(photo_ids, np.int64), ranking.losses
    )
    scores = term_scores(ranking.scope.rows, vectors, places)
    return {
        photo_id: tuple(TermScore(part.text, float(score)) for part, score in zip(parts, row, strict=True))
        for photo_id, row in zip(photo_ids, scores, strict=True)
        if not np.isnan(row).any()
    }


def find_losses(rows: Rows, blankness: Blankness) -> NDArray[np.float32] | None:
    """The losses [n] subtracted from the scores of rows, at 8-bit precision; None if there are none."""
    if not len(rows.ids):
        return None
    codes, scales = quantize(blankness.axis()[np.newaxis])
    losses = blankness.losses(best_dots(rows.codes, codes, scales) * rows.scales)
    return losses if losses.any() else None
