"""What a run would cost on this machine: some steps of it, with nothing written."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.models.sizes import parameters
from mctrain.training.loop import take_step
from mctrain.training.ranks import joined
from mctrain.training.run import open_training
from mctrain.training.state import save_state

if TYPE_CHECKING:
    from mctrain.training.loop import Training
    from mctrain.training.recipe import TrainingRecipe
    from mctrain.training.run import Places, Start

_STEPS = 50
_WARM = 2  # the first ones allocate, and wait for readers that start


def dry_run(recipe: TrainingRecipe, start: Start | None, places: Places, *, workers: int) -> list[str]:
    """Lines for a person: parameters, photos a second, hours, disk.

    Raises:
        As `run.follow`.
    """
    with joined() as rank, tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        run = open_training(recipe, start, places, Path(scratch), rank, workers=workers)
        count = min(_STEPS, run.steps)
        begun, waited = time.perf_counter(), 0.0
        for number, lesson in enumerate(run.feed.lessons(0, count)):
            if number == min(_WARM, count - 1):
                begun, waited = time.perf_counter(), 0.0
            values = take_step(run, lesson)
            waited += lesson.waited
            run.at.step += 1
        seconds = time.perf_counter() - begun
        size = save_state(Path(scratch), recipe, run.student, run.at).stat().st_size
    speed = (count - min(_WARM, count - 1)) * recipe.run.batch / seconds
    return [
        _model(run),
        f"data       {len(run.feed.data)} photos; {run.steps} steps are {run.steps / run.feed.steps_of_pass:.1f} passes",
        f"speed      {speed:.1f} photos a second on {run.feed.device}, {waited / seconds:.0%} of the time waiting for data",
        f"time       {run.steps * recipe.run.batch / speed / 3600:.1f} hours without what is measured on the way",
        f"disk       {(recipe.run.keep + 1) * size / 1e6:.0f} MB: {recipe.run.keep} states of {size / 1e6:.0f} MB and one in the making",
        f"loss       {values['loss']:.3f} after {count} steps",
    ]


def _model(run: Training) -> str:
    clip = run.student.clip
    moving = sum(own.numel() for own in clip.parameters() if own.requires_grad)
    assert clip.text is not None
    return (
        f"model      image tower {parameters(clip.image) / 1e6:.1f} M numbers, text tower {parameters(clip.text) / 1e6:.1f} M; "
        f"{moving / 1e6:.1f} M of them learn"
    )
