"""The evaluation that a run asks for every so many steps, as a function of the model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.errors import RecipeError
from mctrain.evaluation.measure import measure
from mctrain.evaluation.report import result_of
from mctrain.evaluation.subject import Subject
from mctrain.evaluation.tasks import find_files, load_tasks
from mctrain.teachers.towers import Towers

if TYPE_CHECKING:
    from mctrain.evaluation.report import Figure
    from mctrain.models.clip import Clip
    from mctrain.models.presets import Preset
    from mctrain.training.recipe import EvaluationTable

Exam = Callable[["Clip"], "dict[str, Figure]"]


def open_exam(table: EvaluationTable, preset: Preset, data: Path, tasks: Path | None) -> Exam:
    """The figures that a recipe names, `TASK: FIGURE`, of the tasks that ship or of a person's own list.

    Raises:
        RecipeError: there is no such task.
        DataError: its files are missing.
    """
    named = load_tasks(tasks)
    wanted = {name.partition(": ")[0] for name in table.figures}
    if strange := wanted - {task.name for task in named}:
        raise RecipeError(
            f"There is no task {min(strange)} to be measured; there are {', '.join(task.name for task in named)}."
        )
    asked = [task for task in named if task.name in wanted]

    def exam(clip: Clip) -> dict[str, Figure]:
        with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
            subject = Subject(Towers(clip, preset, "student", ""), lambda *_: None)
            found = [
                result_of(own.task.name, measure(subject, own), None)
                for own in find_files(asked, data, Path(scratch))
            ]
        figures = {f"{result.task}: {own.name}": own for result in found for own in result.figures}
        if strange := [name for name in table.figures if name not in figures]:
            raise RecipeError(f"There is no figure {strange[0]}; there are {', '.join(figures)}.")
        return {name: figures[name] for name in table.figures}

    return exam


def choosing_mean(figures: dict[str, Figure]) -> float:
    """What a run is stopped by: the mean over the halves that settings are chosen by, or the whole of what has no such half."""
    halves = [own.percent if own.choosing is None else own.choosing for own in figures.values()]
    return sum(halves) / len(halves)
