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
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from mctrain.data.blanks import EVALUATION, pack_blanks
from mctrain.data.held_out import pack_everyday
from mctrain.data.phrasing import CLASS_NAMES
from mctrain.data.shard_names import find_shards
from mctrain.errors import DataError, RecipeError
from mctrain.evaluation.datacomp import MAIN, folder_of, tasks_in
from mctrain.recipes.parser import parse
from mctrain.recipes.tables import CLOSED, Names, Positive
from picsight_engine.bundles.bundle import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Sequence

By = Literal["relation", "attribute"]

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
class Pairs:
    """A photo is nearer to its caption than to a hard negative; `pairs` is a file of JSON lines."""

    name: str
    shards: tuple[str, ...]
    pairs: str


@dataclass(frozen=True, slots=True, config=CLOSED)
class WordOrder:
    """A photo is nearer to its caption than to the same words in another order; the first `captions` of each photo are used."""

    name: str
    shards: tuple[str, ...]
    captions: Positive


@dataclass(frozen=True, slots=True, config=CLOSED)
class Translations:
    """Sentences find their photo, in each language of `texts`, a file of JSON lines."""

    name: str
    shards: tuple[str, ...]
    texts: str
    languages: Names


@dataclass(frozen=True, slots=True, config=CLOSED)
class BoxedPairs:
    """The same for boxes in the photos of the folder `images`, by relation or by attribute; `pairs` is a JSON list."""

    name: str
    pairs: str
    images: str
    by: By


@dataclass(frozen=True, slots=True, config=CLOSED)
class DataComp:
    """Those of DataComp's 38 tasks that have a folder in `folder`, and their average if all do."""

    name: str
    folder: str


@dataclasses.dataclass(frozen=True, slots=True)
class Benchmark:
    """One of these tasks, by its published name; `suite` is the list's name for all of them."""

    suite: str
    task: str

    @property
    def name(self) -> str:
        """The name of the task in results."""
        return f"{self.suite} {self.task}"


Named = Retrieval | ZeroShot | Folders | Pairs | WordOrder | Translations | BoxedPairs
Task = Named | Everyday | Blanks | DataComp
Asked = Named | Everyday | Blanks | Benchmark


@dataclass(frozen=True, slots=True, config=CLOSED)
class _List:
    """The tables of a task list, by kind."""

    retrieval: tuple[Retrieval, ...] = ()
    zero_shot: tuple[ZeroShot, ...] = ()
    folders: tuple[Folders, ...] = ()
    everyday: tuple[Everyday, ...] = ()
    blanks: tuple[Blanks, ...] = ()
    pairs: tuple[Pairs, ...] = ()
    order: tuple[WordOrder, ...] = ()
    translations: tuple[Translations, ...] = ()
    boxed_pairs: tuple[BoxedPairs, ...] = ()
    datacomp: tuple[DataComp, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class FoundTask:
    """A task with its shards or photo folder, the data folder, and the files in it that the task reads besides."""

    task: Asked
    photos: tuple[Path, ...]
    data: Path
    beside: tuple[Path, ...] = ()


def load_tasks(path: Path | None = None) -> tuple[Task, ...]:
    """The tasks of a list, or of the built-in one.

    Raises:
        RecipeError: there is no such list, or a key is missing, unknown or of another type.
    """
    path = path or Path(str(resources.files("mctrain"))) / "evaluation" / TASKS
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise RecipeError(f"The list of tasks {path} cannot be read: {fault}.") from fault
    listed = parse(_List, content, str(path))
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
    named: list[FoundTask] = []
    for task in tasks:
        match task:
            case Everyday() | Blanks():
                named.append(FoundTask(task, (), data))
            case DataComp():
                named += _benchmarks(task, data)
            case _:
                named.append(_named(task, data))
    if not any(isinstance(task, Everyday | Blanks) for task in tasks):
        return named
    everyday = (pack_everyday(data, scratch),)
    blanks = (*everyday, pack_blanks(EVALUATION, _BLANKS, scratch))
    packed: dict[type[Asked], tuple[Path, ...]] = {Everyday: everyday, Blanks: blanks}
    return [dataclasses.replace(each, photos=packed.get(type(each.task), each.photos)) for each in named]


def _benchmarks(suite: DataComp, data: Path) -> list[FoundTask]:
    folder = _folder(suite.name, data / suite.folder)
    there = tasks_in(folder)
    if not there:
        raise DataError(
            f"The task {suite.name} finds none of DataComp's {len(MAIN)} in {folder}, where it looks for folders such as "
            f"{folder_of('cifar10')}."
        )
    return [FoundTask(Benchmark(suite.name, task), (folder / folder_of(task),), data) for task in there]


def _named(task: Named, data: Path) -> FoundTask:
    match task:
        case Folders() | BoxedPairs():
            folder = task.folder if isinstance(task, Folders) else task.images
            photos = [_folder(task.name, data / folder)]
        case _:
            photos = find_shards(data, task.shards)
    match task:
        case ZeroShot() | Folders():
            beside = [CLASS_NAMES]
        case Pairs() | BoxedPairs():
            beside = [task.pairs]
        case _:
            beside = [task.texts] if isinstance(task, Translations) else []
    if not photos:
        raise DataError(f"The task {task.name} names no shard; give it some.")
    return FoundTask(task, tuple(photos), data, tuple(find_shards(data, beside)))


def _folder(task: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise DataError(f"The task {task} has no folder {folder}; choose the folder that has it.")
    return folder
