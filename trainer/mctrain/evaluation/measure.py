"""Runs tasks on a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.data.phrasing import CLASS_NAMES, class_names
from mctrain.data.texts import CAPTIONS, QUERIES
from mctrain.errors import DataError
from mctrain.evaluation.benchmark import run_task
from mctrain.evaluation.datacomp import averaged
from mctrain.evaluation.outcome import Answers, Outcome
from mctrain.evaluation.pairs import (
    captions_preferred,
    group_accuracy,
    pair_accuracy,
    read_boxed_pairs,
    read_lines,
    read_pairs,
    rows_of,
)
from mctrain.evaluation.relevance import grades_of, read_judgements, relevance_outcomes
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
from mctrain.evaluation.tasks import (
    Benchmark,
    Blanks,
    BoxedPairs,
    Everyday,
    Folders,
    Pairs,
    Retrieval,
    Translations,
    WordOrder,
    ZeroShot,
)
from mctrain.evaluation.word_order import make_negatives
from picsight_engine.photos.colours import colour_table, nats_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mctrain.evaluation.report import TaskResult
    from mctrain.evaluation.subject import Gallery, Subject
    from mctrain.evaluation.tasks import Asked, FoundTask


def measure_all(
    subjects: Sequence[Subject], asked: Sequence[FoundTask]
) -> tuple[list[list[TaskResult]], list[str]]:
    """Each subject's results on the same tasks, compared with the next subject's; and why averages are missing.

    Raises:
        DataError: a file is damaged, or lacks data that the task needs.
    """
    results: list[list[TaskResult]] = [[] for _ in subjects]
    refusals = []
    suites: dict[str, list[dict[str, Answers]]] = {}
    for found in asked:
        answers = [measure(each, found) for each in subjects]
        _record(results, found.task.name, answers)
        if isinstance(found.task, Benchmark):
            suite = suites.setdefault(found.task.suite, [{} for _ in subjects])
            for each, to_it in zip(suite, answers, strict=True):
                each[found.task.task] = to_it
    for name, suite in suites.items():
        try:
            _record(results, name, [averaged(each) for each in suite])
        except DataError as refusal:
            refusals.append(f"{name}: {len(suite[0])} tasks are there. {refusal}")
    return results, refusals


def _record(results: list[list[TaskResult]], task: str, answers: Sequence[Answers]) -> None:
    for place, each in enumerate(results):
        each.append(result_of(task, *answers[place:]))


def measure(subject: Subject, found: FoundTask) -> Answers:
    """The answers to one task; raises DataError if a file is damaged, or does not have what the task asks for."""
    return _MEASURES[type(found.task)](subject, found.task, found)


def _retrieval(subject: Subject, task: Retrieval, found: FoundTask) -> Answers:
    gallery = subject.gallery(found.photos)
    texts, rows = flattened(_captions(gallery, task.name))
    asked, owner = _asked(gallery, rows, task.name)
    wanted, photos = ranking_vectors(subject, texts, asked)
    return Answers(asked.keys, len(texts), tuple(retrieval(photos, wanted, owner)))


def _everyday(subject: Subject, _: Everyday, found: FoundTask) -> Answers:
    gallery = subject.gallery(found.photos)
    queries = [each.synthetic[QUERIES] for each in gallery.texts]
    texts, owner = flattened(queries)
    wanted, photos = ranking_vectors(subject, texts, gallery)
    outcomes = search_recall(photos, wanted, owner, right_photos(queries))
    asked, grades = grades_of(read_judgements(), texts, gallery.keys)
    if len(asked):
        outcomes += relevance_outcomes(wanted[asked] @ photos.T, grades, owner[asked])
    return Answers(gallery.keys, len(texts), tuple(outcomes))


def _blanks(subject: Subject, _: Blanks, found: FoundTask) -> Answers:
    gallery, blanks = (subject.gallery([shard]) for shard in found.photos)
    texts, owner = flattened([each.synthetic[QUERIES] for each in gallery.texts])
    kinds = [str(each.about["kind"]) for each in blanks.texts]
    wanted, photos, shown = ranking_vectors(subject, texts, gallery, blanks)
    outcomes = blank_outcomes(photos, shown, wanted, owner, kinds)
    return Answers(gallery.keys, len(texts), tuple(outcomes), less_is_better=True)


def _zero_shot(subject: Subject, task: ZeroShot, found: FoundTask) -> Answers:
    gallery, names = subject.gallery(found.photos), class_names(found.data, task.classes)
    labels: list[Any] = [each.about.get("class_index") for each in gallery.texts]
    for key, label in zip(gallery.keys, labels, strict=True):
        if type(label) is not int or not 0 <= label < len(names):
            raise DataError(
                f"{key} has the class_index {label}, but {task.name} has only the {len(names)} classes of {task.classes}; "
                "name the list that belongs to its shards."
            )
    return _classified(subject, gallery, names, labels, task.templates)


def _folders(subject: Subject, task: Folders, found: FoundTask) -> Answers:
    gallery = subject.gallery(found.photos)
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
    return _classified(subject, gallery, asked, [present.index(each) for each in folders], task.templates)


def _classified(
    subject: Subject, gallery: Gallery, names: Sequence[str], labels: Sequence[int], templates: Sequence[str]
) -> Answers:
    classes = class_vectors(subject.texts, names, templates)
    outcomes = classification(gallery.vectors, classes, names, np.array(labels, np.int64))
    return Answers(gallery.keys, len(names), tuple(outcomes))


def _pairs(subject: Subject, task: Pairs, found: FoundTask) -> Answers:
    gallery, path = subject.gallery(found.photos), found.data / task.pairs
    pairs = read_pairs(path)
    rows = rows_of([each.image for each in pairs], gallery, path)
    vectors = subject.texts([each.caption for each in pairs] + [each.negative for each in pairs])
    captions, negatives = np.split(vectors, 2)
    right = captions_preferred(gallery.vectors[rows], captions, negatives, np.arange(len(pairs)))
    outcomes = pair_accuracy(right, rows, [each.kind for each in pairs])
    return Answers(gallery.keys, 2 * len(pairs), tuple(outcomes))


def _boxed_pairs(subject: Subject, task: BoxedPairs, found: FoundTask) -> Answers:
    pairs = read_boxed_pairs(found.data / task.pairs, task.by)
    boxes = list(dict.fromkeys(each.box for each in pairs))
    places = {box: row for row, box in enumerate(boxes)}
    seen = subject.boxes(found.data / task.images, boxes)[[places[each.box] for each in pairs]]
    captions, negatives = (
        subject.texts(each) for each in ([each.caption for each in pairs], [each.negative for each in pairs])
    )
    right = captions_preferred(seen, captions, negatives, np.arange(len(pairs)))
    keys, photo = np.unique([each.box.image for each in pairs], return_inverse=True)
    return Answers(tuple(keys.tolist()), 2 * len(pairs), tuple(group_accuracy(right, photo, pairs, task.by)))


def _order(subject: Subject, task: WordOrder, found: FoundTask) -> Answers:
    gallery = subject.gallery(found.photos)
    captions = [each[: task.captions] for each in _captions(gallery, task.name)]
    choices = [
        make_negatives(caption, f"{key} {place}")
        for key, each in zip(gallery.keys, captions, strict=True)
        for place, caption in enumerate(each)
    ]
    rows = flattened(captions)[1]
    vectors, texts, outcomes = subject.texts([each.caption for each in choices]), len(choices), []
    for kind in ("order", "relation", "attribute"):
        others = [getattr(each, kind) for each in choices]
        asked = np.flatnonzero([bool(each) for each in others])
        if len(asked):
            confused, of = flattened([others[row] for row in asked])
            seen = gallery.vectors[rows[asked]]
            right = captions_preferred(seen, vectors[asked], subject.texts(confused), of)
            outcomes.append(Outcome.plain(kind, right, rows[asked]))
            texts += len(confused)
    if not outcomes:
        raise DataError(f"No caption of {task.name} can be reordered, so the task is empty; leave it out.")
    return Answers(gallery.keys, texts, tuple(outcomes))


def _translations(subject: Subject, task: Translations, found: FoundTask) -> Answers:
    """Tests the photos that have translations, in the file's order; a photo may have several sentences."""
    gallery, path = subject.gallery(found.photos), found.data / task.texts
    lines = read_lines(path, ("key", *task.languages))
    rows = rows_of([each["key"] for each in lines], gallery, path)
    asked, owner = _asked(gallery, rows, task.name)
    outcomes = [
        outcome
        for language in task.languages
        for outcome in recall(
            asked.vectors, subject.texts([each[language] for each in lines]), owner, language
        )
    ]
    return Answers(asked.keys, len(lines) * len(task.languages), tuple(outcomes))


