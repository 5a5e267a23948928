"""Whether a run made its model better: the model that it began with and the one that it made answer the same questions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.data.apart import is_apart, pack_library
from mctrain.data.words import QUERIES
from mctrain.evaluation.measure import measure
from mctrain.evaluation.outcome import Answers
from mctrain.evaluation.retrieval import right_photos, searching
from mctrain.evaluation.subject import Subject
from mctrain.evaluation.tasks import find_files, load_tasks
from mctrain.evaluation.things import load_things
from mctrain.teachers.towers import Towers
from mctrain.weights.checkpoint import Compared, Trained, load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.tasks import FoundTask
    from mctrain.recipes.tables import ApartTable
    from mctrain.training.surroundings import Places
    from mctrain.weights.checkpoint import Checkpoint

    Vectors = NDArray[np.float32]

OWN = "photos kept apart"


@dataclass(frozen=True, slots=True)
class Questions:
    """What a run is judged by: the photos that it keeps apart, of the library in the shard `library`, and sets of others."""

    library: Path
    share: float
    sets: tuple[FoundTask, ...]


def find_questions(apart: ApartTable, shards: Sequence[Path], places: Places, scratch: Path) -> Questions:
    """The person's own photos, packed into `scratch`, and the sets of `places.data` where there is one.

    Raises:
        RecipeError: the list of tasks cannot be read.
        DataError: the photos are too few, or files of a set are missing.
    """
    sets = find_files(load_tasks(places.tasks), places.data, scratch) if places.data else []
    return Questions(pack_library(shards, apart.share, scratch), apart.share, tuple(sets))


def judge(
    begun: Checkpoint, path: Path, asked: Questions, progress: Callable[[int, str], None]
) -> tuple[Compared, ...]:
    """Compares the model of a run with the one that it began with, set by set, and writes that into its checkpoint.

    Raises:
        DataError: a file is damaged.
        WeightsError: the disk refuses the checkpoint.
    """
    made = load_checkpoint(path)
    assert isinstance(made.origin, Trained)
    compared = tuple(_compare(begun, made, asked, progress))
    save_checkpoint(path, replace(made, origin=replace(made.origin, compared=compared)))
    return compared


def _compare(
    begun: Checkpoint, made: Checkpoint, asked: Questions, progress: Callable[[int, str], None]
) -> Iterator[Compared]:
    subjects = [Subject(Towers(each.clip, each.preset, "", ""), progress) for each in (begun, made)]
    yield replace(compare(OWN, *(_look_for_apart(each, asked) for each in subjects)), group="asked for")
    galleries, words = [each.gallery([asked.library]) for each in subjects], everyday_words()
    apart = np.array([is_apart(key, asked.share) for key in galleries[0].keys])
    before, after = (each.vectors[apart] for each in galleries)
    terms = subjects[0].texts(words), subjects[1].texts(words)
    yield ordinary((before, after), terms, begun.clip.scale().item())
    for found in asked.sets:
        yield compare(found.task.name, *(measure(each, found) for each in subjects))


def _look_for_apart(subject: Subject, asked: Questions) -> Answers:
    """Photos kept apart, looked for by their words among all; who has the same words on other photos finds these too."""
    gallery = subject.gallery([asked.library])
    queries = [each.synthetic[QUERIES] for each in gallery.words]
    rows, texts = zip(*((row, text) for row, each in enumerate(queries) for text in each), strict=True)
    owner = np.array(rows, np.int64)
    apart = np.array([is_apart(key, asked.share) for key in gallery.keys])
    places = np.flatnonzero(apart[owner])
    vectors = subject.texts([texts[place] for place in places])
    outcomes = searching(gallery.vectors, vectors, owner[places], right_photos(queries)[places])
    keys = tuple(key for key, each in zip(gallery.keys, apart, strict=True) if each)
    return Answers(keys, len(places), tuple(outcomes))


def everyday_words() -> list[str]:
    """What nearly everybody searches for now and then."""
    return [thing.query for thing in load_things()]


def ordinary(photos: tuple[Vectors, Vectors], words: tuple[Vectors, Vectors], scale: float) -> Compared:
    """Everyday searches of a person's own photos, from the vectors [n, dim] of photos that neither model has learnt from and
    [m, dim] of the words, before and after.

    Nobody says what these photos show. So the figure is how much of what the model before says of a photo stays: what both
    share of the probabilities of the words, by the softmax at the model's `scale`.
    """
    before, after = (
        torch.from_numpy(scale * some @ terms.T).softmax(1) for some, terms in zip(photos, words, strict=True)
    )
    shared = 100 * float(torch.minimum(before, after).sum(1).mean())
    return Compared("everyday words", len(before), 100.0, shared, group="ordinary searches")


def compare(name: str, before: Answers, after: Answers) -> Compared:
    """What both models answered to one set."""
    return Compared(name, len(before.keys), _mean(before), _mean(after), before.less_is_better)


def _mean(answers: Answers) -> float:
    """Of all figures of a set, for of a few photos a single one says little; not a number where one of them has none."""
    figures = [each.percent() for each in answers.outcomes]
    return float(np.mean([np.nan if each is None else each for each in figures]))
