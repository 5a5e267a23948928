"""How a tag grows as a person answers it: the likeliest photo that is still undecided comes first, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from report import table

from picsight_engine.tags.fit import Background, learnt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Photos = NDArray[np.bool_]

STEPS = (0, 1, 3, 5, 10, 20)  # answers
LEAST = 2  # right photos that either half must have


@dataclass(frozen=True, slots=True)
class Question:
    """A tag's words, and which photos belong to it or do not; doubtful ones do neither."""

    words: Vectors  # [1, dim]
    strong: float
    right: Photos  # [n]
    wrong: Photos


@dataclass(frozen=True, slots=True)
class Stage:
    """After some answers: what of the half that nobody decides on is suggested, and how many photos the tag holds in all."""

    right: int
    wrong: int
    wanted: int
    held: int


def answers_table(vectors: Vectors, questions: Iterable[Question]) -> str:
    """Precision and recall of what is suggested of the half that nobody decides on, and how the tag's size changed."""
    background = Background.of(vectors, len(vectors))
    half = np.random.default_rng(0).permutation(len(vectors)) % 2 == 0
    found = [
        _stages(vectors, background, each, deciding)
        for each in questions
        for deciding in (half, ~half)
        if min((each.right & deciding).sum(), (each.right & ~deciding).sum()) >= LEAST
    ]
    rows = []
    for step, answers in enumerate(STEPS):
        now = [stages[step] for stages in found]
        right, wrong = sum(each.right for each in now), sum(each.wrong for each in now)
        ratios = np.array([(stages[step].held + 1) / (stages[0].held + 1) for stages in found])
        low, middle, high = np.percentile(ratios, [5, 50, 95])
        rows.append(
            [
                f"{answers}",
                f"{right / max(right + wrong, 1):.2f}",
                f"{np.mean([each.right / each.wanted for each in now]):.2f}",
                f"{middle:.2f} ({low:.2f} to {high:.2f})",
                _share(found, step, lambda before, after: after >= 3 * max(before, 3)),
                _share(found, step, lambda before, after: before >= 6 and after <= before / 3),
            ]
        )
    headings = ["answers", "precision", "recall", "size beside none, 5 to 95 %", "trebled", "down to a third"]
    return table(headings, rows)


def _share(found: list[list[Stage]], step: int, is_so: Callable[[int, int], bool]) -> str:
    return f"{100 * np.mean([is_so(stages[0].held, stages[step].held) for stages in found]):.1f} %"


def _stages(vectors: Vectors, background: Background, own: Question, deciding: Photos) -> list[Stage]:
    undecided, accepted, rejected = deciding & (own.right | own.wrong), list[int](), list[int]()
    stages = []
    for answers in range(STEPS[-1] + 1):
        line = learnt(own.words, vectors[accepted], vectors[rejected], background, own.strong)
        logits = line.logits(vectors)
        if answers in STEPS:
            high = logits >= 0
            suggested = int(high.sum() - high[accepted + rejected].sum())
            right, wrong, wanted = (
                int((some & ~deciding).sum()) for some in (high & own.right, high & own.wrong, own.right)
            )
            stages.append(Stage(right, wrong, wanted, suggested + len(accepted)))
        photo = int(np.argmax(np.where(undecided, logits, -np.inf)))
        undecided[photo] = False
        (accepted if own.right[photo] else rejected).append(photo)
    return stages
