"""Pairs: a caption that holds of a photo, and one that says nearly the same and does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.sources.listing import sound_records
from mctrain.errors import DataError
from mctrain.evaluation.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.subject import Gallery

    Vectors = NDArray[np.float32]


_ALL = "all"  # kinds together


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo's key, what holds of it, what does not, and how the one was made of the other."""

    image: str
    caption: str
    negative: str
    kind: str


def read_lines(path: Path, fields: Sequence[str]) -> list[dict[str, str]]:
    """The records of a file of JSON lines, with these fields alone.

    Raises:
        DataError: it cannot be read, is empty, or a line lacks one of them.
    """
    lines = sound_records(path)
    if not lines:
        raise DataError(f"{path} is empty, so it asks nothing.")
    for where, record in lines:
        if not all(isinstance(record.get(own), str) for own in fields):
            raise DataError(f"{where}, wants texts under {', '.join(fields)}.")
    return [{own: record[own] for own in fields} for _, record in lines]


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file.

    Raises:
        DataError: it cannot be read, or a line is no pair, or of a kind that bears the name of all kinds.
    """
    pairs = [Pair(**own) for own in read_lines(path, ("image", "caption", "negative", "kind"))]
    if any(own.kind == _ALL for own in pairs):
        raise DataError(
            f"{path} has pairs of the kind {_ALL}, as the figure of all kinds is called; rename this kind."
        )
    return pairs


def rows_of(keys: Sequence[str], gallery: Gallery, path: Path) -> NDArray[np.int64]:
    """The rows of the photos of these keys; `path` is where they are named.

    Raises:
        DataError: the set has no such photo, or several, as of two shards that count from 0.
    """
    places = {key: row for row, key in enumerate(gallery.keys)}
    missing = [key for key in keys if key not in places]
    if missing:
        raise DataError(
            f"{path} names {missing[0]}, which is not among the photos of its task; check its shards."
        )
    photos = Counter(key for key, _ in set(zip(gallery.keys, gallery.digests, strict=True)))
    several = [key for key in keys if photos[key] > 1]
    if several:
        raise DataError(
            f"{path} names {several[0]}, and {photos[several[0]]} different photos of its task have this key; "
            "name shards in which it has one."
        )
    return np.array([places[key] for key in keys], np.int64)


def judged(right: NDArray[np.bool_], rows: NDArray[np.int64], kinds: Sequence[str]) -> list[Outcome]:
    """Accuracy of all pairs and of each kind; pair j is of photo `rows[j]`."""
    parts = [Outcome.plain(_ALL, right, rows)]
    for kind in dict.fromkeys(kinds):
        own = np.flatnonzero([other == kind for other in kinds])
        parts.append(Outcome.plain(kind, right[own], rows[own]))
    return parts


def told_apart(
    photos: Vectors, captions: Vectors, others: Vectors, of: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which photos [m, dim] are nearer to their captions [m, dim] than to every other text [k, dim]; text j is of row `of[j]`.

    A tie is wrong.
    """
    right = np.ones(len(captions), np.bool_)
    own = (photos * captions).sum(1)[of]
    np.logical_and.at(right, of, own > (photos[of] * others).sum(1))
    return right
