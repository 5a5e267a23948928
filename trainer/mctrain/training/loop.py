"""The training loop: a step, and the logging, saving and evaluation between steps.

A step depends only on its number, the seed, and the state before it; so a killed and resumed run ends with the same
weights as an uninterrupted one.
"""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mctrain.data.reading.batch import normalised
from mctrain.optimisation.optimizer import rate_at, set_rate
from mctrain.training.environment import SignalReceived
from mctrain.training.metrics import SCORE, progress
from mctrain.training.state import MetricSums, best_step, is_save_due, save_state
from mctrain.training.step.accumulation import loss_and_gradients
from mctrain.training.step.losses import reinforced_loss
from mctrain.training.step.range_augment import target_error
from mctrain.training.validation import choosing_mean

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from mctrain.training.environment import Reporter, Signals
    from mctrain.training.feed import StepData
    from mctrain.training.metrics import Metrics
    from mctrain.training.state import Training
    from mctrain.training.validation import Validation


@dataclass(frozen=True, slots=True)
class MainProcess:
    """The tools of the first process, the only one that writes, reports and evaluates."""

    folder: Path
    metrics: Metrics
    reporter: Reporter
    validation: Validation | None


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run ended, and the signal that stopped it early, or 0.

    The result is the weights after step `best`, which only the first process knows; 0 means those at the end.
    """

    why: str
    signal: int = 0
    best: int = 0


def train(run: Training, interrupts: Signals, main: MainProcess | None) -> Ending:
    """Trains to the end, or until a signal or early stopping.

    Raises:
        DataError: the data cannot be read.
        TrainerError: the loss is not finite; the last state is intact.
    """
    batches = run.feed.batches(run.at.step, run.steps)
    if _evaluate(run, main):  # the run was stopped between its last step and its evaluation
        _save(run, main)
    saved, every, steps_of_pass = time.monotonic(), run.recipe.run.save_every, run.feed.steps_of_pass
    while not _is_over(run):
        began = time.perf_counter()
        batch = next(batches)
        values = take_step(run, batch)
        run.at.step += 1
        run.at.facts.add(run.recipe.run.batch, time.perf_counter() - began, batch.waited, values)
        _report(run, main)
        measured = _evaluate(run, main)
        signal = run.feed.rank.max(interrupts.received)
        due = is_save_due(run.at.step, every, steps_of_pass=steps_of_pass, seconds=time.monotonic() - saved)
        if signal or measured or _is_over(run) or due:
            _save(run, main)
            saved = time.monotonic()
        if signal:
            why = f"stopped by a signal after {run.at.step} of {run.steps} steps"
            return Ending(f"{why}; the same command resumes it", signal)
    if run.at.step < run.steps:
        return _stopped_early(run, main)
    return Ending(f"{run.at.step} steps")


def _stopped_early(run: Training, main: MainProcess | None) -> Ending:
    """The ending of a run whose scores no longer rise: it returns to the state with the best score, which the first process has."""
    why = f"stopped after {run.at.step} of {run.steps} steps: the scores do not rise any more"
    best = best_step(main.folder, run.at) if main is not None else 0
    if not best:
        return Ending(why)
    scores = run.at.scores
    which = "the best" if scores[best] == max(scores.values()) else "the best of the states that are left"
    return Ending(
        f"{why}; these are the weights after step {best}, whose score was {which} ({scores[best]:.1f} %)",
        best=best,
    )


def take_step(run: Training, batch: StepData) -> dict[str, float]:
    """One step: computes the loss of the batch, its gradient and the new weights; returns the metrics."""
    table, student = run.recipe.optimizer, run.student
    torch.manual_seed(_seed(run.recipe.run.seed, run.at.step, run.feed.rank.number))
    rate = rate_at(run.at.step, run.steps, table.warmup, table.rate, table.floor)
    set_rate(student.optimizer, rate)
    student.optimizer.zero_grad(set_to_none=True)
    photos, distance = _photos(run, batch.pixels)
    seen = photos.detach().requires_grad_(distance is not None)
    loss = loss_and_gradients(
        student.model,
        batch.parts(seen, run.recipe.run.parts),
        lambda vectors, scale: reinforced_loss(vectors, scale, batch.teacher, run.loss),
        student.precision,
    )
    if distance is not None:
        _teach_ranges(run, distance, photos, seen)
    length = student.step()
    return {
        "loss": loss.total.item(),
        "clip": loss.clip.item(),
        "distillation": loss.distillation.item(),
        "rate": rate,
        "scale": student.clip.scale().item(),
        "gradient": length,
    }


def _photos(run: Training, pixels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Normalised photos [n, 3, size, size] or stored outputs for the student, and RangeAugment's loss term if the recipe uses it."""
    student, distance = run.student, None
    if run.feed.frozen is not None:
        return pixels, None
    if student.augment is not None:
        pixels, distance = student.augment(pixels, target_error(run.at.step / run.steps))
    spec = student.preset.image_spec()
    if spec.mean is not None and spec.std is not None:
        pixels = normalised(pixels, pixels.new_tensor(spec.mean), pixels.new_tensor(spec.std))
    return pixels.contiguous(memory_format=student.layout), distance


