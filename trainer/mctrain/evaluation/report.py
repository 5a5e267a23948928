"""Measures a subject on shards and tells the figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.data.classes import class_names
from mctrain.data.everyday import EVERYDAY
from mctrain.data.shards import samples
from mctrain.errors import DataError
from mctrain.evaluation.everyday import right_photos
from mctrain.evaluation.retrieval import Recall, recall_of_any, retrieval
from mctrain.evaluation.zero_shot import class_vectors, right_answers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mctrain.evaluation.subject import Subject

# which list of classnames.json the labels of a shard point into, by the beginning of its name
_CLASS_LISTS = {"imagenet-sample": "imagenet", "caltech101-eval": "caltech101"}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one shard says about a subject: recalls where it has captions or queries, accuracy where it has labels; percent.

    `first_half` and `second_half` are the accuracies of the photos at even and odd places: settings were chosen on the
    first, so the second is the honest one.
    """

    shard: str
    photos: int
    texts: int
    text_to_image: Recall | None = None
    image_to_text: Recall | None = None
    top_1: float | None = None
    first_half: float | None = None
    second_half: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without what does not apply."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def sentence(self) -> str:
        """For a terminal."""
        head = f"{self.shard}: {self.photos} photos, {self.texts} texts"
        ways = (("text to image", self.text_to_image), ("image to text", self.image_to_text))
        recalls = [f"{way} {own.at_1} / {own.at_5} / {own.at_10}" for way, own in ways if own]
        if recalls:
            return f"{head}; recall at 1 / 5 / 10: {', '.join(recalls)}"
        return f"{head}; top-1 {self.top_1} (even places {self.first_half}, odd places {self.second_half})"


def measure(subject: Subject, shard: Path, data: Path) -> Figures:
    """The figures of one shard.

    Raises:
        DataError: the shard is unreadable, or has neither captions nor labels of a known list.
    """
    words = [sample.words for sample in samples(shard)]
    if shard.name.startswith(EVERYDAY):
        return _measure_searches(subject, shard, [own["queries"] for own in words])
    if all(own.get("captions") for own in words):
        return _measure_retrieval(subject, shard, [own["captions"] for own in words])
    for beginning, kind in _CLASS_LISTS.items():
        if shard.name.startswith(beginning):
            labels = np.array([own["class_index"] for own in words], np.int64)
            return _measure_zero_shot(subject, shard, class_names(data, kind), labels)
    raise DataError(
        f"{shard} has photos without captions and no known list of class names; it measures nothing."
    )


def _measure_retrieval(subject: Subject, shard: Path, captions: Sequence[Sequence[str]]) -> Figures:
    owner = np.repeat(np.arange(len(captions)), [len(own) for own in captions])
    texts = [text for own in captions for text in own]
    forth, back = retrieval(subject.photos(shard), subject.texts(texts), owner)
    return Figures(shard.name, len(captions), len(texts), text_to_image=forth, image_to_text=back)


def _measure_searches(subject: Subject, shard: Path, queries: Sequence[Sequence[str]]) -> Figures:
    texts = [text for own in queries for text in own]
    found = recall_of_any(subject.photos(shard), subject.texts(texts), right_photos(queries))
    return Figures(shard.name, len(queries), len(texts), text_to_image=found)


def _measure_zero_shot(
    subject: Subject, shard: Path, names: list[str], labels: np.ndarray[Any, Any]
) -> Figures:
    classes = class_vectors(subject, names)
    right = right_answers(subject.photos(shard), classes, names, labels)
    shares = [round(100 * float(part.mean()), 2) for part in (right, right[::2], right[1::2])]
    return Figures(shard.name, len(labels), len(names), None, None, *shares)
