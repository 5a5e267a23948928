"""Trains tags and scores every photo from the stored vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.commonness import commonness
from picsight_engine.tags.fit import Background, keep_suggestions, prior, train
from picsight_engine.tags.tree import USUAL_THRESHOLD
from picsight_engine.vectors.int8 import best_dots, quantize, rounding_error
from picsight_engine.vectors.matrix import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.calibration import Calibration
    from picsight_engine.tags.fit import Linear

    Floats = NDArray[np.float32]
    Reached = tuple[NDArray[np.intp], Floats]  # positions of rows, and their scores
    ReachedPhotos = tuple[NDArray[np.int64], Floats]


_SIGMAS = 5.0  # 8-bit scores decide only beyond this many standard errors of rounding
_AT_ONCE = 8192  # rows: 17 MB of 512 numbers in float32
_MOST_EXACT = 4096  # the number of suggestions up to which all scores are exact


def scores_of(rows: Rows, linear: Linear, threshold: float = USUAL_THRESHOLD) -> Floats:
    """The probability, 0 to 1, that each row [n] belongs to a tag.

    Scores that may reach the threshold are exact; if thousands do, those far above it are not. All others have 8-bit
    precision.
    """
    logits, off = _rough(rows, linear)
    least = _logit(threshold)
    near = np.flatnonzero(logits >= least - off)
    if len(near) > _MOST_EXACT:
        near = near[logits[near] <= least + off]
    for start in range(0, len(near), _AT_ONCE):
        some = near[start : start + _AT_ONCE]
        logits[some] = linear.logits(rows.originals[some])
    return probabilities(logits)


def reaching(rows: Rows, linears: Sequence[Linear], thresholds: Sequence[float]) -> Iterator[Reached]:
    """For each tag in turn, the positions [p] that reach its threshold, and their scores as in `scores_of`."""
    for linear, threshold in zip(linears, thresholds, strict=True):
        scores = scores_of(rows, linear, threshold)
        high = np.flatnonzero(scores >= threshold)
        yield high, scores[high]


def probabilities(logits: NDArray[np.floating]) -> Floats:
    """Logits as probabilities."""
    return np.asarray(1 / (1 + np.exp(-logits.clip(-80, 80))), np.float32)


def best_of_each(rows: Rows, places: NDArray[np.intp], scores: Floats) -> ReachedPhotos:
    """The photos of these rows, each once with its best score."""
    ids = rows.ids[places]
    if rows.parts is None:
        return ids, scores
    order = np.argsort(-scores, kind="stable")
    photos, first = np.unique(ids[order], return_index=True)
    return photos, scores[order][first]


def _rough(rows: Rows, linear: Linear) -> tuple[Floats, float]:
    """The logits [n] at 8-bit precision, and the largest error of one."""
    length = max(float(np.linalg.norm(linear.weights, axis=1).max()), 1e-6)
    codes, scales = quantize((linear.weights / length).astype(np.float32))
    logits = np.empty(len(rows.ids), np.float32)
    for start in range(0, len(logits), _AT_ONCE):
        block = slice(start, start + _AT_ONCE)
        logits[block] = best_dots(rows.codes[block], codes, scales * np.float32(length)) * rows.scales[block]
    error = rounding_error(float(rows.scales.max(initial=0)), float(scales.max(initial=0)))
    return logits + np.float32(linear.bias), _SIGMAS * length * error


def _logit(probability: float) -> float:
    """The logit of a probability; in float32 all logits from 17 on give 1."""
    if probability <= 0:
        return -math.inf
    below_one = min(probability, 1 - 2.0**-25)
    return math.log(below_one / (1 - below_one))


_SAMPLED = 1024  # photos that represent the library
_TAUGHT = 4096  # accepted photos, or rejected ones, that represent all: a fit to them takes 0.5 s
_SCATTER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that products of different ids differ


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The training material of a tag: the readings of its prompts with their vectors [n, dim], and positive and negative photos.

    Photos `behind` others, as a RAW file behind its JPEG, neither teach nor count as undecided: one picture is one example.
    """

    prompts: tuple[str, ...]
    words: NDArray[np.float32]
    alike: tuple[int, ...]
    unlike: tuple[int, ...]
    behind: frozenset[int] = frozenset()


