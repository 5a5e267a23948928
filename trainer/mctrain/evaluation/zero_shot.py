"""Zero-shot classification: which class name is nearest to a photo that was never labelled for the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.evaluation.outcome import Outcome
from mctrain.evaluation.retrieval import ranks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

FEW = 5  # classes of which the first five say nothing


def class_vectors(
    texts: Callable[[Sequence[str]], Vectors], names: Sequence[str], templates: Sequence[str]
) -> Vectors:
    """Unit vectors [classes, dim]: each name in every template, averaged; `texts` embeds."""
    phrases = [template.replace("{}", name) for name in names for template in templates]
    vectors = texts(phrases).reshape(len(names), len(templates), -1).mean(1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def classification(
    photos: Vectors, classes: Vectors, names: Sequence[str], labels: NDArray[np.int64]
) -> list[Outcome]:
    """Accuracy of photos [n, dim] with their `labels` [n]: of the first guess, of five, and the first one's mean over classes.

    Of two classes with one name either is right. The mean per class is left out where no class has two photos.
    """
    rows = np.arange(len(photos))
    number = np.unique(np.array(names), return_inverse=True)[1]  # equal for equal names
    found = ranks(photos, classes, lambda block: number[labels[block], None] == number)
    outcomes = [Outcome.plain("top-1", found < 1, rows)]
    if len(names) > FEW:
        outcomes.append(Outcome.plain("top-5", found < 5, rows))
    present, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(present) > 1 and sizes.max() > 1:
        outcomes.append(Outcome("mean per class", found < 1, rows, group, within=True))
    return outcomes
