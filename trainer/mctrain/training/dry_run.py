"""What a run would cost on this machine: some steps of it, with nothing written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from mctrain.models.sizes import parameters
from mctrain.training.facts import Facts
from mctrain.training.loop import take_step
from mctrain.training.ranks import joined
from mctrain.training.run import examined, open_training

if TYPE_CHECKING:
    from mctrain.training.loop import Training
    from mctrain.training.recipe import TrainingRecipe
    from mctrain.training.run import Start
    from mctrain.training.surroundings import Places

_STEPS = 50
_WARM = 2  # the first ones allocate, and wait for readers that start


def dry_run(recipe: TrainingRecipe, start: Start | None, places: Places, *, workers: int) -> list[str]:
    """Lines for a person: parameters, photos a second, hours, disk.

    Raises:
        As `run.follow`.
    """
    with joined() as rank:
        run = open_training(recipe, start, places, rank, workers=workers)
        with examined(run, places, lambda: None):
            pass  # a file that is missing is told now
        count, facts = min(_STEPS, run.steps), Facts()
        lessons = run.feed.lessons(0, count)
        for number in range(count):
            began = time.perf_counter()
            lesson = next(lessons)
            values = take_step(run, lesson)
            if number >= min(_WARM, count - 1):
                facts.add(recipe.run.batch, time.perf_counter() - began, lesson.waited, values)
            run.at.step += 1
        told = facts.line(rank)
    speed, size = told["photos_a_second"], _bytes(run.student.state())
    return [
        _model(run),
        f"data       {len(run.feed.data)} photos; {run.steps} steps are {run.steps / run.feed.steps_of_pass:.1f} passes",
        f"speed      {speed:.1f} photos a second on {run.feed.device}, {told['waiting']:.0%} of the time waiting for data",
        f"time       {run.steps * recipe.run.batch / speed / 3600:.1f} hours without what is measured on the way",
        f"disk       {(recipe.run.keep + 1) * size / 1e6:.0f} MB: {recipe.run.keep} states of {size / 1e6:.0f} MB and one in the making",
        f"loss       {values['loss']:.3f} after {count} steps",
    ]


def _bytes(content: object) -> int:
    """Of the tensors in a state."""
    if isinstance(content, dict):
        return sum(map(_bytes, content.values()))
    return content.nbytes if isinstance(content, torch.Tensor) else 0


def _model(run: Training) -> str:
    clip = run.student.clip
    moving = sum(own.numel() for own in clip.parameters() if own.requires_grad)
    assert clip.text is not None
    return (
        f"model      image tower {parameters(clip.image) / 1e6:.1f} M numbers, text tower {parameters(clip.text) / 1e6:.1f} M; "
        f"{moving / 1e6:.1f} M of them learn"
    )
