"""Runs tasks on a model; everyday searches also by graded judgements of relevance.

Labels miss about half of what is right; judgements miss nearly nothing of what the judged models show first. A vision-language
model judged each pair of a search and a photo twice, from small pictures in two orders; pairs on which it agreed with
itself count. Photos without a judgement are passed over, and the share of judged ones says how far to trust the figures.
"""

from __future__ import annotations

from collections import Counter
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mctrain.data.phrasing import CLASS_NAMES, class_names
from mctrain.data.sources.listing import sound_records
from mctrain.data.texts import CAPTIONS, QUERIES
from mctrain.errors import DataError
from mctrain.evaluation.outcome import Answers, Outcome
from mctrain.evaluation.report import result_of
from mctrain.evaluation.retrieval import (
    blank_outcomes,
    class_vectors,
    classification,
    flattened,
    recall,
    retrieval,
    right_photos,
    search_recall,
)
from mctrain.evaluation.tasks import Blanks, Everyday, Folders, Retrieval, Translations, ZeroShot
from picsight_engine.photos.colours import colour_table, nats_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.evaluated_model import EvaluatedModel, Gallery
    from mctrain.evaluation.report import TaskResult
    from mctrain.evaluation.tasks import FoundTask, FurtherTask, Suite


_JUDGED_FILE = "everyday-judged.tsv"
DEPTH = 10
GRADES = (2, 1, 0)  # right, nearly, wrong: the columns of the file
RIGHT, UNJUDGED = 2, -1


def measure_all(
    models: Sequence[EvaluatedModel], asked: Sequence[FoundTask]
) -> tuple[list[list[TaskResult]], list[str]]:
    """Each model's results on the same tasks, compared with the next model's; and why averages are missing.

    Raises:
        DataError: a file is damaged, or lacks data that the task needs.
    """
    results: list[list[TaskResult]] = [[] for _ in models]
    refusals = []
    suites: dict[Suite, list[dict[str, Answers]]] = {}
    for found in asked:
        answers = [measure(each, found) for each in models]
        _record(results, found.task.name, answers)
        if found.suite is not None:
            by_subject = suites.setdefault(found.suite, [{} for _ in models])
            for answered, to_it in zip(by_subject, answers, strict=True):
                answered[found.task.name] = to_it
    for suite, by_subject in suites.items():
        try:
            _record(results, suite.name, [suite.combined(answered) for answered in by_subject])
        except DataError as refusal:
            refusals.append(f"{suite.name}: {len(by_subject[0])} tasks are there. {refusal}")
    return results, refusals


def _record(results: list[list[TaskResult]], task: str, answers: Sequence[Answers]) -> None:
    for place, of_model in enumerate(results):
        of_model.append(result_of(task, *answers[place:]))


def measure(model: EvaluatedModel, found: FoundTask) -> Answers:
    """The answers to one task; raises DataError if a file is damaged, or does not have what the task asks for."""
    known = _MEASURES.get(type(found.task))
    if known is not None:
        return known(model, found.task, found)
    return cast("FurtherTask", found.task).answers(model, found)


def _retrieval(model: EvaluatedModel, task: Retrieval, found: FoundTask) -> Answers:
    gallery = model.gallery(found.photos)
    texts, rows = flattened(captions_of(gallery, task.name))
    asked, owner = _asked(gallery, rows, task.name)
    wanted, photos = ranking_vectors(model, texts, asked)
    return Answers(asked.keys, len(texts), tuple(retrieval(photos, wanted, owner)))


def _everyday(model: EvaluatedModel, _: Everyday, found: FoundTask) -> Answers:
    gallery = model.gallery(found.photos)
    queries = [each.synthetic[QUERIES] for each in gallery.texts]
    texts, owner = flattened(queries)
    wanted, photos = ranking_vectors(model, texts, gallery)
    outcomes = search_recall(photos, wanted, owner, right_photos(queries))
    asked, grades = grades_of(read_judgements(), texts, gallery.keys)
    if len(asked):
        outcomes += relevance_outcomes(wanted[asked] @ photos.T, grades, owner[asked])
    return Answers(gallery.keys, len(texts), tuple(outcomes))


def _blanks(model: EvaluatedModel, _: Blanks, found: FoundTask) -> Answers:
    gallery, blanks = (model.gallery([shard]) for shard in found.photos)
    texts, owner = flattened([each.synthetic[QUERIES] for each in gallery.texts])
    kinds = [str(each.about["kind"]) for each in blanks.texts]
    wanted, photos, shown = ranking_vectors(model, texts, gallery, blanks)
    outcomes = blank_outcomes(photos, shown, wanted, owner, kinds)
    return Answers(gallery.keys, len(texts), tuple(outcomes), less_is_better=True)


