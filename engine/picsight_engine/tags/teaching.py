"""From what a tag is and what was decided to what it has learnt, and from that to the photos that it suggests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.commonness import commonness
from picsight_engine.tags.fit import Background, keeping, learnt, prior
from picsight_engine.tags.scores import chances, reaching, scores_of
from picsight_engine.tags.tree import USUAL_THRESHOLD
from picsight_engine.vectors.matrix import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.calibration import Calibration
    from picsight_engine.tags.fit import Linear

    Vector = NDArray[np.float32]
    Reached = tuple[NDArray[np.int64], NDArray[np.float32]]

_SAMPLED = 1024  # photos that stand for the library


@dataclass(frozen=True, slots=True)
class Material:
    """What a tag goes by: texts with their vectors [n, dim], and photos that are alike or not."""

    prompts: tuple[str, ...]
    words: NDArray[np.float32]
    alike: tuple[int, ...]
    unlike: tuple[int, ...]


class Lesson:
    """The photos of one moment, with which any number of tags are taught and scored."""

    def __init__(self, rows: Rows, calibration: Calibration | None) -> None:
        self.rows = rows
        self._calibration = calibration
        self._order = np.argsort(rows.ids, kind="stable")
        sample = np.arange(0, len(rows.ids), max(1, len(rows.ids) // _SAMPLED))
        seen = rows.originals[sample[rows.ids[sample] > 0]].astype(np.float32)
        self._background = Background.of(seen, rows.photos)

    def learnt(self, material: Material) -> Linear:
        """What a tag has learnt from its words and photos."""
        alike, unlike = self._vectors(material.alike), self._vectors(material.unlike)
        strong = self._strong(material.prompts)
        line = learnt(material.words, alike, unlike, self._background, strong)
        if not len(material.words) or not len(alike) + len(unlike):
            return line
        found, _ = next(self.reaching([prior(material.words, self._background, strong)], [USUAL_THRESHOLD]))
        undecided = np.setdiff1d(found, [*material.alike, *material.unlike])
        return keeping(line, self._vectors(undecided), len(alike))

    def scores(self, linear: Linear, threshold: float) -> NDArray[np.float32]:
        """How likely each row [n] belongs to the tag that has learnt this, 0 to 1; exact at the threshold."""
        return scores_of(self.rows, linear, threshold)

    def reaching(
        self, linears: Sequence[Linear], thresholds: Sequence[float], since: Sequence[int] | None = None
    ) -> Iterator[Reached]:
        """For each tag the photos [p] that score so high, and their scores [p], also of those that cannot be seen just now.

        `since` are the photos that came last, where no others are looked at.
        """
        rows = self.rows if since is None else self._rows_since(since)
        for places, scores in reaching(rows, linears, thresholds):
            there = rows.ids[places] > 0
            yield rows.ids[places[there]], scores[there]

    def scores_for(self, linear: Linear, photo_ids: Iterable[int]) -> dict[int, float]:
        """The scores of those of these photos that were read by this model."""
        rows = self._rows_of(photo_ids)
        scores = chances(linear.logits(self.rows.originals[rows]))
        return dict(zip(self.rows.ids[rows].tolist(), scores.tolist(), strict=True))

    def _rows_since(self, photo_ids: Sequence[int]) -> Rows:
        """The rows from the first of these photos on."""
        places, all_ = self._rows_of(photo_ids), self.rows
        kept = slice(int(places.min()) if len(places) else len(all_.ids), None)
        return Rows(all_.ids[kept], all_.scales[kept], all_.codes[kept], all_.originals[kept], None)

    def _strong(self, prompts: tuple[str, ...]) -> float:
        """The cosine from which photos match these prompts strongly; infinite where nothing tells."""
        if self._calibration is None or not prompts:
            return math.inf
        tries = max(self.rows.photos * len(prompts), 1)
        return self._calibration.strong + self._calibration.rise(tries, max(map(commonness, prompts)))

    def _vectors(self, photo_ids: Iterable[int]) -> Vector:
        vectors: Vector = self.rows.originals[self._rows_of(photo_ids)].astype(np.float32)
        return vectors

    def _rows_of(self, photo_ids: Iterable[int]) -> NDArray[np.intp]:
        """Where those of these photos stand that were read by this model."""
        wanted = np.fromiter(photo_ids, np.int64)
        if not len(self._order):
            return np.empty(0, np.intp)
        places = np.searchsorted(self.rows.ids, wanted, sorter=self._order).clip(max=len(self._order) - 1)
        rows = self._order[places]
        known: NDArray[np.intp] = rows[self.rows.ids[rows] == wanted]
        return known
