"""The state of a run between two steps, one file each; a run that was stopped, or killed, goes on from the last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mctrain.errors import TrainerError
from mctrain.weights.files import read_saved, write_saved

if TYPE_CHECKING:
    from pathlib import Path

    from mctrain.training.recipe import TrainingRecipe
    from mctrain.training.student import Student

_NAME = re.compile(r"step-(\d{8})\.pt")


@dataclass(slots=True)
class Position:
    """How far a run is: steps that are done, the scores at each evaluation by step."""

    step: int
    scores: dict[int, float]


def states(folder: Path) -> list[Path]:
    """The files of states, the latest last."""
    return sorted(path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name))


def save_state(folder: Path, recipe: TrainingRecipe, student: Student, at: Position) -> Path:
    """Writes a state whole, and removes the oldest beyond those that the recipe keeps.

    Raises:
        WeightsError: the disk refuses it.
    """
    path = folder / f"step-{at.step:08}.pt"
    write_saved(
        path,
        {
            "recipe": recipe.digest(),
            "step": at.step,
            "scores": dict(at.scores),
            "weights": student.clip.state_dict(),
            "average": student.average.module.state_dict() if student.average else None,
            "optimizer": student.optimizer.state_dict(),
            "scaler": student.precision.scaler.state_dict(),
            "augment": student.augment.state_dict() if student.augment else None,
        },
    )
    for old in states(folder)[: -recipe.run.keep]:
        old.unlink(missing_ok=True)
    return path


def load_state(folder: Path, recipe: TrainingRecipe, student: Student) -> Position:
    """Brings a student to the last state of a folder; where there is none, it stays at its beginning.

    Raises:
        TrainerError: the folder holds a run of another recipe, or the file is damaged.
    """
    if not (found := states(folder)):
        return Position(0, {})
    content = cast("dict[str, Any]", read_saved(found[-1]))
    try:
        if content["recipe"] != recipe.digest():
            raise TrainerError(f"{folder} holds a run of another recipe; choose another folder with -o.")
        student.clip.load_state_dict(content["weights"])
        if student.average is not None:
            student.average.module.load_state_dict(content["average"])
            student.average.n_averaged.fill_(content["step"] + 1)
        student.optimizer.load_state_dict(content["optimizer"])
        student.precision.scaler.load_state_dict(content["scaler"])
        if student.augment is not None:
            student.augment.load_state_dict(content["augment"])
        return Position(content["step"], dict(content["scores"]))
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as fault:
        raise TrainerError(
            f"{found[-1]} is damaged; remove it, and the run goes on from the one before."
        ) from fault
