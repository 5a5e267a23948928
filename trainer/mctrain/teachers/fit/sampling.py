"""What a step sees: which photos, which view of each, which texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mctrain.recipes.fit import TrainingTable
    from mctrain.teachers.fit.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Batch:
    """Row numbers of the corpus: photos and views [n], texts [slots, n], one prompt for each class [classes], contrasts [m] of the texts."""

    photos: NDArray[np.int64]
    views: NDArray[np.int64]
    texts: NDArray[np.int64]
    prompts: NDArray[np.int64]
    contrasts: NDArray[np.int64]


def batches(corpus: Corpus, rows: NDArray[np.int64], table: TrainingTable, epoch: int) -> Iterator[Batch]:
    """One pass over photos, given by their rows, in an order that depends on seed and epoch alone; the rest of a pass is left out."""
    draw = np.random.default_rng([table.seed, epoch])
    order = draw.permutation(rows)
    for start in range(0, len(order) - table.batch + 1, table.batch):
        photos = order[start : start + table.batch]
        views = draw.integers(0, corpus.features.shape[0], len(photos))
        texts = np.stack(
            [draw_texts(corpus, photos, table.queries, draw) for _ in range(table.texts_a_photo)]
        )
        classes = np.arange(len(corpus.prompts.starts) - 1)
        prompts = corpus.prompts.draw(classes, draw.random(len(classes)))
        yield Batch(photos, views, texts, prompts, contrasts_of(corpus, texts))


def contrasts_of(corpus: Corpus, texts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The contrasts [m] of the texts that have one, each once."""
    found = corpus.contrasts.draw(texts.reshape(-1), np.zeros(texts.size))
    return np.unique(found[found >= 0])


def steps_of_epoch(rows: NDArray[np.int64], table: TrainingTable) -> int:
    """How many batches one pass has."""
    return len(rows) // table.batch


def draw_texts(
    corpus: Corpus, photos: NDArray[np.int64], queries: float, draw: np.random.Generator
) -> NDArray[np.int64]:
    """One text for each photo: a short one with the chance `queries`, and whichever kind it has where it has but one."""
    captions = corpus.captions.draw(photos, draw.random(len(photos)))
    short = corpus.queries.draw(photos, draw.random(len(photos)))
    wants_short = draw.random(len(photos)) < queries
    return np.where((wants_short & (short >= 0)) | (captions < 0), short, captions)
