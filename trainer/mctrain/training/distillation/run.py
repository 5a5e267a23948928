"""A whole distillation: finds the texts, asks the teacher, teaches, and writes the checkpoint."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch

from mctrain.data.refusal import refuse_evaluation, reserved
from mctrain.data.reinforced.bank_sources import Places as Sources
from mctrain.data.reinforced.bank_sources import collect
from mctrain.data.shards import file_digest, find_shards
from mctrain.errors import DataError, RecipeError
from mctrain.models.clip import Clip
from mctrain.models.text import Text, TextShape
from mctrain.optimisation.average import average_from
from mctrain.optimisation.denormals import flushed_denormals
from mctrain.optimisation.groups import RateRule
from mctrain.optimisation.optimizer import build_student_optimizer
from mctrain.optimisation.statistics import hold_statistics
from mctrain.training.distillation.beginning import begin_tokens
from mctrain.training.distillation.corpus import Words, build_corpus
from mctrain.training.distillation.lessons import lessons_of
from mctrain.training.distillation.loop import Distillation, distil
from mctrain.training.metrics import Metrics
from mctrain.training.precision import Precision
from mctrain.training.run import Outcome
from mctrain.training.state import Position, demand_own, identity_of, load_state, save_result
from mctrain.training.student import Student
from mctrain.weights.checkpoint import Checkpoint, states

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mctrain.training.distillation.lessons import Lesson
    from mctrain.training.distillation.recipe import DistillationRecipe, TowerTable
    from mctrain.training.run import Start
    from mctrain.training.surroundings import Surroundings

    Bar = Callable[[str, int | None], Callable[[int, str], None]]

# vectors of photos stay what they are, and so does the factor
_FROZEN = (RateRule("image", 0), RateRule("logit_scale", 0))
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Found:
    """What is taught, how many texts there were before lessons were made of them, and digests of where they come from."""

    lessons: tuple[Lesson, ...]
    texts: int
    data: dict[str, str]
    absent: tuple[str, ...]


def find_lessons(recipe: DistillationRecipe, data: Path) -> Found:
    """The texts of a recipe's sources, as lessons.

    Raises:
        RecipeError: a source is unknown.
        RefusalError: a file holds something that is for evaluation only.
        DataError: a file is missing or damaged, or there is no text.
    """
    table = recipe.data
    shards = tuple(find_shards(data, table.shards))
    known = reserved(data, table.evaluation_shards, table.evaluation_texts)
    refuse_evaluation(shards, known)
    found = collect(table.sources, Sources(data, shards, known))
    texts = [text for own in found.texts.values() for text in own]
    if not texts:
        raise DataError(f"The sources {', '.join(table.sources)} hold no text; name others.")
    digests = {path.name: file_digest(path) for path in shards}
    for name, own in found.texts.items():
        digests[f"texts of {name}"] = hashlib.sha256("\n".join(own).encode()).hexdigest()
    return Found(tuple(lessons_of(texts, known)), len(texts), digests, found.absent)


@flushed_denormals()
def follow_distillation(
    recipe: DistillationRecipe, start: Start, found: Found, cache: Path, around: Surroundings, *, bar: Bar
) -> Outcome:
    """Teaches a text tower what that of `start` says, from the beginning or from the last state in a folder.

    Raises:
        RecipeError: the model has no text tower.
        TrainerError: the folder holds another run or something else's checkpoint, or the loss is no number any more.
    """
    demand_own(around.folder)
    if start.checkpoint.clip.text is None:
        raise RecipeError("A text tower can be taught only by another one; begin with a model that has one.")
    torch.set_num_threads(1)
    precision = Precision(recipe.distillation.precision, _CPU)
    teacher = Words(start.checkpoint, precision)
    told = bar("lessons", len(found.lessons))
    corpus = build_corpus(found.lessons, teacher, shape_of(recipe.tower), cache, told)
    student = build_taught(recipe, start.checkpoint, precision)
    if not states(around.folder):
        begin_tokens(cast("Text", student.clip.text), teacher, corpus.tokens)
    identity = identity_of(recipe, start.digest, found.data)
    run = Distillation(recipe, student, corpus, identity, found.texts, Position())
    run = replace(run, at=load_state(around.folder, identity, recipe, student))
    with (
        closing(Metrics(around.folder, recipe, run.at, {"device": "cpu"})) as metrics,
        around.interrupts.kept(),
    ):
        ending = distil(run, metrics, around)
    path = None if ending.signal else save_result(around.folder, run)
    return Outcome(ending.why, ending.signal, path, Counter())


def shape_of(tower: TowerTable) -> TextShape:
    """It masks its padding, and needs no templates: what they give together is what it learns."""
    return TextShape(tower.width, tower.layers, mixers=True, masked=True, asked_once=True)


def build_taught(recipe: DistillationRecipe, start: Checkpoint, precision: Precision) -> Student:
    """A text tower at its beginning beside the image tower of `start`, which stays as it is."""
    table = recipe.optimizer
    preset = replace(start.preset, text=shape_of(recipe.tower))
    torch.manual_seed(recipe.distillation.seed)
    clip = Clip(start.clip.image, Text(shape_of(recipe.tower), preset.dim), start.clip.scale().item())
    assert clip.text is not None
    clip.text.train()
    hold_statistics(clip, table.held)
    optimizer = build_student_optimizer(clip, table, _FROZEN)
    average = average_from(clip, table.average, 0) if table.average else None
    return Student(preset, clip, clip, average, None, optimizer, precision, torch.contiguous_format)
