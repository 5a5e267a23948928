"""Estimates the cost of a run on this machine from a minute of its steps; writes nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.models.clip import parameters
from mctrain.training.loop import take_step
from mctrain.training.metrics import duration
from mctrain.training.run import open_training, validation_of
from mctrain.training.step.ranks import join_ranks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from mctrain.recipes.training import TrainingRecipe
    from mctrain.training.environment import Reporter, RunFolders
    from mctrain.training.run import Start
    from mctrain.training.state import Training

_STEPS = 50
_SECONDS = 60.0
_SURE = 3  # fewest steps that show their spread
_WARM = 2  # steps that are not timed: they allocate, and wait for readers to start


def dry_run(
    recipe: TrainingRecipe,
    start: Start | None,
    folders: RunFolders,
    reporter: Reporter,
    *,
    workers: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[str]:
    """Lines for the user: parameters, photos per second, hours, disk. `clock` returns seconds.

    Raises:
        As `run.run_training`.
    """
    with join_ranks() as rank:
        began = time.perf_counter()
        run = open_training(recipe, start, folders, rank, workers=workers)
        opened = duration(time.perf_counter() - began)
        with validation_of(run, folders, lambda: None):
            pass  # reports a missing file now
        if rank.first:
            reporter.note(f"Taking steps for up to {_SECONDS:.0f} seconds.")
        times, waited, loss = _time(run, reporter, clock)
    return [
        _model(run),
        f"data       {len(run.feed.data)} photos; {run.steps} steps are {run.steps / run.feed.steps_of_pass:.1f} passes",
        *(
            [f"views      {recipe.frozen_views} of each photo, computed once in {opened}"]
            * bool(recipe.frozen_views)
        ),
        *_speed(run, times, waited),
        _disk(run),
        f"loss       {loss:.3f} after {run.at.step} steps",
    ]


def _time(
    run: Training, reporter: Reporter, clock: Callable[[], float]
) -> tuple[NDArray[np.float64], float, float]:
    """The times of steps in seconds, at the first rates of the schedule, their total wait for data, and the last one's loss."""
    count, loss = min(_STEPS, run.steps), 0.0
    batches = run.feed.batches(0, count)
    times, waited = list[float](), list[float]()
    while len(times) < count and not _is_late(run, times, _SECONDS):
        began = clock()
        batch = next(batches)
        loss = take_step(run, batch)["loss"]
        times.append(clock() - began)
        waited.append(batch.waited)
        run.at.step += 1
        if run.feed.rank.first:
            reporter.advance(run.at.step, count, f"{times[-1]:.1f} seconds a step")
    warm = min(_WARM, len(times) - 1)
    return np.array(times[warm:]), sum(waited[warm:]), loss


def _is_late(run: Training, times: list[float], seconds: float) -> bool:
    """Whether another step as long as the last would exceed the time limit; all processes decide together."""
    late = bool(times) and sum(times) + times[-1] > seconds
    return bool(run.feed.rank.max(int(late)))


def _speed(run: Training, times: NDArray[np.float64], waited: float) -> Iterator[str]:
    yield (
        f"speed      {run.recipe.run.batch / times.mean():.1f} photos a second on {run.feed.device}, "
        f"{waited / times.sum():.0%} of the time waiting for data"
    )
    least, most = (duration(run.steps * float(np.quantile(times, share))) for share in (0.1, 0.9))
    sure = f"{least} to {most} by the fastest and the slowest of {len(times)} steps"
    if len(times) < _SURE:
        sure = f"a rough estimate (half to twice that) after {len(times)} of such steps"
    yield f"time       {duration(run.steps * float(times.mean()))}, {sure}; without evaluations"


def _disk(run: Training) -> str:
    """The peak disk use: the last states, and the one with the best score if early stopping is on."""
    size, keep, best = _bytes(run.student.state()), run.recipe.run.keep, run.recipe.patience > 0
    whole = _bytes(run.student.clip.state_dict())
    return (
        f"disk       {((keep + best + 1) * size + whole) / 1e6:.0f} MB: the model of {whole / 1e6:.0f} MB, {keep} state{'s' * (keep > 1)} of {size / 1e6:.0f} MB, "
        f"{'the one with the best score, ' * best}and one being written"
    )


def _bytes(content: object) -> int:
    """The size of the tensors in a state."""
    if isinstance(content, dict):
        return sum(map(_bytes, content.values()))
    return content.nbytes if isinstance(content, torch.Tensor) else 0


def _model(run: Training) -> str:
    clip = run.student.clip
    moving = sum(each.numel() for each in clip.parameters() if each.requires_grad)
    assert clip.text is not None
    return (
        f"model      image tower {parameters(clip.image) / 1e6:.1f} M numbers, text tower {parameters(clip.text) / 1e6:.1f} M; "
        f"{moving / 1e6:.1f} M of them learn"
    )
