"""Retrieval: recall@1, 5 and 10 from text to photo and from photo to text; and blank pictures among the first results.
Zero-shot classification: the class name nearest to a photo.

Ties count against the model: the rank is the number of wrong answers that score no less than the best right one. So do
scores that are not finite, as from overflown weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mctrain.evaluation.outcome import Median, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


_BLOCK = 1024  # queries at a time: a set of 25,000 captions and 5,000 photos has 125 million scores


DEPTHS = (1, 5, 10)
_FORTH, _BACK = "text to image", "image to text"
FIRST = 20  # results visible without scrolling
FEW = 5  # top-5 accuracy is meaningless for so few classes


def ranks(
    questions: NDArray[np.float32], answers: NDArray[np.float32], right: Callable[[slice], NDArray[np.bool_]]
) -> NDArray[np.int64]:
    """Ranks [m] of the best right answer of queries [m, dim] among answers [n, dim]; `right` gives a mask [block, n] per block."""
    parts = [np.zeros(0, np.int64)]
    for start in range(0, len(questions), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(questions)))
        scores, wanted = questions[block] @ answers.T, right(block)  # [block, n]
        best = np.where(wanted, scores, -np.inf).max(1)
        parts.append((~(scores < best[:, None]) & ~wanted).sum(1))
    return np.concatenate(parts)


def retrieval(photos: Vectors, texts: Vectors, owner: NDArray[np.int64]) -> list[Outcome]:
    """Recall in both directions and the mean recall@1, from vectors [n, dim] and [m, dim]; text j belongs to photo `owner[j]`.

    The best of a photo's texts counts; every photo must have one.
    """
    rows = np.arange(len(photos))
    forth = ranks(texts, photos, lambda block: owner[block, None] == rows)
    back = ranks(photos, texts, lambda block: rows[block, None] == owner)
    both, way = np.concatenate([forth, back]), np.repeat([0, 1], [len(texts), len(photos)])
    mean = Outcome("mean at 1", both < 1, np.concatenate([owner, rows]), way)
    others = len(texts) - int(np.bincount(owner).min())
    return [*_recalls(_FORTH, forth, owner, len(photos) - 1), *_recalls(_BACK, back, rows, others), mean]


def recall(photos: Vectors, texts: Vectors, owner: NDArray[np.int64], way: str = _FORTH) -> list[Outcome]:
    """Recall from text to photo; text j belongs to photo `owner[j]`, and `way` names the figures."""
    found = ranks(texts, photos, lambda block: owner[block, None] == np.arange(len(photos)))
    return _recalls(way, found, owner, len(photos) - 1)


def search_recall(
    photos: Vectors, texts: Vectors, owner: NDArray[np.int64], right: NDArray[np.bool_]
) -> list[Outcome]:
    """Recall of texts with several `right` [m, n] photos: the best-ranked one counts."""
    found = ranks(texts, photos, lambda block: right[block])
    return _recalls(_FORTH, found, owner, int((~right).sum(1).max()))


def _recalls(way: str, found: NDArray[np.int64], photo: NDArray[np.int64], wrong: int) -> list[Outcome]:
    """Recall at each depth up to `wrong`, the most wrong answers of any query; at a larger depth any model has 100 %."""
    depths = [depth for depth in DEPTHS if depth <= max(wrong, DEPTHS[0])]
    return [Outcome.plain(f"{way} at {depth}", found < depth, photo) for depth in depths]


def right_photos(queries: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """The right photos [m, n] of each query; `queries` are those of each photo, and m runs through them in order.

    A photo is right if one of its queries contains all words of the query, in any order: "dog" matches "brown dog", but
    not "dogs". Words are separated by blanks; case is ignored.
    """
    words = [
        (photo, frozenset(query.lower().split()))
        for photo, of_photo in enumerate(queries)
        for query in of_photo
    ]
    holders: dict[str, set[int]] = {}  # the queries that contain a word
    for place, (_, held) in enumerate(words):
        for word in held:
            holders.setdefault(word, set()).add(place)
    right = np.zeros((len(words), len(queries)), np.bool_)
    for place, (photo, asked) in enumerate(words):
        right[place, photo] = True
        for other in set.intersection(*(holders[word] for word in asked)):
            right[place, words[other][0]] = True
    return right


def flattened(texts: Sequence[Sequence[str]]) -> tuple[list[str], NDArray[np.int64]]:
    """The texts of all photos in order, and the photo row of each."""
    owner = np.repeat(np.arange(len(texts)), [len(each) for each in texts])
    return [text for each in texts for text in each], owner


def blank_outcomes(
    photos: Vectors, blanks: Vectors, texts: Vectors, owner: NDArray[np.int64], kinds: Sequence[str]
) -> list[Outcome]:
    """How often blanks rank high, from photos [n, dim], blanks [b, dim] and texts [m, dim], text j of photo `owner[j]`.

    Lower is better for every figure: the share of texts with a blank among the first results, the share of blanks among
    these, the median share of photos that rank after the best blank, and per kind in `kinds` [b] the share of texts with
    such a blank among the first. Ties and scores that are not finite count for the blank.
    """
    scores = [np.nan_to_num(texts @ blanks.T, nan=np.inf), np.nan_to_num(texts @ photos.T, nan=-np.inf)]
    # [m, b + n]; blanks win ties
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
    """Unit vectors [classes, dim]: the average over all templates; `texts` embeds."""
    phrases = [template.replace("{}", name) for name in names for template in templates]
    vectors = texts(phrases).reshape(len(names), len(templates), -1).mean(1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def classification(
    photos: Vectors, classes: Vectors, names: Sequence[str], labels: NDArray[np.int64]
) -> list[Outcome]:
    """Accuracy of photos [n, dim] with `labels` [n]: top-1, top-5, and the mean of top-1 over classes.

    Classes with the same name are interchangeable. The mean per class is left out if no class has two photos.
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
