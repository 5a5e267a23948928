"""The evaluation that a run asks for every so many steps, as a function of the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.data.phrasing import CLASS_NAMES
from mctrain.data.shards import file_digest
from mctrain.errors import RecipeError
from mctrain.evaluation.measure import measure
from mctrain.evaluation.report import result_of
from mctrain.evaluation.subject import Subject
from mctrain.evaluation.tasks import (
    Blanks,
    BoxedPairs,
    DataComp,
    Folders,
    Pairs,
    Translations,
    ZeroShot,
    find_files,
    load_tasks,
)
from mctrain.teachers.towers import Towers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mctrain.evaluation.report import Figure
    from mctrain.evaluation.tasks import FoundTask
    from mctrain.models.clip import Clip
    from mctrain.models.presets import Preset
    from mctrain.recipes.training import EvaluationTable


@dataclass(frozen=True, slots=True)
class Exam:
    """What a model is asked on the way: the figures that a recipe names, of the tasks that were found.

    `look` is asked at each photo and may raise what breaks the exam off.
    """

    figures: tuple[str, ...]
    preset: Preset
    found: tuple[FoundTask, ...]
    look: Callable[[], None]

    def __call__(self, clip: Clip) -> dict[str, Figure]:
        """The figures by name.

        Raises:
            RecipeError: one of them is none of its task.
        """
        subject = Subject(Towers(clip, self.preset, "student", ""), lambda *_: self.look())
        results = [result_of(each.task.name, measure(subject, each), None) for each in self.found]
        figures = {f"{result.task}: {each.name}": each for result in results for each in result.figures}
        if strange := [name for name in self.figures if name not in figures]:
            raise RecipeError(
                f"There is no figure {strange[0]}; there are {', '.join(figures)}. With other evaluation.figures the same command "
                "goes on from here."
            )
        return {name: figures[name] for name in self.figures}

    def digest(self) -> str:
        """Of the tasks and of the files that they name, of folders of photos by names and sizes: scores of others are no measure of these.

        Raises:
            DataError: a file is missing.
        """
        tasks = [(repr(each.task), [_state_of(path) for path in _files(each)]) for each in self.found]
        return hashlib.sha256(repr(tasks).encode()).hexdigest()


def open_exam(
    table: EvaluationTable, preset: Preset, places: tuple[Path, Path | None, Path], look: Callable[[], None]
) -> Exam:
    """Finds what a recipe names, `TASK: FIGURE`.

    `places` are the folder of the data, a person's own list of tasks, and a folder for what is unpacked, which stays as
    long as the exam. `look` as in `Exam`.

    Raises:
        RecipeError: there is no such task, or less of its figures is better.
        DataError: its files are missing.
    """
    data, tasks, scratch = places
    named = load_tasks(tasks)
    wanted = {name.partition(": ")[0] for name in table.figures}
    asked = [task for task in named if task.name in wanted]
    others = wanted.difference(task.name for task in asked)
    # a suite may have tasks that its files name
    asked += [
        each
        for each in named
        if isinstance(each, DataComp) and any(name.startswith(f"{each.name} ") for name in others)
    ]
    if reversed_tasks := [task.name for task in asked if isinstance(task, Blanks)]:
        raise RecipeError(
            f"Of {reversed_tasks[0]} less is better, so that it cannot be in the score of a run; take it out of evaluation.figures."
        )
    found = find_files([task for task in named if task in asked], data, scratch)
    known = [each.task.name for each in found]
    if absent := wanted.difference(known):
        raise RecipeError(
            f"There is no task {min(absent)} to be measured; there are {', '.join(known or [each.name for each in named])}."
        )
    return Exam(table.figures, preset, tuple(each for each in found if each.task.name in wanted), look)


def _files(found: FoundTask) -> Iterator[Path]:
    """What is read for a task."""
    yield from found.photos
    match found.task:
        case ZeroShot() | Folders():
            yield found.data / CLASS_NAMES
        case Pairs() | BoxedPairs():
            yield found.data / found.task.pairs
        case Translations():
            yield found.data / found.task.texts
        case _:
            pass


def _state_of(path: Path) -> str:
    """Of a file its content; folders of photos are too large for that."""
    if not path.is_dir():
        return file_digest(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    return repr([(each.relative_to(path).as_posix(), each.stat().st_size) for each in files])


def choosing_mean(figures: dict[str, Figure]) -> float:
    """What a run is stopped by: the mean over the halves that settings are chosen by, or the whole of what has no such half."""
    halves = [each.percent if each.choosing is None else each.choosing for each in figures.values()]
    return sum(halves) / len(halves)
