"""Asks a subject the questions of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.phrasing import CLASS_NAMES, class_names
from mctrain.data.words import CAPTIONS, QUERIES
from mctrain.errors import DataError
from mctrain.evaluation.datacomp import WINOGAVIL, ask_associations, averaged
from mctrain.evaluation.order import choice, confusions
from mctrain.evaluation.outcome import Answers, Outcome
from mctrain.evaluation.pairs import (
    by_group,
    judged,
    read_boxed_pairs,
    read_lines,
    read_pairs,
    rows_of,
    told_apart,
)
from mctrain.evaluation.report import result_of
from mctrain.evaluation.retrieval import coming_up, finding, retrieval, right_photos, searching
from mctrain.evaluation.tasks import (
    Benchmark,
    Blanks,
    BoxedPairs,
    Everyday,
    Folders,
    Order,
    Pairs,
    Retrieval,
    Translations,
    ZeroShot,
)
from mctrain.evaluation.zero_shot import class_vectors, classification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.data.words import Words
    from mctrain.evaluation.report import Result
    from mctrain.evaluation.subject import Gallery, Subject
    from mctrain.evaluation.tasks import Found, OfGallery


def measure_all(subjects: Sequence[Subject], asked: Sequence[Found]) -> tuple[list[list[Result]], list[str]]:
    """What each subject says to the same tasks, compared with what the next one says; and why an average is none.

    Raises:
        DataError: a file is damaged, or does not have what the task asks for.
    """
    told: list[list[Result]] = [[] for _ in subjects]
    refusals = []
    suites: dict[str, list[dict[str, Answers]]] = {}
    for found in asked:
        answers = [measure(own, found) for own in subjects]
        _tell(told, found.task.name, answers)
        if isinstance(found.task, Benchmark):
            suite = suites.setdefault(found.task.suite, [{} for _ in subjects])
            for own, to_it in zip(suite, answers, strict=True):
                own[found.task.task] = to_it
    for name, suite in suites.items():
        try:
            _tell(told, name, [averaged(own) for own in suite])
        except DataError as refusal:
            refusals.append(f"{name}: {len(suite[0])} tasks are there. {refusal}")
    return told, refusals


def _tell(told: list[list[Result]], task: str, answers: Sequence[Answers]) -> None:
    for place, results in enumerate(told):
        results.append(result_of(task, *answers[place:]))


def measure(subject: Subject, found: Found) -> Answers:
    """The answers to one task.

    Raises:
        DataError: a file is damaged, or does not have what the task asks for.
    """
    match found.task:
        case BoxedPairs():
            return _boxed_pairs(subject, found.task, found.data)
        case Benchmark():
            return _benchmark(subject, found.task.task, found.photos[0])
        case Blanks():
            return _blanks(subject, *found.photos)
        case _:
            return _of_gallery(subject, found.task, found)


def _of_gallery(subject: Subject, task: OfGallery, found: Found) -> Answers:
    gallery = subject.gallery(found.photos)
    match task:
        case Retrieval():
            gallery, texts, outcomes = _retrieval(subject, gallery, task)
        case Everyday():
            texts, outcomes = _everyday(subject, gallery)
        case ZeroShot():
            texts, outcomes = _zero_shot(subject, gallery, task, found.data)
        case Folders():
            texts, outcomes = _folders(subject, gallery, task, found.data)
        case Pairs():
            texts, outcomes = _pairs(subject, gallery, found.data / task.pairs)
        case Order():
            texts, outcomes = _order(subject, gallery, task)
        case Translations():
            gallery, texts, outcomes = _translations(subject, gallery, task, found.data)
    return Answers(gallery.keys, texts, tuple(outcomes))


def _retrieval(subject: Subject, gallery: Gallery, task: Retrieval) -> tuple[Gallery, int, list[Outcome]]:
    texts, rows = _joined(_captions(gallery, task.name))
    asked, owner = _asked(gallery, rows, task.name)
    wanted, photos = as_ranked(subject, texts, asked.vectors)
    return asked, len(texts), retrieval(photos, wanted, owner)


def as_ranked(
    subject: Subject, texts: Sequence[str], *photos: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """NDArray[np.float32] of texts and of sets of photos, whose products are the scores that the application ranks by.

    Where a photo loses something by showing nothing, they have one number more: of a photo what it loses, of a text -1
    unless it asks for such photos.
    """
    wanted, losses = subject.texts(texts), [subject.losses(own) for own in photos]
    if not any(own.any() for own in losses):
        return [wanted, *photos]
    lose = subject.asking(texts) - np.float32(1)
    return [np.c_[own, more] for own, more in zip((wanted, *photos), (lose, *losses), strict=True)]


def _asked(gallery: Gallery, rows: NDArray[np.int64], task: str) -> tuple[Gallery, NDArray[np.int64]]:
    """The photos that texts of these rows are asked of, each once, and the place of each text's photo among them."""
    asked, owner = gallery.once(rows)
    if len(asked.keys) == 1:
        raise DataError(f"{task} asks for a single photo, which any text finds; give it more photos.")
    return asked, owner


