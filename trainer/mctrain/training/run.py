"""A whole run: opens the data, builds or finds the student, trains, and writes the checkpoint."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.settings import ReaderSettings, Stored, Texts
from mctrain.data.reinforced.bank import BANK, open_bank
from mctrain.data.reinforced.manifest import MANIFEST, Teacher, load_manifest
from mctrain.data.shards import find_shards
from mctrain.errors import RecipeError
from mctrain.tokens.tokenizer import load_tokenizer
from mctrain.training.exam import open_exam
from mctrain.training.feed import Feed
from mctrain.training.interrupts import Interrupts
from mctrain.training.loop import Training, train
from mctrain.training.losses import LossSettings
from mctrain.training.metrics import Metrics
from mctrain.training.ranks import joined
from mctrain.training.state import load_state
from mctrain.training.student import build_student
from mctrain.weights.checkpoint import Checkpoint, Trained, save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mctrain.training.ranks import Rank
    from mctrain.training.recipe import TrainingRecipe
    from mctrain.training.student import Student

    Bar = Callable[[str, int | None], Callable[[int, str], None]]


@dataclass(frozen=True, slots=True)
class Places:
    """`photos` has the shards, `data` what is measured on, `tasks` another list of what is asked, `cache` indexes."""

    photos: Path
    data: Path | None
    tasks: Path | None
    cache: Path


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins: a checkpoint, and the digest of the file that it comes from."""

    checkpoint: Checkpoint
    digest: str


@dataclass(frozen=True, slots=True)
class Ending:
    """`path` is the checkpoint, None where the run was stopped by a signal, whose exit code this is."""

    why: str
    path: Path | None
    exit_code: int


def follow(
    recipe: TrainingRecipe, start: Start | None, places: Places, folder: Path, bar: Bar, *, workers: int
) -> Ending:
    """Follows a recipe from its beginning, or from the last state in `folder`.

    Raises:
        RecipeError: the recipe does not fit the data, the model or the number of processes.
        DataError: shards, a bank or evaluation data are missing or damaged.
        TrainerError: the folder holds another run, or the loss is no number any more.
    """
    with ExitStack() as stack:
        rank = stack.enter_context(joined())
        run = open_training(recipe, start, places, folder, rank, workers=workers)
        interrupts = stack.enter_context(run.interrupts)
        if rank.first:
            told = bar("steps", run.steps)
            told(run.at.step, "")
            metrics = Metrics(
                folder, recipe, run.at.step, {"device": str(run.feed.device), "processes": rank.count}
            )
            stack.callback(metrics.close)
            run = replace(run, metrics=metrics, told=told, exam=_exam(recipe, run.student, places))
        why = train(run)
        if interrupts.asked or not rank.first:
            return Ending(why, None, interrupts.exit_code)
        return Ending(why, _finish(run, start), 0)


def open_training(
    recipe: TrainingRecipe, start: Start | None, places: Places, folder: Path, rank: Rank, *, workers: int
) -> Training:
    """Everything that a run needs, at its last state, without anybody who is told."""
    run = recipe.run
    if run.batch % rank.count or recipe.data.bank % rank.count:
        raise RecipeError(
            f"A batch of {run.batch} and {recipe.data.bank} texts of the bank cannot be shared by {rank.count} processes evenly; "
            "give numbers that can."
        )
    device = _device(rank)
    teachers = _teachers(recipe, places.photos)
    student = build_student(recipe, start.checkpoint if start else None, device)
    spec = student.preset.image_spec()
    settings = ReaderSettings(
        interpolation="bicubic",
        texts=Texts(recipe.data.captions, recipe.data.synthetic),
        views=recipe.augmentation or Stored(tuple(own.width for own in teachers)),
    )
    data = TrainingData(find_shards(places.photos, recipe.data.shards), places.cache, settings)
    bank = open_bank(places.photos / BANK, teachers) if recipe.data.bank else None
    tokenizer = load_tokenizer(student.preset.text)
    feed = Feed(recipe, data, bank, tokenizer, spec, rank, workers, device)
    return Training(
        recipe=recipe,
        student=student,
        feed=feed,
        loss=LossSettings(recipe.loss.distil, teachers if recipe.loss.distil else ()),
        steps=run.length(feed.steps_of_pass),
        at=load_state(folder, recipe, student),
        folder=folder,
        interrupts=Interrupts(),
        metrics=None,
        exam=None,
        told=lambda *_: None,
    )


def _device(rank: Rank) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", rank.number % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device


def _teachers(recipe: TrainingRecipe, photos: Path) -> tuple[Teacher, ...]:
    """Whose embeddings the data hold, at the scales that the recipe wants; none where views are drawn anew."""
    if recipe.augmentation is not None:
        return ()
    if recipe.data.teachers:
        known = tuple(Teacher("", own.width, own.scale, "") for own in recipe.data.teachers)
    else:
        known = load_manifest(photos / MANIFEST).teachers
    scales = recipe.loss.scales or tuple(own.scale for own in known)
    if len(scales) != len(known):
        raise RecipeError(
            f"The recipe {recipe.name} has {len(scales)} scales for {len(known)} teachers; give each one, or none."
        )
    return tuple(replace(own, scale=scale) for own, scale in zip(known, scales, strict=True))


def _exam(recipe: TrainingRecipe, student: Student, places: Places) -> Any:
    if recipe.evaluation is None:
        return None
    if places.data is None:
        raise RecipeError(
            f"The recipe {recipe.name} measures as it goes; say with --data where the evaluation sets lie."
        )
    return open_exam(recipe.evaluation, student.preset, places.data, places.tasks)


def _finish(run: Training, start: Start | None) -> Path:
    """Writes what the run has made, frozen."""
    clip = run.student.best.to("cpu").eval().requires_grad_(requires_grad=False)
    made = Trained(
        recipe=run.recipe.as_dict(),
        steps=run.at.step,
        begun=start.digest if start else "",
        data=run.feed.data.digests,
        score=run.at.scores.get(run.at.step),
    )
    return save_checkpoint(run.folder, Checkpoint(run.student.preset, clip, made))
