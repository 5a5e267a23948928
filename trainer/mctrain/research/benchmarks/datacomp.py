"""The 38 tasks of DataComp: their metrics, folders and average.

Of the 40 tasks that its code runs, FairFace and UTKFace have no main figure. Some published files have further lines;
the average ignores them too.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources
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
# the main figure of each task, as named in result files
MAIN: dict[str, str] = tomllib.loads(
    resources.files(__package__).joinpath("datacomp.toml").read_text(encoding="utf-8")
)
# their names of the two directions, after the thing searched for
_WAYS = {"text to image": "image_retrieval", "image to text": "text_retrieval", "mean": "mean"}


def folder_of(task: str) -> str:
    """The folder of a task in DataComp's download; also for the retrieval sets and WinoGAViL, which it keeps elsewhere."""
    return f"wds_{task.removeprefix('fairness/').replace('/', '-')}_test"


def tasks_in(folder: Path) -> tuple[str, ...]:
    """The tasks whose folder is here."""
    return tuple(task for task in MAIN if (folder / folder_of(task)).is_dir())


def wants_metadata(task: str) -> bool:
    """Whether the main figure needs groups from the samples' metadata member."""
    return MAIN[task] in {"acc_worst_region", "acc_wg", "acc_top5_wg"}


def classified(
    task: str, logits: NDArray[np.float32], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> list[Outcome]:
    """The figures of a classification under their published names, the main one first.

    `logits` [n, classes] and `labels` [n] of photos; `groups` [n] are regions or incomes for figures by group.
    Ties and scores that are not finite count against the model.
    """
    rows = np.arange(len(labels))
    place = (~(logits < logits[rows, labels][:, None])).sum(1) - 1  # [n], rank of the right class, from 0
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
    figures = []
    for outcome in retrieval(photos, texts, owner):
        way, _, depth = outcome.figure.rpartition(" at ")
        figures.append(replace(outcome, figure=f"{_WAYS[way]}_recall@{depth}"))
    return sorted(figures, key=lambda outcome: outcome.figure != MAIN[task])


def averaged(answers: Mapping[str, Answers]) -> Answers:
    """Combines the answers to all 38 tasks into one task, whose figure is the unweighted mean of their (first) main figures.

    Raises:
        DataError: one is missing.
    """
    if missing := [task for task in MAIN if task not in answers]:
        raise DataError(
            f"{len(missing)} of DataComp's {len(MAIN)} tasks have no figure, the first is {missing[0]}; an average needs all."
        )
    # unchanged keys, so that each set has the same halves as alone
    keys = tuple(key for task in MAIN for key in answers[task].keys)
    parts = tuple((answers[task].outcomes[0], len(answers[task].keys)) for task in MAIN)
    texts = sum(each.texts for each in answers.values())
    return Answers(keys, texts, (Average(f"average of {len(MAIN)}", parts),))
