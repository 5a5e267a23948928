"""Zero-shot classification: which class name is nearest to a photo that was never labelled for the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.tokens.templates import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mctrain.evaluation.subject import Subject


def class_vectors(subject: Subject, names: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors [classes, dim]: each name in the seven templates, averaged."""
    texts = [template.replace("{}", name) for name in names for template in TEMPLATES]
    vectors = subject.texts(texts).reshape(len(names), len(TEMPLATES), -1).mean(1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def right_answers(
    photos: NDArray[np.float32], classes: NDArray[np.float32], names: Sequence[str], labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of the photos [n, dim] are given their class's name; of two classes with one name either is right."""
    guesses = (photos @ classes.T).argmax(1)
    pairs = zip(guesses, labels, strict=True)
    return np.array([names[guess] == names[label] for guess, label in pairs], np.bool_)
