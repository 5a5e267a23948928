"""The evaluation during a run, as a function of the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.data.shards import file_digest
from mctrain.errors import RecipeError
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.measure import measure
from mctrain.evaluation.report import result_of
from mctrain.evaluation.tasks import Blanks, Suite, find_files
from mctrain.teachers.towers import ModelTeacher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mctrain.evaluation.report import Figure
    from mctrain.evaluation.tasks import FoundTask, Task
    from mctrain.models.clip import Clip
    from mctrain.models.presets import Preset
    from mctrain.recipes.training import EvaluationTable


@dataclass(frozen=True, slots=True)
class Validation:
    """Computes the figures that a recipe names, on the tasks that were found.

    `check` is called for each photo and may raise to cancel the validation.
    """

    figures: tuple[str, ...]
    preset: Preset
    found: tuple[FoundTask, ...]
    check: Callable[[], None]

    def __call__(self, clip: Clip) -> dict[str, Figure]:
        """The figures by name; raises RecipeError if a task has no such figure."""
        model = EvaluatedModel(ModelTeacher(clip, self.preset, "student", ""), lambda *_: self.check())
        results = [result_of(each.task.name, measure(model, each), None) for each in self.found]
        figures = {f"{result.task}: {each.name}": each for result in results for each in result.figures}
        if strange := [name for name in self.figures if name not in figures]:
            raise RecipeError(
                f"There is no figure {strange[0]}; there are {', '.join(figures)}. Change evaluation.figures; the same command "
                "then resumes from here."
            )
        return {name: figures[name] for name in self.figures}

    def digest(self) -> str:
        """Digest of the tasks and their files (names and sizes for folders of photos); only scores with equal digests compare.

        Raises:
            DataError: a file is missing.
        """
        tasks = [
            (repr(found.task), [_state_of(path) for path in (*found.photos, *found.beside)])
            for found in self.found
        ]
        return hashlib.sha256(repr(tasks).encode()).hexdigest()


def open_validation(
    table: EvaluationTable,
    preset: Preset,
    folders: tuple[Path, Sequence[Task], Path],
    check: Callable[[], None],
) -> Validation:
    """Finds the tasks of a recipe's `TASK: FIGURE` entries.

    `folders` are the data folder, the tasks on it, and a folder for unpacked files, which must outlive the
    validation. `check` as in `Validation`.

    Raises:
        RecipeError: there is no such task, or lower is better for its figures.
        DataError: its files are missing.
    """
    data, named, scratch = folders
    wanted = {name.partition(": ")[0] for name in table.figures}
    others = tuple(wanted.difference(task.name for task in named))
    # the files of a suite may define its tasks
    asked = [
        task
        for task in named
        if task.name in wanted
        or (isinstance(task, Suite) and any(name.startswith(f"{task.name} ") for name in others))
    ]
    if reversed_tasks := [task.name for task in asked if isinstance(task, Blanks)]:
        raise RecipeError(
            f"Lower is better for {reversed_tasks[0]}, so it cannot be in the score of a run; remove it from evaluation.figures."
        )
    found = find_files(asked, data, scratch)
    known = [each.task.name for each in found]
    if absent := wanted.difference(known):
        raise RecipeError(
            f"There is no task {min(absent)} to measure; there are {', '.join(known or [each.name for each in named])}."
        )
    return Validation(table.figures, preset, tuple(each for each in found if each.task.name in wanted), check)


def _state_of(path: Path) -> str:
    """A file's content digest; folders of photos are too large for one."""
    if not path.is_dir():
        return file_digest(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    return repr([(each.relative_to(path).as_posix(), each.stat().st_size) for each in files])


def choosing_mean(figures: dict[str, Figure]) -> float:
    """The score for early stopping: the mean over the choosing halves, or over the whole set where there is none."""
    halves = [each.percent if each.choosing is None else each.choosing for each in figures.values()]
    return sum(halves) / len(halves)