class TagScorer:
    """A snapshot of the photos, with which any number of tags are trained and scored."""

    def __init__(self, rows: Rows, calibration: Calibration | None) -> None:
        self.rows = rows
        self._calibration = calibration
        self._order = np.argsort(rows.ids, kind="stable")
        sample = np.arange(0, len(rows.ids), max(1, len(rows.ids) // _SAMPLED))
        self._seen = seen = rows.originals[sample[rows.ids[sample] > 0]].astype(np.float32)
        self._background = Background.from_vectors(seen, rows.photos)

    def train(self, training: TrainingSet) -> Linear:
        """The classifier of a tag from its words and photos."""
        alike, unlike = (self._vectors(_sampled(kind)) for kind in (training.alike, training.unlike))
        strong = self._strong(training.prompts)
        line = train(training.words, alike, unlike, self._background, strong)
        if not len(training.words) or not len(alike) + len(unlike):
            return line
        found, _ = next(self.reaching([prior(training.words, self._background, strong)], [USUAL_THRESHOLD]))
        undecided = np.setdiff1d(found, [*training.alike, *training.unlike, *training.behind])
        return keep_suggestions(line, self._vectors(undecided.tolist()), len(alike))

    def reaching(
        self, linears: Sequence[Linear], thresholds: Sequence[float], since: Sequence[int] | None = None
    ) -> Iterator[ReachedPhotos]:
        """For each tag the photos [p] that reach its threshold, and their scores [p]; includes hidden photos.

        A photo's score is the best of its whole and its parts. With `since`, the latest photos, no others are scored.
        """
        rows = self.rows if since is None else self._rows_since(since)
        for places, scores in reaching(rows, linears, thresholds):
            there = rows.ids[places] > 0
            yield best_of_each(rows, places[there], scores[there])

    def scores_for(self, linear: Linear, photo_ids: Iterable[int]) -> dict[int, float]:
        """The scores of these photos, without those that this model has not read."""
        places = np.flatnonzero(np.isin(self.rows.ids, np.fromiter(photo_ids, np.int64)))
        scores = probabilities(linear.logits(self.rows.originals[places]))
        photos, best = best_of_each(self.rows, places, scores)
        return dict(zip(photos.tolist(), best.tolist(), strict=True))

    def _rows_since(self, photo_ids: Sequence[int]) -> Rows:
        """The rows from the first of these photos onwards."""
        places, all_ = self._rows_of(photo_ids), self.rows
        kept = slice(int(places.min()) if len(places) else len(all_.ids), None)
        parts = None if all_.parts is None else all_.parts[kept]
        return Rows(
            all_.ids[kept], all_.scales[kept], all_.codes[kept], all_.originals[kept], None, parts=parts
        )

    def _strong(self, prompts: tuple[str, ...]) -> float:
        """The cosine from which photos match these prompts strongly; infinite without a calibration."""
        if self._calibration is None or not prompts or not len(self._seen):
            return math.inf
        tries = max(self.rows.count() * len(prompts), 1)
        common = max(map(commonness, prompts))
        return self._calibration.strong_cosine(tries, common, self._seen.mean(axis=0))

    def _vectors(self, photo_ids: Iterable[int]) -> Floats:
        vectors: Floats = self.rows.originals[self._rows_of(photo_ids)].astype(np.float32)
        return vectors

    def _rows_of(self, photo_ids: Iterable[int]) -> NDArray[np.intp]:
        """The rows of these photos' wholes, without those that this model has not read."""
        wanted = np.fromiter(photo_ids, np.int64)
        if not len(self._order):
            return np.empty(0, np.intp)
        places = np.searchsorted(self.rows.ids, wanted, sorter=self._order).clip(max=len(self._order) - 1)
        rows = self._order[places]
        known: NDArray[np.intp] = rows[self.rows.ids[rows] == wanted]
        return known


def _sampled(photo_ids: Sequence[int]) -> NDArray[np.int64]:
    """At most `_TAUGHT` of these photos; another decision changes at most one of them, so that the scores hardly move."""
    ids = np.array(photo_ids, np.int64)
    return ids[np.argsort(ids.astype(np.uint64) * _SCATTER, kind="stable")[:_TAUGHT]]
