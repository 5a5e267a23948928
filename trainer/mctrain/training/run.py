"""A training run: opens the data, builds or loads the student, trains, and writes the checkpoint."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mctrain.data.reading.reader import open_data
from mctrain.data.reading.sampling import EpochPart, ReaderSettings, StoredViews, TextChoice
from mctrain.data.reinforced.bank import BANK, open_bank
from mctrain.data.reinforced.manifest import MANIFEST, TeacherRecord, load_manifest
from mctrain.errors import RecipeError, TrainerError
from mctrain.models.tokenizer import load_tokenizer
from mctrain.models.vit import VitShape
from mctrain.paths import on_disk
from mctrain.training.feed import Feed
from mctrain.training.frozen_views import compute_views
from mctrain.training.loop import MainProcess, train
from mctrain.training.metrics import Metrics
from mctrain.training.state import RunProgress, Training, demand_free, identity_of, load_state, save_result
from mctrain.training.step.losses import LossSettings
from mctrain.training.step.ranks import join_ranks
from mctrain.training.step.student import build_student
from mctrain.training.validation import open_validation

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from mctrain.data.reading.reader import Data
    from mctrain.paths import AnyPath
    from mctrain.recipes.training import TrainingRecipe
    from mctrain.training.environment import RunEnvironment, RunFolders
    from mctrain.training.frozen_views import FrozenViews, HeadModel
    from mctrain.training.step.ranks import Rank
    from mctrain.training.step.student import Student
    from mctrain.training.validation import Validation
    from mctrain.weights.checkpoint import Checkpoint

_BANK_ON_DISK = "A text bank is mapped into memory"


@dataclass(frozen=True, slots=True)
class Start:
    """The initial checkpoint of a run, and the digest of its file."""

    checkpoint: Checkpoint
    digest: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """Why the run ended; `path` is the checkpoint, written by the first process unless `signal` stopped the run.

    `skipped` counts this process's unusable samples, by reason.
    """

    why: str
    signal: int
    path: Path | None
    skipped: Counter[str]


def run_training(
    recipe: TrainingRecipe, start: Start | None, folders: RunFolders, environment: RunEnvironment
) -> RunResult:
    """Follows a recipe from the start, or resumes from the last state in a folder.

    Raises:
        RecipeError: the recipe does not fit the data, the model or the number of processes.
        DataError: shards, a bank or evaluation data are missing or damaged.
        TrainerError: the folder holds another run or another checkpoint, or the loss is not finite.
    """
    demand_free(environment.folder)
    with join_ranks() as rank:
        run = open_training(recipe, start, folders, rank, workers=environment.workers)
        run = replace(run, at=load_state(environment.folder, run))
        if rank.max(run.at.step) != -rank.max(-run.at.step):
            raise TrainerError(
                f"The processes of this run find different states in {environment.folder}; name a folder with -o that all machines share."
            )
        with ExitStack() as stack:
            main = stack.enter_context(_main_process(run, folders, environment)) if rank.first else None
            if rank.broadcast(len(run.at.scores)) < len(run.at.scores):
                run.at.scores.clear()  # the first process, which alone measures, has dropped them
            stack.enter_context(environment.interrupts.deferred())
            ending = train(run, environment.interrupts, main)
            if main is not None and (skipped := run.feed.data.skipped):
                reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.most_common())
                main.reporter.note(f"samples skipped: {reasons}")
        path = None if ending.signal or not rank.first else save_result(environment.folder, run, ending.best)
    return RunResult(ending.why, ending.signal, path, run.feed.data.skipped)


def open_training(
    recipe: TrainingRecipe, start: Start | None, folders: RunFolders, rank: Rank, *, workers: int
) -> Training:
    """Opens the data and the student for the steps."""
    _demand_shares(recipe, rank)
    device = _device(rank)
    teachers = _teachers(recipe, folders.photos)
    data = open_photos(recipe, folders)
    student = build_student(recipe, start.checkpoint if start else None, device)
    shape = student.preset.image
    if isinstance(shape, VitShape) and student.preset.size != shape.grid * shape.patch:
        raise RecipeError(
            f"The image tower accepts photos of {shape.grid * shape.patch} pixels only, not of {student.preset.size}."
        )
    bank = open_bank(on_disk(folders.photos / BANK, _BANK_ON_DISK), teachers) if recipe.data.bank else None
    tokenizer = load_tokenizer(student.preset.text)
    feed = Feed(recipe, data, bank, tokenizer, student.preset.image_spec(), rank, workers, device)
    steps = recipe.run.length(feed.steps_of_pass)
    if recipe.frozen_views:
        feed = replace(feed, frozen=_frozen(feed, student))
    return Training(
        recipe=recipe,
        student=student,
        feed=feed,
        loss=LossSettings(recipe.loss.distil, teachers if recipe.loss.distil else ()),
        steps=steps,
        identity=identity_of(recipe, start.digest if start else "", data.digests),
        at=RunProgress(),
    )


def open_photos(recipe: TrainingRecipe, folders: RunFolders) -> Data:
    """Opens the data of a run.

    Raises:
        RecipeError: a batch has more samples than there are.
        DataError: shards are missing or damaged.
    """
    settings = ReaderSettings(
        interpolation="bicubic",
        texts=TextChoice(recipe.data.captions, recipe.data.synthetic),
        views=recipe.augmentation
        or StoredViews(tuple(each.width for each in _teachers(recipe, folders.photos))),
        held_out=recipe.apart.share if recipe.apart else 0.0,
    )
    data = open_data(folders.photos, recipe.data.shards, folders.cache, settings, folders.stream)
    if recipe.run.batch > len(data):
        raise RecipeError(
            f"{len(data)} samples do not fill a batch of {recipe.run.batch}; give run.batch a smaller number."
        )
    return data


def _frozen(feed: Feed, student: Student) -> FrozenViews:
    wrapped = student.model
    model = wrapped.module if isinstance(wrapped, DistributedDataParallel) else wrapped
    recipe = feed.recipe
    passes = [EpochPart(each, recipe.run.seed, 1, feed.spec.size) for each in range(recipe.frozen_views)]
    return compute_views(cast("HeadModel", model), feed.data, passes, feed.spec, feed.ids)


@contextmanager
def validation_of(
    run: Training, folders: RunFolders, check: Callable[[], None]
) -> Iterator[Validation | None]:
    """The evaluation during the run, if the recipe has one; `check` as in `open_validation`.

    Raises:
        RecipeError: the folder of the sets is missing, or there is no such task.
        DataError: files of a set are missing.
    """
    evaluation = run.recipe.evaluation
    if evaluation is None:
        yield None
        return
    if folders.data is None:
        raise RecipeError(
            f"The recipe {run.recipe.name} evaluates during the run; give the folder of the evaluation sets with --data."
        )
    with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        where = (folders.data, folders.tasks, Path(scratch))
        yield open_validation(evaluation, run.student.preset, where, check)


@contextmanager
def _main_process(run: Training, folders: RunFolders, environment: RunEnvironment) -> Iterator[MainProcess]:
    with ExitStack() as stack:
        validation = stack.enter_context(validation_of(run, folders, environment.interrupts.check))
        if run.at.use_validation(validation.digest() if validation else ""):
            environment.reporter.note("The evaluation has changed: earlier scores do not count any more.")
        machine = {
            "device": str(run.feed.device),
            "processes": run.feed.rank.count,
            "teachers": [each.name for each in run.loss.teachers if each.name],
        }
        metrics = Metrics(environment.folder, run.recipe, run.at, machine)
        stack.callback(metrics.close)
        for sentence in conditions(run):
            environment.reporter.note(sentence)
        environment.reporter.advance(run.at.step, run.steps, "")
        yield MainProcess(environment.folder, metrics, environment.reporter, validation)


def conditions(run: Training) -> list[str]:
    """Notes on a run: how it resumes, and how several processes compute BatchNorm."""
    sentences, rank = [run.feed.data.guarantee], run.feed.rank
    norms = (each for each in run.student.clip.modules() if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d))
    if rank.count > 1 and any(each.training for each in norms):
        sentences.append(
            f"BatchNorm uses the {run.recipe.run.batch // rank.count} photos of each process, so the loss differs from that of one "
            "process with all of them; optimizer.held makes both equal."
        )
    return sentences


def _demand_shares(recipe: TrainingRecipe, rank: Rank) -> None:
    run = recipe.run
    if run.batch % rank.count or recipe.data.bank % rank.count:
        raise RecipeError(
            f"A batch of {run.batch} or its {recipe.data.bank} bank texts cannot be divided evenly among {rank.count} processes; "
            "give multiples of that number."
        )
    if run.batch // rank.count < 2 * run.parts:  # BatchNorm needs two photos
        raise RecipeError(
            f"A process has {run.batch // rank.count} photos a step, too few for {run.parts} parts of at least two; give run.batch a "
            "larger number, or run.parts a smaller one."
        )


def _device(rank: Rank) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", rank.number % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device


def _teachers(recipe: TrainingRecipe, photos: AnyPath) -> tuple[TeacherRecord, ...]:
    """The teachers of the stored embeddings, at the recipe's scales; none if views are drawn anew."""
    if recipe.augmentation is not None:
        return ()
    if recipe.data.teachers:
        known = tuple(TeacherRecord("", each.width, each.scale, "") for each in recipe.data.teachers)
    else:
        known = load_manifest(photos / MANIFEST).teachers
    scales = recipe.loss.scales or tuple(each.scale for each in known)
    if len(scales) != len(known):
        raise RecipeError(
            f"The recipe {recipe.name} has {len(scales)} scales for {len(known)} teachers; give each one, or none."
        )
    return tuple(replace(each, scale=scale) for each, scale in zip(known, scales, strict=True))