_MEASURES: dict[type[Asked], Callable[[Subject, Any, FoundTask], Answers]] = {
    Retrieval: _retrieval,
    Everyday: _everyday,
    Blanks: _blanks,
    ZeroShot: _zero_shot,
    Folders: _folders,
    Pairs: _pairs,
    BoxedPairs: _boxed_pairs,
    WordOrder: _order,
    Translations: _translations,
    Benchmark: lambda subject, task, found: run_task(subject, task.task, found.photos[0]),
}


def ranking_vectors(subject: Subject, texts: Sequence[str], *photos: Gallery) -> list[NDArray[np.float32]]:
    """Vectors [n, dim] of texts and of sets of photos, whose products are the application's ranking scores.

    They have more dimensions for what photos lose: one for blank photos (-1 for a text, or 0 if it asks for them), and one
    for each colour, whose loss is counted from its cut, so that texts that name colours stay comparable with others.
    """
    asks = subject.asking(texts) - np.float32(1)
    words = np.c_[subject.searches(texts), asks, -subject.colour_weights(texts)]
    return [words, *(np.c_[each.vectors, subject.losses(each.vectors), _nats(each)] for each in photos)]


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


def _captions(gallery: Gallery, task: str) -> list[tuple[str, ...]]:
    """The captions of each photo: human ones, or else synthetic ones."""
    captions = [each.human or each.synthetic.get(CAPTIONS, ()) for each in gallery.texts]
    for key, each in zip(gallery.keys, captions, strict=True):
        if not each:
            raise DataError(f"{key} has no caption, which {task} needs; name shards with captions.")
    return captions
