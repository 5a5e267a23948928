"""Tasks that compare models with published ones: pairs of captions, word order, and those of DataComp."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from pydantic.dataclasses import dataclass

from mctrain.data.shard_names import find_shards
from mctrain.errors import DataError
from mctrain.evaluation.measure import captions_of, rows_of
from mctrain.evaluation.outcome import Answers, Outcome
from mctrain.evaluation.retrieval import flattened
from mctrain.evaluation.tasks import KINDS as EVERYDAY_KINDS
from mctrain.evaluation.tasks import FoundTask, folder_of_task, found_task, load_tasks
from mctrain.recipes.tables import CLOSED, Positive
from mctrain.research.benchmarks.benchmark import run_task
from mctrain.research.benchmarks.datacomp import MAIN, averaged, folder_of, tasks_in
from mctrain.research.benchmarks.pairs import (
    By,
    captions_preferred,
    embed_boxes,
    group_accuracy,
    pair_accuracy,
    read_boxed_pairs,
    read_pairs,
)
from mctrain.research.benchmarks.word_order import make_negatives

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mctrain.evaluation.evaluated_model import EvaluatedModel
    from mctrain.evaluation.tasks import Task


@dataclass(frozen=True, slots=True, config=CLOSED)
class Pairs:
    """A photo is nearer to its caption than to a hard negative; `pairs` is a file of JSON lines."""

    name: str
    shards: tuple[str, ...]
    pairs: str

    def find(self, data: Path) -> list[FoundTask]:
        """As `ListedTask.find`."""
        return [found_task(self, data, find_shards(data, self.shards), [self.pairs])]

    def answers(self, model: EvaluatedModel, found: FoundTask) -> Answers:
        """As `FurtherTask.answers`."""
        gallery, path = model.gallery(found.photos), found.data / self.pairs
        pairs = read_pairs(path)
        rows = rows_of([pair.image for pair in pairs], gallery, path)
        vectors = model.texts([pair.caption for pair in pairs] + [pair.negative for pair in pairs])
        captions, negatives = np.split(vectors, 2)
        right = captions_preferred(gallery.vectors[rows], captions, negatives, np.arange(len(pairs)))
        outcomes = pair_accuracy(right, rows, [pair.kind for pair in pairs])
        return Answers(gallery.keys, 2 * len(pairs), tuple(outcomes))


@dataclass(frozen=True, slots=True, config=CLOSED)
class BoxedPairs:
    """The same for boxes in the photos of the folder `images`, by relation or by attribute; `pairs` is a JSON list."""

    name: str
    pairs: str
    images: str
    by: By

    def find(self, data: Path) -> list[FoundTask]:
        """As `ListedTask.find`."""
        return [found_task(self, data, [folder_of_task(self.name, data / self.images)], [self.pairs])]

    def answers(self, model: EvaluatedModel, found: FoundTask) -> Answers:
        """As `FurtherTask.answers`."""
        pairs = read_boxed_pairs(found.data / self.pairs, self.by)
        boxes = list(dict.fromkeys(pair.box for pair in pairs))
        places = {box: row for row, box in enumerate(boxes)}
        seen = embed_boxes(model, found.data / self.images, boxes)[[places[pair.box] for pair in pairs]]
        captions = model.texts([pair.caption for pair in pairs])
        negatives = model.texts([pair.negative for pair in pairs])
        right = captions_preferred(seen, captions, negatives, np.arange(len(pairs)))
        keys, photo = np.unique([pair.box.image for pair in pairs], return_inverse=True)
        outcomes = group_accuracy(right, photo, pairs, self.by)
        return Answers(tuple(keys.tolist()), 2 * len(pairs), tuple(outcomes))


@dataclass(frozen=True, slots=True, config=CLOSED)
class WordOrder:
    """A photo is nearer to its caption than to the same words in another order; the first `captions` of each photo are used."""

    name: str
    shards: tuple[str, ...]
    captions: Positive

    def find(self, data: Path) -> list[FoundTask]:
        """As `ListedTask.find`."""
        return [found_task(self, data, find_shards(data, self.shards))]

    def answers(self, model: EvaluatedModel, found: FoundTask) -> Answers:
        """As `FurtherTask.answers`."""
        gallery = model.gallery(found.photos)
        captions = [of_photo[: self.captions] for of_photo in captions_of(gallery, self.name)]
        choices = [
            make_negatives(caption, f"{key} {place}")
            for key, of_photo in zip(gallery.keys, captions, strict=True)
            for place, caption in enumerate(of_photo)
        ]
        rows = flattened(captions)[1]
        vectors, texts, outcomes = model.texts([choice.caption for choice in choices]), len(choices), []
        for kind in ("order", "relation", "attribute"):
            others = [getattr(choice, kind) for choice in choices]
            asked = np.flatnonzero([bool(negatives) for negatives in others])
            if len(asked):
                confused, of = flattened([others[row] for row in asked])
                seen = gallery.vectors[rows[asked]]
                right = captions_preferred(seen, vectors[asked], model.texts(confused), of)
                outcomes.append(Outcome.plain(kind, right, rows[asked]))
                texts += len(confused)
        if not outcomes:
            raise DataError(
                f"No caption of {self.name} can be reordered, so the task is empty; leave it out."
            )
        return Answers(gallery.keys, texts, tuple(outcomes))


@dataclass(frozen=True, slots=True, config=CLOSED)
class DataComp:
    """Those of DataComp's 38 tasks that have a folder in `folder`, and their average if all do."""

    name: str
    folder: str

    def find(self, data: Path) -> list[FoundTask]:
        """As `ListedTask.find`."""
        folder = folder_of_task(self.name, data / self.folder)
        there = tasks_in(folder)
        if not there:
            raise DataError(
                f"The task {self.name} finds none of DataComp's {len(MAIN)} in {folder}, where it looks for folders such as "
                f"{folder_of('cifar10')}."
            )
        return [
            FoundTask(Benchmark(self.name, task), (folder / folder_of(task),), data, suite=self)
            for task in there
        ]

    def combined(self, answers: Mapping[str, Answers]) -> Answers:
        """As `Suite.combined`."""
        return averaged({name.removeprefix(f"{self.name} "): answered for name, answered in answers.items()})


@dataclasses.dataclass(frozen=True, slots=True)
class Benchmark:
    """One of these tasks, by its published name; `suite` is the list's name for all of them."""

    suite: str
    task: str

    @property
    def name(self) -> str:
        """The name of the task in results."""
        return f"{self.suite} {self.task}"

    def answers(self, model: EvaluatedModel, found: FoundTask) -> Answers:
        """As `FurtherTask.answers`."""
        return run_task(model, self.task, found.photos[0])


KINDS: Mapping[str, type[Task]] = {
    **EVERYDAY_KINDS,
    "pairs": Pairs,
    "order": WordOrder,
    "boxed_pairs": BoxedPairs,
    "datacomp": DataComp,
}


def load_all_tasks(path: Path | None) -> tuple[Task, ...]:
    """The tasks of a list, or of the built-in one, of everyday kinds and of these.

    Raises:
        RecipeError: as `load_tasks`.
    """
    return load_tasks(path, KINDS)
