"""How far pictures that show nothing come up among the answers to searches that ask for something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.evaluation.outcome import Median, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mctrain.evaluation.subject import Subject

    Vectors = NDArray[np.float32]

FIRST = 20  # answers: what a person sees before scrolling


def as_ranked(subject: Subject, texts: Sequence[str], *photos: Vectors) -> list[Vectors]:
    """Vectors of texts and of sets of photos, whose products are the scores that the application ranks by.

    Where a photo loses something by showing nothing, they have one number more: of a photo what it loses, of a text -1
    unless it asks for such photos.
    """
    wanted, losses = subject.texts(texts), [subject.losses(own) for own in photos]
    if not any(own.any() for own in losses):
        return [wanted, *photos]
    lose = subject.asking(texts) - np.float32(1)
    return [np.c_[own, more] for own, more in zip((wanted, *photos), (lose, *losses), strict=True)]


def coming_up(
    photos: Vectors, blanks: Vectors, texts: Vectors, owner: NDArray[np.int64], kinds: Sequence[str]
) -> list[Outcome]:
    """Of vectors [n, dim], [b, dim] and [m, dim] as they are ranked by, text j of photo `owner[j]`: less is better in every figure.

    Told are the texts with a blank among the first, the share of the first that are blanks, the median share of the photos
    that come after the best blank, and for each of the `kinds` [b] the texts with one of it among the first. Equal scores
    count for the blank, and so do scores that are no numbers.
    """
    scores = [np.nan_to_num(texts @ blanks.T, nan=np.inf), np.nan_to_num(texts @ photos.T, nan=-np.inf)]
    # [m, b + n]; of equals the blanks come first
    order = np.argsort(-np.concatenate(scores, axis=1), axis=1, kind="stable")
    first, before = order[:, :FIRST], (order < len(blanks)).argmax(1)
    is_blank = first < len(blanks)
    names = list(dict.fromkeys(kinds))
    kind = np.array([*map(names.index, kinds), *[-1] * len(photos)])[first]  # [m, FIRST]
    of_kinds = (kind[..., None] == np.arange(len(names))).any(1)  # [m, kinds]
    return [
        Outcome.plain(f"a blank in the first {FIRST}", before < FIRST, owner),
        Outcome.plain(f"blanks of the first {FIRST}", is_blank.mean(1), owner),
        Median.plain("photos after the first blank, median", 1 - before / len(photos), owner),
        *(Outcome.plain(f"of kind {own}", of_kinds[:, row], owner) for row, own in enumerate(names)),
    ]
