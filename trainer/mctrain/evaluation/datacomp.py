"""The 38 tasks of DataComp: what each is measured by, where its files lie, and their average.

Of the 40 that its code runs, FairFace and UTKFace have no main figure; some published files have further lines, which the
average leaves out too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mctrain.errors import DataError
from mctrain.evaluation.outcome import Answers, Average, MacroF1, Outcome, WorstGroup
from mctrain.evaluation.retrieval import FEW, retrieval

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


WINOGAVIL = "misc/winogavil"
# the main figure of each task, by the name that result files have for it
MAIN = {
    "vtab/caltech101": "mean_per_class_recall",
    "cifar10": "acc1",
    "vtab/cifar100": "acc1",
    "vtab/clevr_count_all": "acc1",
    "vtab/clevr_closest_object_distance": "acc1",
    "country211": "acc1",
    "vtab/dtd": "acc1",
    "vtab/eurosat": "acc1",
    "fgvc_aircraft": "mean_per_class_recall",
    "food101": "acc1",
    "gtsrb": "acc1",
    "imagenet1k": "acc1",
    "imagenet_sketch": "acc1",
    "imagenetv2": "acc1",
    "imagenet-a": "acc1",
    "imagenet-o": "acc1",
    "imagenet-r": "acc1",
    "vtab/kitti_closest_vehicle_distance": "acc1",
    "mnist": "acc1",
    "objectnet": "acc1",
    "vtab/flowers": "mean_per_class_recall",
    "vtab/pets": "mean_per_class_recall",
    "voc2007": "acc1",
    "vtab/pcam": "acc1",
    "renderedsst2": "acc1",
    "vtab/resisc45": "acc1",
    "cars": "acc1",
    "stl10": "acc1",
    "sun397": "acc1",
    "vtab/svhn": "acc1",
    "retrieval/flickr_1k_test_image_text_retrieval": "mean_recall@1",
    "retrieval/mscoco_2014_5k_test_image_text_retrieval": "mean_recall@1",
    WINOGAVIL: "jaccard_score_10-12",
    "wilds/iwildcam": "F1-macro_all",
    "wilds/camelyon17": "acc1",
    "wilds/fmow": "acc_worst_region",
    "fairness/dollar_street": "acc_top5_wg",
    "fairness/geode": "acc_wg",
}


# what text to image and image to text are called there: by what is looked for
_WAYS = {"text to image": "image_retrieval", "image to text": "text_retrieval", "mean": "mean"}


def folder_of(task: str) -> str:
    """The folder that DataComp's own download gives a task; the retrieval sets and WinoGAViL, which it keeps elsewhere, by the
    same rule.
    """
    return f"wds_{task.removeprefix('fairness/').replace('/', '-')}_test"


def tasks_in(folder: Path) -> tuple[str, ...]:
    """Those of the 38 tasks that have their folder here."""
    return tuple(task for task in MAIN if (folder / folder_of(task)).is_dir())


def wants_metadata(task: str) -> bool:
    """Whether the main figure is of groups that a further member of each sample tells."""
    return MAIN[task] in {"acc_worst_region", "acc_wg", "acc_top5_wg"}


def classified(
    task: str, logits: NDArray[np.float32], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> list[Outcome]:
    """The figures of a classification under their published names, the main one first.

    `logits` [n, classes] of photos with their `labels` [n]; `groups` [n] are regions or incomes where figures go by them.
    Equal scores count against the model, and so do those that are no numbers.
    """
    rows = np.arange(len(labels))
    place = (~(logits < logits[rows, labels][:, None])).sum(1) - 1  # [n], of the right class, from 0 on
    present, group = np.unique(labels, return_inverse=True)
    figures = [Outcome.plain("acc1", place < 1, rows)]
    if logits.shape[1] > FEW:
        figures.append(Outcome.plain("acc5", place < 5, rows))
    figures.append(Outcome("mean_per_class_recall", place < 1, rows, group, within=True))
    main = MAIN[task]
    if main == "F1-macro_all":
        guess = logits.argmax(1)
        of = np.where(np.isin(guess, present), np.searchsorted(present, guess), -1)
        figures.append(MacroF1(main, place < 1, rows, group, within=True, guess=of))
    elif wants_metadata(task):
        right = place < (5 if main == "acc_top5_wg" else 1)
        figures.append(WorstGroup(main, right, rows, np.unique(groups, return_inverse=True)[1], within=True))
    return sorted(figures, key=lambda each: each.figure != main)


def retrieved(
    task: str, photos: NDArray[np.float32], texts: NDArray[np.float32], owner: NDArray[np.int64]
) -> list[Outcome]:
    """The figures of a retrieval under their published names, the main one first; text j belongs to photo `owner[j]`."""
    figures = [replace(each, figure=_published(each.figure)) for each in retrieval(photos, texts, owner)]
    return sorted(figures, key=lambda each: each.figure != MAIN[task])


def _published(figure: str) -> str:
    way, _, depth = figure.rpartition(" at ")
    return f"{_WAYS[way]}_recall@{depth}"


def averaged(answers: Mapping[str, Answers]) -> Answers:
    """The answers to all 38 tasks as those to one, whose figure is the average of the main figures, which stand first.

    Raises:
        DataError: one is missing.
    """
    average({task: each.outcomes[0].percent() for task, each in answers.items()})
    # keys as they are: so each set falls into the halves that it has alone
    keys = tuple(key for task in MAIN for key in answers[task].keys)
    parts = tuple((answers[task].outcomes[0], len(answers[task].keys)) for task in MAIN)
    texts = sum(each.texts for each in answers.values())
    return Answers(keys, texts, (Average(f"average of {len(MAIN)}", parts),))


def average(results: Mapping[str, float | None]) -> float:
    """The plain mean of the main figures, by task; what is none of the 38 is left out.

    Raises:
        DataError: one of the 38 is missing or has no figure.
    """
    figures = [results.get(task) for task in MAIN]
    missing = [task for task, each in zip(MAIN, figures, strict=True) if each is None]
    if missing:
        raise DataError(
            f"{len(missing)} of DataComp's {len(MAIN)} tasks have no figure, the first is {missing[0]}; an average wants all."
        )
    return sum(each for each in figures if each is not None) / len(MAIN)
