"""Measures how a tag grows with a person's answers, one at a time: the likeliest undecided photo comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from report import table
from tag_quality import average_precision

from picsight_engine.tags.fit import Background, keep_suggestions, prior, train

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Photos = NDArray[np.bool_]

STEPS = (0, 1, 3, 5, 10, 20)  # answers
LEAST = 2  # right photos that either half must have
REFUSED = 3  # photos that words put first, all wrong


@dataclass(frozen=True, slots=True)
class TagQuestion:
    """A tag's words, and the photos that belong to it, and those that do not; doubtful ones are in neither."""

    words: Vectors  # [1, dim]
    strong: float
    right: Photos  # [n]
    wrong: Photos


@dataclass(frozen=True, slots=True)
class AnswerStage:
    """A tag after some answers: the suggestions in the half without answers, its photos, and the average precision there."""

    right: int
    wrong: int
    wanted: int
    held: int
    average: float

    @property
    def precision(self) -> float:
        """NaN if nothing is suggested."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else np.nan


def answers_tables(vectors: Vectors, questions: Iterable[TagQuestion]) -> str:
    """Precision and recall of what is suggested of the half that nobody decides on, its average precision, and the tag's size;
    then the same for the tags whose first answers are "no": what their words put first is wrong.
    """
    background = Background.from_vectors(vectors, len(vectors))
    half = np.random.default_rng(0).permutation(len(vectors)) % 2 == 0
    asked = [
        (each, deciding)
        for each in questions
        for deciding in (half, ~half)
        if min((each.right & deciding).sum(), (each.right & ~deciding).sum()) >= LEAST
    ]
    found = [_stages(vectors, background, each, deciding) for each, deciding in asked]
    refused = [_is_refused(vectors, each, deciding) for each, deciding in asked]
    few = [stages for stages, is_refused in zip(found, refused, strict=True) if is_refused]
    return f'{_table(found)}\n\nof these, first answers are "no":\n\n{_table(few)}'


def _table(found: list[list[AnswerStage]]) -> str:
    rows = []
    for step, answers in enumerate(STEPS):
        now, pairs = [stages[step] for stages in found], [(stages[0], stages[step]) for stages in found]
        right, wrong, wanted = (
            sum(getattr(each, name) for each in now) for name in ("right", "wrong", "wanted")
        )
        low, middle, high = np.percentile(
            [(after.held + 1) / (none.held + 1) for none, after in pairs], [5, 50, 95]
        )
        rows.append(
            [
                f"{answers}",
                f"{100 * np.mean([each.average for each in now]):.1f}",
                f"{right / max(right + wrong, 1):.2f}",
                f"{np.mean([each.right / each.wanted for each in now]):.2f}",
                f"{right} of {wanted}",
                f"{sum(none.precision - after.precision > 0.1 for none, after in pairs)} of {len(found)}",
                f"{middle:.2f} ({low:.2f} to {high:.2f})",
            ]
        )
    headings = [
        "answers",
        "average precision",
        "precision",
        "recall",
        "right",
        "precision down by 0.1",
        "size beside none",
    ]
    return table(headings, rows)


def _is_refused(vectors: Vectors, each: TagQuestion, deciding: Photos) -> bool:
    likely = np.where(deciding & (each.right | each.wrong), vectors @ each.words[0], -np.inf)
    return not each.right[np.argsort(-likely)[:REFUSED]].any()


def _stages(
    vectors: Vectors, background: Background, each: TagQuestion, deciding: Photos
) -> list[AnswerStage]:
    undecided, accepted, rejected = deciding & (each.right | each.wrong), list[int](), list[int]()
    words, ranked = (
        prior(each.words, background, each.strong).logits(vectors) >= 0,
        ~deciding & (each.right | each.wrong),
    )
    stages = []
    for answers in range(STEPS[-1] + 1):
        line = train(each.words, vectors[accepted], vectors[rejected], background, each.strong)
        if answers:
            found = np.setdiff1d(np.flatnonzero(words), accepted + rejected)
            line = keep_suggestions(line, vectors[found], len(accepted))
        logits = line.logits(vectors)
        if answers in STEPS:
            high = logits >= 0
            suggested = int(high.sum() - high[accepted + rejected].sum())
            right, wrong, wanted = (
                int((some & ~deciding).sum()) for some in (high & each.right, high & each.wrong, each.right)
            )
            average = average_precision(logits[ranked], each.right[ranked])
            stages.append(AnswerStage(right, wrong, wanted, suggested + len(accepted), average))
        photo = int(np.argmax(np.where(undecided, logits, -np.inf)))
        undecided[photo] = False
        (accepted if each.right[photo] else rejected).append(photo)
    return stages
