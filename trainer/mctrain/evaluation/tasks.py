"""Evaluation tasks as data: one frozen record per task, read from a TOML list; unknown keys are errors.

A list has one table per task, grouped by kind (`[[retrieval]]`, `[[zero_shot]]`, …). Every file is named explicitly; its
role never depends on its name.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, runtime_checkable

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from mctrain.data.blanks import EVALUATION, pack_blanks
from mctrain.data.held_out import pack_everyday
from mctrain.data.phrasing import CLASS_NAMES
from mctrain.data.shard_names import find_shards
from mctrain.errors import DataError, RecipeError
from mctrain.recipes.parser import parse
from mctrain.recipes.tables import CLOSED, Names
from picsight_engine.bundles.bundle import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mctrain.evaluation.evaluated_model import EvaluatedModel
    from mctrain.evaluation.outcome import Answers

TASKS = "tasks.toml"
_BLANKS = 50


def _with_a_place(templates: tuple[str, ...]) -> tuple[str, ...]:
    if not templates or not all("{}" in each for each in templates):
        raise ValueError("should be templates, each with {} where the name goes")
    return templates


Templates = Annotated[tuple[str, ...], AfterValidator(_with_a_place)]


@dataclass(frozen=True, slots=True, config=CLOSED)
class Retrieval:
    """Captions find their photo, and a photo finds any of its captions."""

    name: str
    shards: tuple[str, ...]


@dataclass(frozen=True, slots=True, config=CLOSED)
class ZeroShot:
    """Photos with a `class_index` find their name among `classes`, a list in `classnames.json`, put into `templates`."""

    name: str
    shards: tuple[str, ...]
    classes: str
    templates: Templates = TEMPLATES


@dataclass(frozen=True, slots=True, config=CLOSED)
class Folders:
    """The same for a folder with one folder of photos per class, as in robustness sets.

    A folder's name is its class id: `ids` and `classes` are parallel lists in `classnames.json`, and may be the same
    list. Only classes with a folder are used.
    """

    name: str
    folder: str
    ids: str
    classes: str
    templates: Templates = TEMPLATES


@dataclass(frozen=True, slots=True, config=CLOSED)
class Everyday:
    """Short searches find their photo, or another one with a query that contains all of their words."""

    name: str


@dataclass(frozen=True, slots=True, config=CLOSED)
class Blanks:
    """The same searches find no blank pictures added to the same photos."""

    name: str


@dataclass(frozen=True, slots=True, config=CLOSED)
class Translations:
    """Sentences find their photo, in each language of `texts`, a file of JSON lines."""

    name: str
    shards: tuple[str, ...]
    texts: str
    languages: Names


class ListedTask(Protocol):
    """A table of a list, of a kind that this room does not know."""

    @property
    def name(self) -> str:
        """The name in the list."""

    def find(self, data: Path) -> list[FoundTask]:
        """The task, or the tasks that it stands for, with their files in the data folder.

        Raises:
            DataError: a file is missing.
        """


class FurtherTask(Protocol):
    """A task of a kind that this room does not know, which measures itself."""

    @property
    def name(self) -> str:
        """The name in results."""

    def answers(self, model: EvaluatedModel, found: FoundTask) -> Answers:
        """The answers of a model.

        Raises:
            DataError: a file is damaged, or does not have what the task asks for.
        """


@runtime_checkable
class Suite(Protocol):
    """A task that stands for several, as its files say, and has a figure for all of them."""

    @property
    def name(self) -> str:
        """The name of the suite; those of its tasks begin with it and a space."""

    def combined(self, answers: Mapping[str, Answers]) -> Answers:
        """The answers to its tasks, by their names, as those to one.

        Raises:
            DataError: one is missing.
        """


EverydayTask = Retrieval | ZeroShot | Folders | Everyday | Blanks | Translations
Task = EverydayTask | ListedTask
KINDS: Mapping[str, type[Task]] = {
    "retrieval": Retrieval,
    "zero_shot": ZeroShot,
    "folders": Folders,
    "everyday": Everyday,
    "blanks": Blanks,
    "translations": Translations,
}


@dataclasses.dataclass(frozen=True, slots=True)
class FoundTask:
    """A task with its shards or photo folder, the data folder, and the files in it that the task reads besides."""

    task: EverydayTask | FurtherTask
    photos: tuple[Path, ...]
    data: Path
    beside: tuple[Path, ...] = ()
    suite: Suite | None = None


def load_tasks(path: Path | None, kinds: Mapping[str, type[Task]]) -> tuple[Task, ...]:
    """The tasks of a list, or of the built-in one; each table of the list has its kind as the name.

    Raises:
        RecipeError: there is no such list, or a key is missing, unknown or of another type.
    """
    path = path or Path(str(resources.files("mctrain"))) / "evaluation" / TASKS
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise RecipeError(f"The list of tasks {path} cannot be read: {fault}.") from fault
    tables = [(name, tuple[kind, ...], ()) for name, kind in kinds.items()]  # type: ignore[valid-type]
    listed = parse(
        dataclass(dataclasses.make_dataclass("TaskList", tables), config=CLOSED), content, str(path)
    )
    tasks = tuple(task for kind in content for task in getattr(listed, kind))
    if not tasks:
        raise RecipeError(f"The list {path} has no task; add tables such as [[retrieval]].")
    (name, count), *_ = Counter(task.name for task in tasks).most_common(1)
    if count > 1:
        raise RecipeError(f"The list {path} has {count} tasks named {name}; give each a unique name.")
    return tasks


def find_files(tasks: Sequence[Task], data: Path, scratch: Path) -> list[FoundTask]:
    """The files of each task; everyday photos and blanks are packed into `scratch`.

    Raises:
        DataError: one is missing.
    """
    named = [found for task in tasks for found in _find(task, data)]
    if not any(isinstance(task, Everyday | Blanks) for task in tasks):
        return named
    everyday = (pack_everyday(data, scratch),)
    blanks = (*everyday, pack_blanks(EVALUATION, _BLANKS, scratch))
    packed: dict[type, tuple[Path, ...]] = {Everyday: everyday, Blanks: blanks}
    return [dataclasses.replace(found, photos=packed.get(type(found.task), found.photos)) for found in named]


def _find(task: Task, data: Path) -> list[FoundTask]:
    match task:
        case Everyday() | Blanks():
            return [FoundTask(task, (), data)]
        case Folders():
            return [found_task(task, data, [folder_of_task(task.name, data / task.folder)], [CLASS_NAMES])]
        case ZeroShot():
            return [found_task(task, data, find_shards(data, task.shards), [CLASS_NAMES])]
        case Translations():
            return [found_task(task, data, find_shards(data, task.shards), [task.texts])]
        case Retrieval():
            return [found_task(task, data, find_shards(data, task.shards))]
        case _:
            return task.find(data)


def found_task(
    task: EverydayTask | FurtherTask, data: Path, photos: Sequence[Path], beside: Sequence[str] = ()
) -> FoundTask:
    """A task with its photos, and the files beside them by their names in the data folder.

    Raises:
        DataError: it has no photos, or a file is missing.
    """
    if not photos:
        raise DataError(f"The task {task.name} names no shard; give it some.")
    return FoundTask(task, tuple(photos), data, tuple(find_shards(data, beside)))


def folder_of_task(task: str, folder: Path) -> Path:
    """The folder; raises DataError if it is missing."""
    if not folder.is_dir():
        raise DataError(f"The task {task} has no folder {folder}; choose the folder that has it.")
    return folder
