"""From what a tag is and what was decided to what it has learnt, and from that to the photos that it suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.models.commonness import commonness
from picsight_engine.tags.fit import fit, prior, unusual
from picsight_engine.tags.scores import scores_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from picsight_engine.models.calibration import Calibration
    from picsight_engine.tags.fit import Linear
    from picsight_engine.vectors.matrix import Rows

    Vector = NDArray[np.float32]

_SAMPLED = 1024  # photos that stand for the library


class Lesson:
    """The photos of one moment, with which any number of tags are taught and scored."""

    def __init__(self, rows: Rows, calibration: Calibration | None, embed: Callable[[str], Vector]) -> None:
        self._rows = rows
        self._calibration = calibration
        self._embed = embed
        self._order = np.argsort(rows.ids, kind="stable")
        sample = np.arange(0, len(rows.ids), max(1, len(rows.ids) // _SAMPLED))
        self._sample = sample[rows.ids[sample] > 0]

    def scores(
        self, prompts: Sequence[str], examples: Iterable[int], against: Iterable[int]
    ) -> NDArray[np.float32]:
        """How likely each row [n] belongs to a tag of these words and photos, 0 to 1.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
        """
        return scores_of(self._rows, self._learnt(prompts, examples, against))

    def reaching(self, scores: NDArray[np.float32], threshold: float) -> dict[int, float]:
        """The photos that score so high, also those that cannot be seen just now."""
        high = (scores >= threshold) & (self._rows.ids > 0)
        return dict(zip(self._rows.ids[high].tolist(), scores[high].tolist(), strict=True))

    def _learnt(self, prompts: Sequence[str], examples: Iterable[int], against: Iterable[int]) -> Linear:
        dim = self._rows.originals.shape[1]
        words = np.array([self._embed(prompt) for prompt in prompts], np.float32).reshape(len(prompts), dim)
        background = self._rows.originals[self._sample].astype(np.float32)
        before = prior(words, self._cut(prompts, words, background))
        return fit(before, self._vectors(examples), self._vectors(against), background)

    def _cut(self, prompts: Sequence[str], words: Vector, background: Vector) -> float:
        """The cosine at which a photo belongs to the tag as likely as not."""
        if not len(words):
            return 0.0
        if self._calibration is None:
            return unusual(background @ words.mean(axis=0) / np.linalg.norm(words.mean(axis=0)))
        common = max(commonness(prompt) for prompt in prompts)
        return self._calibration.possible + self._calibration.rise(max(self._rows.photos, 1), common)

    def _vectors(self, photo_ids: Iterable[int]) -> Vector:
        """The vectors of those of these photos that were read by this model."""
        wanted = np.fromiter(photo_ids, np.int64)
        places = np.searchsorted(self._rows.ids, wanted, sorter=self._order).clip(
            max=max(len(self._order) - 1, 0)
        )
        if not len(self._order):
            return np.empty((0, self._rows.originals.shape[1]), np.float32)
        rows = self._order[places]
        vectors: Vector = self._rows.originals[rows[self._rows.ids[rows] == wanted]].astype(np.float32)
        return vectors
