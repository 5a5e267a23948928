"""Compares the model that a run made with the one it began with, on the same photos and sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.data.held_out import is_held_out, pack_library
from mctrain.data.texts import QUERIES
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.measure import measure
from mctrain.evaluation.outcome import Answers
from mctrain.evaluation.retrieval import flattened, right_photos, search_recall
from mctrain.evaluation.search_terms import load_search_terms
from mctrain.evaluation.tasks import find_files
from mctrain.teachers.towers import ModelTeacher
from mctrain.weights.checkpoint import Compared, Trained, load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.tasks import FoundTask
    from mctrain.recipes.tables import HeldOutTable
    from mctrain.training.environment import RunFolders
    from mctrain.weights.checkpoint import Checkpoint

    Vectors = NDArray[np.float32]

APART = "photos kept apart"


@dataclass(frozen=True, slots=True)
class ComparisonSets:
    """The evaluation of a run: its held-out photos, searched among all in the shard `library`, and public sets."""

    library: Path
    share: float
    sets: tuple[FoundTask, ...]


def find_sets(
    held_out: HeldOutTable, shards: Sequence[Path], folders: RunFolders, scratch: Path
) -> ComparisonSets:
    """The user's photos, packed into `scratch`, and the sets of `folders.data` if given.

    Raises:
        DataError: the photos are too few, or files of a set are missing.
    """
    sets = find_files(folders.tasks, folders.data, scratch) if folders.data else []
    return ComparisonSets(pack_library(shards, held_out.share, scratch), held_out.share, tuple(sets))


def compare_models(
    begun: Checkpoint, path: Path, asked: ComparisonSets, progress: Callable[[int, str], None]
) -> tuple[Compared, ...]:
    """Compares the model of a run with the one it began with, set by set, and writes the result into its checkpoint.

    Raises:
        DataError: a file is damaged.
        WeightsError: the checkpoint cannot be written.
    """
    made = load_checkpoint(path)
    assert isinstance(made.origin, Trained)
    compared = tuple(_compare(begun, made, asked, progress))
    save_checkpoint(path, replace(made, origin=replace(made.origin, compared=compared)))
    return compared


def _compare(
    begun: Checkpoint, made: Checkpoint, asked: ComparisonSets, progress: Callable[[int, str], None]
) -> Iterator[Compared]:
    models = [
        EvaluatedModel(ModelTeacher(checkpoint.clip, checkpoint.preset, "", ""), progress)
        for checkpoint in (begun, made)
    ]
    yield replace(compare(APART, *(_search_held_out(each, asked) for each in models)), group="asked for")
    galleries, words = [each.gallery([asked.library]) for each in models], everyday_words()
    held_out = np.array([is_held_out(key, asked.share) for key in galleries[0].keys])
    before, after = (each.vectors[held_out] for each in galleries)
    terms = models[0].texts(words), models[1].texts(words)
    yield overlap((before, after), terms, begun.clip.scale().item())
    for found in asked.sets:
        yield compare(found.task.name, *(measure(each, found) for each in models))


def _search_held_out(model: EvaluatedModel, asked: ComparisonSets) -> Answers:
    """Searches for the held-out photos by their captions among all photos; photos with the same caption count as found too."""
    gallery = model.gallery([asked.library])
    queries = [each.synthetic[QUERIES] for each in gallery.texts]
    texts, owner = flattened(queries)
    held_out = np.array([is_held_out(key, asked.share) for key in gallery.keys])
    places = np.flatnonzero(held_out[owner])
    vectors = model.texts([texts[place] for place in places])
    outcomes = search_recall(gallery.vectors, vectors, owner[places], right_photos(queries)[places])
    keys = tuple(key for key, each in zip(gallery.keys, held_out, strict=True) if each)
    return Answers(keys, len(places), tuple(outcomes))


def everyday_words() -> list[str]:
    """Common search words."""
    return [term.query for term in load_search_terms()]


def overlap(photos: tuple[Vectors, Vectors], words: tuple[Vectors, Vectors], scale: float) -> Compared:
    """Common searches on the user's photos, from vectors [n, dim] of photos that neither model was trained on and
    [m, dim] of the words, before and after.

    These photos have no labels. So the figure is how much of the old model's answer remains: the overlap of both models'
    word probabilities per photo, by the softmax at the model's `scale`.
    """
    before, after = (
        torch.from_numpy(scale * some @ terms.T).softmax(1) for some, terms in zip(photos, words, strict=True)
    )
    shared = 100 * float(torch.minimum(before, after).sum(1).mean())
    return Compared("everyday words", len(before), 100.0, shared, group="ordinary searches")


def compare(name: str, before: Answers, after: Answers) -> Compared:
    """Compares both models' answers on one set."""
    return Compared(name, len(before.keys), _mean(before), _mean(after), before.less_is_better)


def _mean(answers: Answers) -> float:
    """The mean of all figures of a set, since one figure on a few photos says little; NaN if one is missing."""
    figures = [each.percent() for each in answers.outcomes]
    return float(np.mean([np.nan if each is None else each for each in figures]))