def _captions(gallery: Gallery, task: str) -> list[tuple[str, ...]]:
    """The captions of each photo, by people or else synthetic ones."""
    captions = [own.human or own.synthetic.get(CAPTIONS, ()) for own in gallery.words]
    for key, own in zip(gallery.keys, captions, strict=True):
        if not own:
            raise DataError(f"{key} has no caption, and {task} asks for them; name shards with captions.")
    return captions


def _everyday(subject: Subject, gallery: Gallery) -> tuple[int, list[Outcome]]:
    queries = [own.synthetic[QUERIES] for own in gallery.words]
    texts, owner = _joined(queries)
    wanted, photos = as_ranked(subject, texts, gallery.vectors)
    return len(texts), searching(photos, wanted, owner, right_photos(queries))


def _blanks(subject: Subject, shard: Path, blank: Path) -> Answers:
    gallery, blanks = subject.gallery([shard]), subject.gallery([blank])
    texts, owner = _joined([own.synthetic[QUERIES] for own in gallery.words])
    kinds = [str(own.about["kind"]) for own in blanks.words]
    wanted, photos, shown = as_ranked(subject, texts, gallery.vectors, blanks.vectors)
    outcomes = coming_up(photos, shown, wanted, owner, kinds)
    return Answers(gallery.keys, len(texts), tuple(outcomes), less_is_better=True)


def _zero_shot(subject: Subject, gallery: Gallery, task: ZeroShot, data: Path) -> tuple[int, list[Outcome]]:
    names = class_names(data, task.classes)
    labels = [
        _label(key, own, task, len(names)) for key, own in zip(gallery.keys, gallery.words, strict=True)
    ]
    classes = class_vectors(subject.texts, names, task.templates)
    return len(names), classification(gallery.vectors, classes, names, np.array(labels, np.int64))


def _label(key: str, words: Words, task: ZeroShot, classes: int) -> int:
    label = words.about.get("class_index")
    if type(label) is not int or not 0 <= label < classes:
        raise DataError(
            f"{key} has the class_index {label}, and {task.name} has the {classes} classes of {task.classes}; name "
            "the list that belongs to its shards."
        )
    return label


def _folders(subject: Subject, gallery: Gallery, task: Folders, data: Path) -> tuple[int, list[Outcome]]:
    ids, names = class_names(data, task.ids), class_names(data, task.classes)
    if len(ids) != len(names):
        raise DataError(
            f"{task.name} wants lists that go place by place, and in {data / CLASS_NAMES} {task.ids} has {len(ids)} names, "
            f"{task.classes} {len(names)}; name lists that belong together."
        )
    folders = [str(own.about["folder"]) for own in gallery.words]
    present = sorted(set(folders))
    unknown = [own for own in present if own not in ids]
    if unknown:
        raise DataError(
            f"The folder {unknown[0]} of {task.name} is not in the list {task.ids} of class names."
        )
    asked = [names[ids.index(own)] for own in present]
    labels = np.array([present.index(own) for own in folders], np.int64)
    classes = class_vectors(subject.texts, asked, task.templates)
    return len(asked), classification(gallery.vectors, classes, asked, labels)