def _zero_shot(model: EvaluatedModel, task: ZeroShot, found: FoundTask) -> Answers:
    gallery, names = model.gallery(found.photos), class_names(found.data, task.classes)
    labels: list[Any] = [each.about.get("class_index") for each in gallery.texts]
    for key, label in zip(gallery.keys, labels, strict=True):
        if type(label) is not int or not 0 <= label < len(names):
            raise DataError(
                f"{key} has the class_index {label}, but {task.name} has only the {len(names)} classes of {task.classes}; "
                "name the list that belongs to its shards."
            )
    return _classified(model, gallery, names, labels, task.templates)


def _folders(model: EvaluatedModel, task: Folders, found: FoundTask) -> Answers:
    gallery = model.gallery(found.photos)
    ids, names = (class_names(found.data, each) for each in (task.ids, task.classes))
    if len(ids) != len(names):
        raise DataError(
            f"{task.name} needs parallel lists, but in {found.data / CLASS_NAMES} {task.ids} has {len(ids)} names, "
            f"{task.classes} {len(names)}; name lists that belong together."
        )
    folders = [str(each.about["folder"]) for each in gallery.texts]
    present = sorted(set(folders))
    if unknown := [each for each in present if each not in ids]:
        raise DataError(
            f"The folder {unknown[0]} of {task.name} is not in the list {task.ids} of class names."
        )
    asked = [names[ids.index(each)] for each in present]
    return _classified(model, gallery, asked, [present.index(each) for each in folders], task.templates)


def _classified(
    model: EvaluatedModel,
    gallery: Gallery,
    names: Sequence[str],
    labels: Sequence[int],
    templates: Sequence[str],
) -> Answers:
    classes = class_vectors(model.texts, names, templates)
    outcomes = classification(gallery.vectors, classes, names, np.array(labels, np.int64))
    return Answers(gallery.keys, len(names), tuple(outcomes))


def _translations(model: EvaluatedModel, task: Translations, found: FoundTask) -> Answers:
    """Tests the photos that have translations, in the file's order; a photo may have several sentences."""
    gallery, path = model.gallery(found.photos), found.data / task.texts
    lines = read_lines(path, ("key", *task.languages))
    rows = rows_of([each["key"] for each in lines], gallery, path)
    asked, owner = _asked(gallery, rows, task.name)
    outcomes = [
        outcome
        for language in task.languages
        for outcome in recall(asked.vectors, model.texts([each[language] for each in lines]), owner, language)
    ]
    return Answers(asked.keys, len(lines) * len(task.languages), tuple(outcomes))


_MEASURES: dict[type, Callable[[EvaluatedModel, Any, FoundTask], Answers]] = {
    Retrieval: _retrieval,
    Everyday: _everyday,
    Blanks: _blanks,
    ZeroShot: _zero_shot,
    Folders: _folders,
    Translations: _translations,
}


def ranking_vectors(
    model: EvaluatedModel, texts: Sequence[str], *photos: Gallery
) -> list[NDArray[np.float32]]:
    """Vectors [n, dim] of texts and of sets of photos, whose products are the application's ranking scores.

    They have more dimensions for what photos lose: one for blank photos (-1 for a text, or 0 if it asks for them), and one
    for each colour, whose loss is counted from its cut, so that texts that name colours stay comparable with others.
    """
    asks = model.asking(texts) - np.float32(1)
    words = np.c_[model.searches(texts), asks, -model.colour_weights(texts)]
    return [words, *(np.c_[each.vectors, model.losses(each.vectors), _nats(each)] for each in photos)]


def _nats(photos: Gallery) -> NDArray[np.float32]:
    cut = colour_table().cut
    if photos.colours is None:
        return np.zeros((len(photos.vectors), len(cut)), np.float32)
    return np.stack([nats_of(photos.colours, [column]) for column in range(len(cut))], axis=1) - cut


def _asked(gallery: Gallery, rows: NDArray[np.int64], task: str) -> tuple[Gallery, NDArray[np.int64]]:
    """The distinct photos of these rows, and the index of each text's photo among them."""
    asked, owner = gallery.distinct(rows)
    if len(asked.keys) == 1:
        raise DataError(f"{task} has a single photo, which any text finds; give it more photos.")
    return asked, owner


