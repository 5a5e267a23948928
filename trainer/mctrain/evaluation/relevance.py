"""nDCG and precision by graded relevance judgements, for 200 searches of `everyday-dev`.

Labels miss about half of what is right; judgements miss nearly nothing of what the judged models show first. A vision-language
model judged each pair of a search and a photo twice, from small pictures in two orders; pairs on which it agreed with
itself count. Photos without a judgement are passed over, and the share of judged ones says how far to trust the figures.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from mctrain.evaluation.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

FILE = "everyday-judged.tsv"
DEPTH = 10
GRADES = (2, 1, 0)  # right, nearly, wrong: the columns of the file
RIGHT, UNJUDGED = 2, -1


def read_judgements() -> dict[str, dict[str, int]]:
    """The grade of each judged photo, by search and by the photo's key."""
    lines = resources.files("mctrain").joinpath("evaluation", FILE).read_text(encoding="utf-8").splitlines()
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
