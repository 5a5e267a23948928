"""From what a tag is and what was decided to what it has learnt, and from that to the photos that it suggests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.models.commonness import commonness
from picsight_engine.tags.fit import fit, prior, unusual
from picsight_engine.tags.scores import scores_of
from picsight_engine.vectors.matrix import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from picsight_engine.models.calibration import Calibration
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
        self._background = rows.originals[sample[rows.ids[sample] > 0]].astype(np.float32)

    def learnt(self, material: Material) -> Linear:
        """What a tag has learnt from its words and photos."""
        before = prior(material.words, self._cut(material.prompts, material.words))
        return fit(before, self._vectors(material.alike), self._vectors(material.unlike), self._background)

    def scores(self, linear: Linear) -> NDArray[np.float32]:
        """How likely each row [n] belongs to the tag that has learnt this, 0 to 1."""
        return scores_of(self.rows, linear)

    def reaching(
        self, linears: Iterable[Linear], thresholds: Iterable[float], since: Sequence[int] | None = None
    ) -> Iterator[Reached]:
        """For each tag the photos [p] that score so high, and their scores [p], also of those that cannot be seen just now.

        `since` are the photos that came last, where no others are looked at.
        """
        rows = self.rows if since is None else self._rows_since(since)
        for linear, threshold in zip(linears, thresholds, strict=True):
            scores = scores_of(rows, linear)
            high = (scores >= threshold) & (rows.ids > 0)
            yield rows.ids[high], scores[high]

    def scores_for(self, linear: Linear, photo_ids: Iterable[int]) -> dict[int, float]:
        """The scores of those of these photos that were read by this model."""
        rows = self._rows_of(photo_ids)
        chosen = self.rows
        some = Rows(chosen.ids[rows], chosen.scales[rows], chosen.codes[rows], chosen.originals[rows], None)
        return dict(zip(some.ids.tolist(), scores_of(some, linear).tolist(), strict=True))

    def _rows_since(self, photo_ids: Sequence[int]) -> Rows:
        """The rows from the first of these photos on."""
        places, all_ = self._rows_of(photo_ids), self.rows
        kept = slice(int(places.min()) if len(places) else len(all_.ids), None)
        return Rows(all_.ids[kept], all_.scales[kept], all_.codes[kept], all_.originals[kept], None)

    def _cut(self, prompts: Sequence[str], words: Vector) -> float:
        """The cosine at which a photo belongs to the tag as likely as not."""
        if not len(words):
            return 0.0
        if self._calibration is None:
            return unusual(self._background @ words.mean(axis=0) / np.linalg.norm(words.mean(axis=0)))
        common = max(commonness(prompt) for prompt in prompts)
        return self._calibration.possible + self._calibration.rise(max(self.rows.photos, 1), common)

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