def captions_of(gallery: Gallery, task: str) -> list[tuple[str, ...]]:
    """The captions of each photo: human ones, or else synthetic ones; raises DataError if a photo has none."""
    captions = [each.human or each.synthetic.get(CAPTIONS, ()) for each in gallery.texts]
    for key, of_photo in zip(gallery.keys, captions, strict=True):
        if not of_photo:
            raise DataError(f"{key} has no caption, which {task} needs; name shards with captions.")
    return captions


def read_lines(path: Path, fields: Sequence[str]) -> list[dict[str, str]]:
    """The records of a file of JSON lines, with these fields only.

    Raises:
        DataError: it cannot be read, is empty, or a line lacks one of them.
    """
    lines = sound_records(path)
    if not lines:
        raise DataError(f"{path} is empty; give another file.")
    for where, record in lines:
        if not all(isinstance(record.get(each), str) for each in fields):
            raise DataError(f"{where}, needs texts under {', '.join(fields)}.")
    return [{each: record[each] for each in fields} for _, record in lines]


def rows_of(keys: Sequence[str], gallery: Gallery, path: Path) -> NDArray[np.int64]:
    """The rows of the photos with these keys; `path` is the file that names them.

    Raises:
        DataError: the set has no such photo, or several, as when two shards both count from 0.
    """
    places = {key: row for row, key in enumerate(gallery.keys)}
    missing = [key for key in keys if key not in places]
    if missing:
        raise DataError(
            f"{path} names {missing[0]}, which is not among the photos of its task; check its shards."
        )
    photos = Counter(key for key, _ in set(zip(gallery.keys, gallery.digests, strict=True)))
    several = [key for key in keys if photos[key] > 1]
    if several:
        raise DataError(
            f"{path} names {several[0]}, and {photos[several[0]]} different photos of its task have this key; "
            "name shards in which the key is unique."
        )
    return np.array([places[key] for key in keys], np.int64)


def read_judgements() -> dict[str, dict[str, int]]:
    """The grade of each judged photo, by search and by the photo's key."""
    lines = (
        resources.files("mctrain")
        .joinpath("evaluation", _JUDGED_FILE)
        .read_text(encoding="utf-8")
        .splitlines()
    )
    found = {}
    for line in lines[1:]:
        search, *columns = line.split("\t")
        pairs = zip(columns, GRADES, strict=True)
        found[search] = {key: grade for keys, grade in pairs for key in keys.split()}
    return found


def grades_of(
    judgements: Mapping[str, Mapping[str, int]], texts: Sequence[str], keys: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the texts were judged: their rows [m], each text once, and the grades [m, n] of the photos with these keys.

    Searches for which no photo here is right or nearly right are left out.
    """
    first = {text: row for row, text in reversed([*enumerate(texts)])}
    asked = np.array(sorted(first[text] for text in judgements if text in first), np.int64)
    found = [[judgements[texts[row]].get(key, UNJUDGED) for key in keys] for row in asked]
    grades = np.array(found, np.int64).reshape(len(asked), len(keys))
    kept = (grades > 0).any(1)
    return asked[kept], grades[kept]


def relevance_outcomes(
    scores: NDArray[np.float32], grades: NDArray[np.int64], photo: NDArray[np.int64]
) -> list[Outcome]:
    """The nDCG and precision of the first ten judged photos, and the share of judged photos among the first ten of all.

    `scores` and `grades` are [m, n], `photo` [m] is the row of each search's photo. Of equal scores the lower grade comes
    first, and scores that are not finite come last.
    """
    scores = np.nan_to_num(scores, nan=-np.inf)
    order = np.lexsort((grades, -scores, grades == UNJUDGED))[:, :DEPTH]  # judged photos first
    first = np.take_along_axis(grades, order, axis=1)
    discount = 1 / np.log2(np.arange(first.shape[1]) + 2)
    gained = np.maximum(first, 0) @ discount
    most = -np.sort(-np.maximum(grades, 0), axis=1)[:, :DEPTH] @ discount
    every = np.take_along_axis(grades, np.lexsort((grades, -scores))[:, :DEPTH], axis=1)
    precision = (first == RIGHT).sum(1) / (first != UNJUDGED).sum(1)
    return [
        Outcome.plain(f"nDCG at {DEPTH}", gained / most, photo),
        Outcome.plain(f"precision at {DEPTH}", precision, photo),
        Outcome.plain(f"judged of the first {DEPTH}", (every != UNJUDGED).mean(1), photo),
    ]
