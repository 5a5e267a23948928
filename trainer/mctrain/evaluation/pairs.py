"""Pairs: a caption that holds of a photo, and one that says nearly the same and does not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.errors import DataError
from mctrain.evaluation.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.subject import Gallery

    Vectors = NDArray[np.float32]


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
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        records: list[Any] = [json.loads(line) for line in lines]
    except (OSError, ValueError) as fault:
        raise DataError(f"{path} cannot be read as lines of JSON: {fault}.") from fault
    if not records:
        raise DataError(f"{path} is empty, so it asks nothing.")
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict) or not all(isinstance(record.get(own), str) for own in fields):
            raise DataError(f"{path}, line {number}, wants texts under {', '.join(fields)}.")
    return [{own: record[own] for own in fields} for record in records]


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file.

    Raises:
        DataError: it cannot be read, or a line is no pair.
    """
    return [Pair(**own) for own in read_lines(path, ("image", "caption", "negative", "kind"))]


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
    parts = [Outcome.plain("all", right, rows)]
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
