"""Retrieval: how often a text finds its photo, and a photo one of its texts, among the first 1, 5 and 10; and how often a blank.
Zero-shot classification: which class name is nearest to a photo that was never labelled for the model.

Equal scores count against the model: the rank is the number of wrong answers that score no less than the best right one.
So do scores that are no numbers, as a model gives whose weights have overflown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.evaluation.outcome import Median, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


_BLOCK = 1024  # questions at a time, for a set of 25,000 captions and 5,000 photos has 125 million scores


DEPTHS = (1, 5, 10)
_FORTH, _BACK = "text to image", "image to text"
FIRST = 20  # answers: what a person sees before scrolling
FEW = 5  # classes of which the first five say nothing


def ranks(
    questions: NDArray[np.float32],
    answers: NDArray[np.float32],
    right: Callable[[slice], NDArray[np.bool_]],
) -> NDArray[np.int64]:
    """Ranks [m] of vectors [m, dim] asked of [n, dim], by their products; `right` tells of a block of questions which answers [block, n] are."""
    parts = [np.zeros(0, np.int64)]
    for start in range(0, len(questions), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(questions)))
        scores, wanted = questions[block] @ answers.T, right(block)  # [block, n]
        best = np.where(wanted, scores, -np.inf).max(1)
        parts.append((~(scores < best[:, None]) & ~wanted).sum(1))
    return np.concatenate(parts)


def retrieval(photos: Vectors, texts: Vectors, owner: NDArray[np.int64]) -> list[Outcome]:
    """Recall both ways and their mean at 1, of vectors [n, dim] and [m, dim] as they are ranked by; text j belongs to photo `owner[j]`.

    Of a photo's texts the first that is found counts; every photo must have one.
    """
    rows = np.arange(len(photos))
    forth = ranks(texts, photos, lambda block: owner[block, None] == rows)
    back = ranks(photos, texts, lambda block: rows[block, None] == owner)
    both, way = np.concatenate([forth, back]), np.repeat([0, 1], [len(texts), len(photos)])
    mean = Outcome("mean at 1", both < 1, np.concatenate([owner, rows]), way)
    others = len(texts) - int(np.bincount(owner).min())
    return [
        *_recalls(_FORTH, forth, owner, len(photos) - 1),
        *_recalls(_BACK, back, rows, others),
        mean,
    ]


def finding(photos: Vectors, texts: Vectors, owner: NDArray[np.int64], way: str = _FORTH) -> list[Outcome]:
    """Recall of texts alone; text j belongs to photo `owner[j]`, and `way` is what the figures are called."""
    found = ranks(texts, photos, lambda block: owner[block, None] == np.arange(len(photos)))
    return _recalls(way, found, owner, len(photos) - 1)


def searching(
    photos: Vectors, texts: Vectors, owner: NDArray[np.int64], right: NDArray[np.bool_]
) -> list[Outcome]:
    """Recall of texts for which several photos may be `right` [m, n]: the first of them counts."""
    found = ranks(texts, photos, lambda block: right[block])
    return _recalls(_FORTH, found, owner, int((~right).sum(1).max()))


def _recalls(way: str, found: NDArray[np.int64], photo: NDArray[np.int64], wrong: int) -> list[Outcome]:
    """`wrong` answers has a question at the most: a depth for all of them and a right one would be reached by any model."""
    depths = [depth for depth in DEPTHS if depth <= max(wrong, DEPTHS[0])]
    return [Outcome.plain(f"{way} at {depth}", found < depth, photo) for depth in depths]


def right_photos(queries: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Which of the photos [m, n] are right for each query; `queries` are those of each photo, and m goes through them in order.

    A photo is right if one of its own queries holds all words of the query asked, in any order: a "dog" is found in
    "brown dog", but not in "dogs". Words are what stands between blanks, without regard to case.
    """
    words = [
        (photo, frozenset(query.lower().split())) for photo, each in enumerate(queries) for query in each
    ]
    holders: dict[str, set[int]] = {}  # the queries that hold a word
    for place, (_, held) in enumerate(words):
        for word in held:
            holders.setdefault(word, set()).add(place)
    right = np.zeros((len(words), len(queries)), np.bool_)
    for place, (photo, asked) in enumerate(words):
        right[place, photo] = True
        for other in set.intersection(*(holders[word] for word in asked)):
            right[place, words[other][0]] = True
    return right


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
        *(Outcome.plain(f"of kind {each}", of_kinds[:, row], owner) for row, each in enumerate(names)),
    ]


def class_vectors(
    texts: Callable[[Sequence[str]], Vectors], names: Sequence[str], templates: Sequence[str]
) -> Vectors:
    """Unit vectors [classes, dim]: each name in every template, averaged; `texts` embeds."""
    phrases = [template.replace("{}", name) for name in names for template in templates]
    vectors = texts(phrases).reshape(len(names), len(templates), -1).mean(1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def classification(
    photos: Vectors, classes: Vectors, names: Sequence[str], labels: NDArray[np.int64]
) -> list[Outcome]:
    """Accuracy of photos [n, dim] with their `labels` [n]: of the first guess, of five, and the first one's mean over classes.

    Of two classes with one name either is right. The mean per class is left out where no class has two photos.
    """
    rows = np.arange(len(photos))
    number = np.unique(np.array(names), return_inverse=True)[1]  # equal for equal names
    found = ranks(photos, classes, lambda block: number[labels[block], None] == number)
    outcomes = [Outcome.plain("top-1", found < 1, rows)]
    if len(names) > FEW:
        outcomes.append(Outcome.plain("top-5", found < 5, rows))
    present, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(present) > 1 and sizes.max() > 1:
        outcomes.append(Outcome("mean per class", found < 1, rows, group, within=True))
    return outcomes