def _pairs(subject: Subject, gallery: Gallery, path: Path) -> tuple[int, list[Outcome]]:
    pairs = read_pairs(path)
    rows = rows_of([own.image for own in pairs], gallery, path)
    vectors = subject.texts([own.caption for own in pairs] + [own.negative for own in pairs])
    captions, negatives = np.split(vectors, 2)
    right = told_apart(gallery.vectors[rows], captions, negatives, np.arange(len(pairs)))
    return 2 * len(pairs), judged(right, rows, [own.kind for own in pairs])


def _boxed_pairs(subject: Subject, task: BoxedPairs, data: Path) -> Answers:
    pairs = read_boxed_pairs(data / task.pairs, task.by)
    cuts = list(dict.fromkeys(own.cut for own in pairs))
    places = {cut: row for row, cut in enumerate(cuts)}
    seen = subject.cuts(data / task.images, cuts)[[places[own.cut] for own in pairs]]
    captions, negatives = (
        subject.texts(own) for own in ([own.caption for own in pairs], [own.negative for own in pairs])
    )
    right = told_apart(seen, captions, negatives, np.arange(len(pairs)))
    keys, photo = np.unique([own.cut.image for own in pairs], return_inverse=True)
    return Answers(tuple(keys.tolist()), 2 * len(pairs), tuple(by_group(right, photo, pairs, task.by)))


def _benchmark(subject: Subject, task: str, folder: Path) -> Answers:
    if task == WINOGAVIL:
        keys, outcomes = ask_associations(subject, folder)
        return Answers(tuple(keys), len(keys), tuple(outcomes))
    from mctrain.evaluation.benchmark import ask  # imports torch: 2 s

    return ask(subject, task, folder)


def _order(subject: Subject, gallery: Gallery, task: Order) -> tuple[int, list[Outcome]]:
    captions = [own[: task.captions] for own in _captions(gallery, task.name)]
    choices = [
        choice(caption, f"{key} {place}")
        for key, own in zip(gallery.keys, captions, strict=True)
        for place, caption in enumerate(own)
    ]
    rows = _joined(captions)[1]
    vectors, texts, outcomes = subject.texts([own.caption for own in choices]), len(choices), []
    for kind, others in confusions(choices).items():
        asked = np.flatnonzero([bool(own) for own in others])
        if len(asked):
            confused, of = _joined([others[row] for row in asked])
            seen = gallery.vectors[rows[asked]]
            right = told_apart(seen, vectors[asked], subject.texts(confused), of)
            outcomes.append(Outcome.plain(kind, right, rows[asked]))
            texts += len(confused)
    if not outcomes:
        raise DataError(
            f"No caption of {task.name} can be put in another order, so that it asks nothing; leave it out."
        )
    return texts, outcomes


def _translations(
    subject: Subject, gallery: Gallery, task: Translations, data: Path
) -> tuple[Gallery, int, list[Outcome]]:
    """Of the photos those are asked that have translations, in their file's order; a photo may have several sentences."""
    path = data / task.texts
    lines = read_lines(path, ("key", *task.languages))
    rows = rows_of([own["key"] for own in lines], gallery, path)
    asked, owner = _asked(gallery, rows, task.name)
    outcomes = [
        outcome
        for language in task.languages
        for outcome in finding(
            asked.vectors, subject.texts([own[language] for own in lines]), owner, language
        )
    ]
    return asked, len(lines) * len(task.languages), outcomes


def _joined(texts: Sequence[Sequence[str]]) -> tuple[list[str], NDArray[np.int64]]:
    """All texts in order, and the row of the photo of each."""
    owner = np.repeat(np.arange(len(texts)), [len(own) for own in texts])
    return [text for own in texts for text in own], owner
