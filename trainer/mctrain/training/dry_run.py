"""Estimates the cost of a run on this machine from a minute of its steps; writes nothing."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.models.clip import parameters
from mctrain.training.loop import take_step
from mctrain.training.metrics import duration
from mctrain.training.ranks import join_ranks
from mctrain.training.run import open_training, validation_of

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
_WARM = 2  # steps per size that are not timed: they allocate, and wait for readers to start


@dataclass(frozen=True, slots=True)
class _Timed:
    """Photos of one size: `steps` in the run, the `times` in seconds of the measured ones, and their total wait for data."""

    size: int
    steps: int
    times: NDArray[np.float64]
    waited: float

    @property
    def seconds(self) -> float:
        """The estimated time of all these steps."""
        return self.steps * float(self.times.mean())


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
        run = open_training(recipe, start, folders, rank, workers=workers)
        with validation_of(run, folders, lambda: None):
            pass  # reports a missing file now
        if rank.first:
            reporter.note(f"Taking steps for up to {_SECONDS:.0f} seconds.")
        timed, loss = _time(run, reporter, clock)
    return [
        _model(run),
        f"data       {len(run.feed.data)} photos; {run.steps} steps are {run.steps / run.feed.steps_of_pass:.1f} passes",
        *_speed(run, timed),
        _disk(run),
        f"loss       {loss:.3f} after {run.at.step} steps",
    ]


def _time(run: Training, reporter: Reporter, clock: Callable[[], float]) -> tuple[list[_Timed], float]:
    """Times steps of each photo size, at the first rates of the schedule; and returns the loss of the last one.

    Each size gets the same share of steps and time, and at least one step.
    """
    size_ranges = defaultdict[int, list[range]](list)
    for steps in run.feed.size_ranges(run.steps):
        size_ranges[run.feed.size_at(steps.start)].append(steps)
    timed, loss = list[_Timed](), 0.0
    for size, found in size_ranges.items():
        longest = max(found, key=len)
        count = min(max(1, _STEPS // len(size_ranges)), len(longest))
        batches = run.feed.batches(longest.start, longest.start + count)
        times, waited = list[float](), list[float]()
        while len(times) < count and not _is_late(run, times, _SECONDS / len(size_ranges)):
            began = clock()
            batch = next(batches)
            loss = take_step(run, batch)["loss"]
            times.append(clock() - began)
            waited.append(batch.waited)
            run.at.step += 1
            if run.feed.rank.first:
                reporter.advance(run.at.step, min(_STEPS, run.steps), f"{times[-1]:.1f} seconds a step")
        warm = min(_WARM, len(times) - 1)
        timed.append(_Timed(size, sum(map(len, found)), np.array(times[warm:]), sum(waited[warm:])))
    return timed, loss


def _is_late(run: Training, times: list[float], seconds: float) -> bool:
    """Whether another step as long as the last would exceed the time limit; all processes decide together."""
    late = bool(times) and sum(times) + times[-1] > seconds
    return bool(run.feed.rank.max(int(late)))


def _speed(run: Training, timed: list[_Timed]) -> Iterator[str]:
    """The speed of the whole run; each size is weighted by its time."""
    batch = run.recipe.run.batch
    seconds = sum(item.seconds for item in timed)
    waiting = sum(item.seconds * item.waited / item.times.sum() for item in timed) / seconds
    sizes = ", ".join(f"{batch / item.times.mean():.1f} of {item.size} pixels" for item in timed)
    by_size = f" ({sizes})" if len(timed) > 1 else ""
    yield (
        f"speed      {run.steps * batch / seconds:.1f} photos a second{by_size} on {run.feed.device}, "
        f"{waiting:.0%} of the time waiting for data"
    )
    least, most = (
        duration(sum(item.steps * float(np.quantile(item.times, share)) for item in timed))
        for share in (0.1, 0.9)
    )
    counted = min(len(item.times) for item in timed)
    sure = f"{least} to {most} by the fastest and the slowest of {counted} steps"
    if counted < _SURE:
        sure = f"a rough estimate (half to twice that) after {counted} of such steps"
    yield f"time       {duration(seconds)}, {sure}; without evaluations"


def _disk(run: Training) -> str:
    """The peak disk use: the last states, and the one with the best score if early stopping is on."""
    size, keep, best = _bytes(run.student.state()), run.recipe.run.keep, run.recipe.patience > 0
    return (
        f"disk       {(keep + best + 1) * size / 1e6:.0f} MB: {keep} state{'s' * (keep > 1)} of {size / 1e6:.0f} MB, "
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
