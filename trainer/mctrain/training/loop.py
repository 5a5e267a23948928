"""The loop of training, whole: a step, and what happens between two of them.

Everything that a step depends on is its number, the seed, and the state before it; so a run that was killed ends with the
weights of one that was not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mctrain.optimisation.groups import set_rate
from mctrain.optimisation.schedule import rate_at
from mctrain.training.accumulation import backward
from mctrain.training.exam import choosing_mean
from mctrain.training.losses import reinforced_loss
from mctrain.training.metrics import Facts, sentence, values_of
from mctrain.training.range_augment import target_error
from mctrain.training.state import save_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mctrain.training.exam import Exam
    from mctrain.training.feed import Feed, Lesson
    from mctrain.training.interrupts import Interrupts
    from mctrain.training.losses import LossSettings
    from mctrain.training.metrics import Metrics
    from mctrain.training.recipe import TrainingRecipe
    from mctrain.training.state import Position
    from mctrain.training.student import Student


@dataclass(frozen=True, slots=True)
class Training:
    """A run: what learns, from what, towards which loss, and who is told; `at` moves on with it."""

    recipe: TrainingRecipe
    student: Student
    feed: Feed
    loss: LossSettings
    steps: int
    at: Position
    folder: Path
    interrupts: Interrupts
    metrics: Metrics | None  # of the first process alone, as `exam`
    exam: Exam | None
    told: Callable[[int, str], None]


def train(run: Training) -> str:
    """Trains to the end, or to where a signal or the recipe stops it; why it ended.

    Raises:
        DataError: the data fail.
        TrainerError: the loss is no number any more; the last state is the one to go on from.
    """
    facts = Facts()
    for lesson in run.feed.lessons(run.at.step, run.steps):
        values = take_step(run, lesson)
        run.at.step += 1
        facts.add(run.recipe.run.batch, lesson.waited, values)
        if _is_due(run, run.recipe.run.log_every):
            _tell(run, facts)
            facts = Facts()
        if run.recipe.evaluation and _is_due(run, run.recipe.evaluation.every):
            _evaluate(run)
        stopped = run.feed.rank.any(run.interrupts.asked)
        if stopped or _is_due(run, run.recipe.run.save_every):
            _save(run)
        if stopped:
            return f"stopped by a signal after {run.at.step} of {run.steps} steps; the same command goes on from here"
        if _is_exhausted(run):
            return f"stopped after {run.at.step} of {run.steps} steps: the scores do not rise any more"
    return f"{run.at.step} steps"


def take_step(run: Training, lesson: Lesson) -> dict[str, float]:
    """One step: the loss of the whole batch, its gradient, and the weights after it; the figures of the step."""
    table, student = run.recipe.optimizer, run.student
    torch.manual_seed(_seed(run.recipe.run.seed, run.at.step, run.feed.rank.number))
    rate = rate_at(run.at.step, run.steps, table.warmup, table.rate, table.floor)
    set_rate(student.optimizer, rate)
    student.optimizer.zero_grad(set_to_none=True)
    pixels = _look(run, lesson)
    loss = backward(
        student.model,
        lesson.parts(pixels, run.recipe.run.parts),
        lambda seen, scale: reinforced_loss(seen, scale, lesson.taught, run.loss),
        student.precision,
    )
    length = student.precision.step(student.optimizer, student.clip.parameters(), table.longest)
    student.clip.limit_scale()
    if student.average is not None:
        student.average.update_parameters(student.clip)
    return values_of(loss, rate, student.clip.scale().item(), length)


def _look(run: Training, lesson: Lesson) -> torch.Tensor:
    """Photos [n, 3, size, size] as the student wants them: augmented where the recipe says so, and normalised."""
    pixels = lesson.pixels
    if run.student.augment is not None:
        seen = run.student.augment(pixels, target_error(run.at.step / run.steps))
        run.student.precision.backward(seen.loss)  # its ranges learn from this alone
        run.feed.rank.average(own.grad for own in run.student.augment.parameters())
        pixels = seen.pixels.detach()
    spec = run.student.preset.image_spec()
    if spec.mean is not None and spec.std is not None:
        mean, std = (pixels.new_tensor(own)[:, None, None] for own in (spec.mean, spec.std))
        pixels = (pixels - mean) / std
    wanted = torch.channels_last if run.recipe.run.channels_last else torch.contiguous_format
    return pixels.contiguous(memory_format=wanted)


def _is_due(run: Training, every: int) -> bool:
    return run.at.step % every == 0 or run.at.step == run.steps


def _tell(run: Training, facts: Facts) -> None:
    line = facts.line()
    if run.metrics is not None:
        run.metrics.tell(run.at.step, line)
    run.told(facts.steps, sentence(run.at.step, run.steps, line, run.recipe.run.batch))


def _evaluate(run: Training) -> None:
    """The first process measures; all hear the mean by which a run is stopped."""
    mean = 0.0
    if run.exam is not None:
        figures = run.exam(run.student.best)
        mean = choosing_mean(figures)
        if run.metrics is not None:
            run.metrics.tell(run.at.step, {name: own.percent for name, own in figures.items()})
    run.at.scores[run.at.step] = run.feed.rank.from_first(mean)


def _save(run: Training) -> None:
    if run.feed.rank.first:
        save_state(run.folder, run.recipe, run.student, run.at)


def _is_exhausted(run: Training) -> bool:
    """Whether the best score lies `patience` evaluations back."""
    patience = run.recipe.evaluation.patience if run.recipe.evaluation else 0
    scores = list(run.at.scores.values())
    return bool(patience) and len(scores) > patience and max(scores[-patience:]) <= max(scores[:-patience])


def _seed(seed: int, step: int, rank: int) -> int:
    """Of the random numbers of one step of one process: 63 bits."""
    digest = hashlib.sha256(f"{seed}/{step}/{rank}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
