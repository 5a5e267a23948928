"""Which photos answer a short search: its own, and those for which somebody would search with all of its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def right_photos(queries: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Which of the photos [m, n] are right for each query; `queries` are those of each photo, and m goes through them in order.

    A photo is right if one of its own queries holds all words of the query asked, in any order: a "dog" is found in
    "brown dog", but not in "dogs". Words are what stands between blanks, without regard to case.
    """
    words = [(photo, frozenset(query.lower().split())) for photo, own in enumerate(queries) for query in own]
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