def _teach_ranges(run: Training, distance: Tensor, photos: Tensor, seen: Tensor) -> None:
    """Backpropagates the whole loss to the ranges, as published: their own term, and the towers' loss through the photos."""
    student = run.student
    assert student.augment is not None
    assert seen.grad is not None
    student.precision.backward(distance, (photos, seen.grad))
    run.feed.rank.average(each.grad for each in student.augment.parameters())


def _report(run: Training, main: MainProcess | None) -> None:
    """Logs the metrics, averaged over the processes."""
    at, sentence = run.at, ""
    if _is_due(run, run.recipe.run.log_every):
        line = at.facts.line(run.feed.rank)
        at.facts = MetricSums()
        if main is not None:
            main.metrics.add(at.step, line)
        sentence = progress(at.step, run.steps, line, run.recipe.run.batch)
    if main is not None:
        main.reporter.advance(at.step, run.steps, sentence)


def _evaluate(run: Training, main: MainProcess | None) -> bool:
    """Evaluates in the first process if it is due, and shares the score with all; returns whether there is one.

    A signal cancels the evaluation; the resumed run starts with it.
    """
    table, at = run.recipe.evaluation, run.at
    if table is None or at.step == 0 or at.step in at.scores or not _is_due(run, table.every):
        return False
    _save(run, main)  # no step is lost if the evaluation fails
    score, figures = math.nan, dict[str, float]()
    if main is not None and main.validation is not None:
        with suppress(SignalReceived):
            found = main.validation(run.student.best)
            figures = {name: each.percent for name, each in found.items()}
            score = choosing_mean(found)
    score = run.feed.rank.broadcast(score)
    if math.isnan(score):
        return False
    at.scores[at.step] = score
    if main is not None:
        main.metrics.add(at.step, {**figures, SCORE: score})
        listed = ", ".join(f"{name} {percent:.1f} %" for name, percent in figures.items())
        main.reporter.note(f"step {at.step}: {listed}; score on the choosing halves {score:.1f} %")
    return True


def _save(run: Training, main: MainProcess | None) -> None:
    if main is not None:
        save_state(main.folder, run, best_step(main.folder, run.at) if run.recipe.patience else 0)


def _is_due(run: Training, every: int) -> bool:
    return run.at.step % every == 0 or run.at.step == run.steps


def _is_over(run: Training) -> bool:
    """Whether all steps are done, or the best score is `patience` evaluations old."""
    patience = run.recipe.patience
    scores = list(run.at.scores.values())
    stalled = patience and len(scores) > patience and max(scores[-patience:]) <= max(scores[:-patience])
    return bool(stalled) or run.at.step >= run.steps


def _seed(seed: int, step: int, rank: int) -> int:
    """The 63-bit random seed of one step in one process."""
    digest = hashlib.sha256(f"{seed}/{step}/{rank}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
