"""Measures suggestions by words alone, with and without a bundle's calibration: common search terms, on everyday photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from report import table

from mctrain.evaluation.search_terms import ABSENT, SHOWN
from picsight_engine.tags.fit import Background, prior

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.calibration import Calibration

SIZES = (200, 1_000)  # photos of smaller libraries, drawn from all; and all


@dataclass(frozen=True, slots=True)
class TermTrials:
    """Search terms, and which photos show them."""

    vectors: NDArray[np.float32]  # [photos, dim]
    words: NDArray[np.float32]  # [terms, dim]
    common: Sequence[float]  # [terms]
    shown: NDArray[np.int8]  # [terms, photos]: SHOWN, ABSENT or doubtful


@dataclass(frozen=True, slots=True)
class Suggested:
    """The numbers of photos that show a term, that are suggested, and of these, that show it and that do not."""

    shown: int
    suggested: int
    right: int
    wrong: int


def thresholds_table(item: TermTrials, calibration: Calibration) -> str:
    """Mean precision and recall over the terms that the library shows, and the number of suggestions."""
    rows = []
    for size in (*SIZES, len(item.vectors)):
        photos = np.sort(np.random.default_rng(0).permutation(len(item.vectors))[:size])
        for name, known in (("calibrated", calibration), ("not calibrated", None)):
            found = list(_suggested(item, photos, known))
            there, absent = [each for each in found if each.shown], [each for each in found if not each.shown]
            numbers = sorted(each.suggested for each in there)
            judged = [each for each in there if each.right + each.wrong]
            rows.append(
                [
                    f"{size:,}",
                    name,
                    f"{len(there)}",
                    f"{np.mean([each.right / (each.right + each.wrong) for each in judged]):.2f}",
                    f"{np.mean([each.right / each.shown for each in there]):.2f}",
                    f"{numbers[len(numbers) // 2]} ({numbers[0]} to {numbers[-1]})",
                    f"{np.mean([each.suggested for each in absent]):.1f}",
                ]
            )
    headings = ["photos", "bundle", "things shown", "precision", "recall", "suggested", "for what is absent"]
    return table(headings, rows)


def _suggested(
    item: TermTrials, photos: NDArray[np.int64], calibration: Calibration | None
) -> Iterator[Suggested]:
    vectors = item.vectors[photos]
    background = Background.from_vectors(vectors, len(vectors))
    for words, common, shown in zip(item.words, item.common, item.shown[:, photos], strict=True):
        strong = (
            np.inf if calibration is None else calibration.strong_cosine(len(photos), common, vectors.mean(0))
        )
        high = prior(words[np.newaxis], background, strong).logits(vectors) >= 0
        right, wrong = high & (shown == SHOWN), high & (shown == ABSENT)
        yield Suggested(*(int(np.sum(each)) for each in (shown == SHOWN, high, right, wrong)))
