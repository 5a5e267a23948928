"""Runs the tasks of DataComp on a model, from DataComp's download folders: numbered shards, with class names and templates
or captions beside them; and WinoGAViL, a folder of photos beside a list.

Classifiers and logits are computed as in the package clip-benchmark, which DataComp's code uses.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.photo import decode_photo
from mctrain.data.shards import samples
from mctrain.data.sources.listing import sound_records
from mctrain.errors import DataError
from mctrain.evaluation.outcome import Answers, Outcome
from mctrain.evaluation.retrieval import class_vectors, flattened
from mctrain.research.benchmarks.datacomp import MAIN, WINOGAVIL, classified, retrieved, wants_metadata
from picsight_engine.bundles.json_records import read_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.evaluated_model import EvaluatedModel

_KIND, _CLASSES, _TEMPLATES = "dataset_type.txt", "classnames.txt", "zeroshot_classification_templates.txt"
_SPLIT = "test"
_INSTANCES = "instances.jsonl"
_MANY = 10  # candidates per instance in the main figure


def run_task(model: EvaluatedModel, task: str, folder: Path) -> Answers:
    """The answers to one task with its files in this folder.

    Raises:
        DataError: a file is missing or damaged, or lacks data that the task needs.
    """
    if task == WINOGAVIL:
        return _associations(model, folder)
    kind = folder / _KIND
    try:
        if kind.is_file() and kind.read_text(encoding="utf-8").strip().lower() == "retrieval":
            return _retrieval(model, task, folder)
        return _classification(model, task, folder)
    except (OSError, ValueError, KeyError) as fault:
        raise DataError(f"{folder} cannot be read: {fault}; copy it again.") from fault


def _classification(model: EvaluatedModel, task: str, folder: Path) -> Answers:
    names, templates = _lines(folder / _CLASSES), _lines(folder / _TEMPLATES)
    keys, vectors, labels, groups = [], [], [], []
    for key, vector, members in _samples(model, folder):
        keys.append(key)
        vectors.append(vector)
        labels.append(int(members["cls"]))
        if wants_metadata(task):
            groups.append(int(np.load(io.BytesIO(members["npy"])).flat[0]))
    if not 0 <= min(labels) <= max(labels) < len(names):
        raise DataError(f"{folder} has the label {max(labels)}, and {len(names)} class names.")
    classes = class_vectors(model.texts, names, [each.replace("{c}", "{}") for each in templates])
    logits = np.stack(vectors) @ classes.T
    outcomes = classified(task, logits, np.array(labels), np.array(groups, np.int64))
    return Answers(tuple(keys), len(names), tuple(outcomes))


def _retrieval(model: EvaluatedModel, task: str, folder: Path) -> Answers:
    keys, vectors, captions = [], [], []
    for key, vector, members in _samples(model, folder):
        keys.append(key)
        vectors.append(vector)
        captions.append(members["txt"].decode().splitlines())
        if not captions[-1]:
            raise DataError(f"{folder} has no caption of {key}, which it needs; copy it again.")
    texts, owner = flattened(captions)
    outcomes = retrieved(task, np.stack(vectors), model.texts(texts), owner)
    return Answers(tuple(keys), len(texts), tuple(outcomes))


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]


def _samples(
    model: EvaluatedModel, folder: Path
) -> Iterator[tuple[str, NDArray[np.float32], Mapping[str, bytes]]]:
    """Key, unit vector [dim] and members of each sample; pixels are decoded as in webdataset."""
    for number in range(int((folder / _SPLIT / "nshards.txt").read_text(encoding="utf-8"))):
        for sample in samples(folder / _SPLIT / f"{number}.tar"):
            key = f"{number}/{sample.key}"
            model.progress(1, "")
            (vector,) = model.pictures([decode_photo(sample.photo, key)], [key])
            yield key, vector, sample.members


@dataclass(frozen=True, slots=True)
class _Instance:
    """A word, and photo names, some of which people associated with it."""

    cue: str
    candidates: tuple[str, ...]
    associations: tuple[str, ...]

    @property
    def prompt(self) -> str:
        """The text of the query."""
        cue = self.cue.lower()
        return f"{'An' if cue[0] in 'aeiou' else 'A'} {cue}"


def _associations(model: EvaluatedModel, folder: Path) -> Answers:
    """Answers with one key per instance: the Jaccard index of the chosen photos and as many nearest to the word. Ties count
    against the model.

    Raises:
        DataError: a file is missing or damaged.
    """
    instances = _read_instances(folder / _INSTANCES)
    gallery = model.gallery([folder])
    places = {PurePath(key).stem: row for row, key in enumerate(gallery.keys)}
    missing = [name for each in instances for name in each.candidates if name not in places]
    if missing:
        raise DataError(f"{folder / _INSTANCES} names {missing[0]}, but there is no such photo beside it.")
    words = model.texts([each.prompt for each in instances])
    indices = np.array(
        [
            _jaccard(gallery.vectors[[places[name] for name in instance.candidates]] @ word, instance)
            for instance, word in zip(instances, words, strict=True)
        ]
    )
    many = np.flatnonzero([len(each.candidates) >= _MANY for each in instances])
    if not len(many):
        raise DataError(
            f"{folder / _INSTANCES} has no instance of {_MANY} candidates, which the figure needs."
        )
    outcomes = [
        Outcome.plain(MAIN[WINOGAVIL], indices[many], many),
        Outcome.plain("avg_jaccard_score", indices, np.arange(len(instances))),
    ]
    keys = tuple(f"{number}/{each.cue}" for number, each in enumerate(instances))
    return Answers(keys, len(keys), tuple(outcomes))


def _jaccard(scores: NDArray[np.float32], instance: _Instance) -> float:
    right = np.isin(instance.candidates, instance.associations)
    chosen = np.lexsort((right, -scores))[: right.sum()]
    both = right[chosen].sum()
    return float(both / (2 * right.sum() - both))


def _read_instances(path: Path) -> list[_Instance]:
    lines = sound_records(path)
    try:
        found = [read_record(_Instance, each) for _, each in lines]
    except (KeyError, ValueError) as fault:
        raise DataError(
            f"{path} cannot be read as lines of cue, candidates and associations: {fault}."
        ) from fault
    wrong = [each for each in found if not each.cue or not set(each.candidates) & set(each.associations)]
    if wrong or not found:
        raise DataError(f"{path} lacks photos for {wrong[0].cue if wrong else 'anything'!r}; copy it again.")
    return found
