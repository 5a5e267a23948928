"""A part of a photo, cut out by a box, told from a caption in which two things or two attributes have changed places.

These are ARO's VG-Relation and VG-Attribution as they are published (Yuksekgonul et al., 2023): a list in JSON whose items
have `image_path`, `bbox_x`, `bbox_y`, `bbox_w` and `bbox_h` in pixels, `true_caption`, `false_caption`, and a
`relation_name` or two `attributes`. The published figure is the mean over relations without 157 of them, or over pairs of
attributes without those of which there are few.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.errors import DataError
from mctrain.evaluation.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.tasks import By

FEWEST = 25  # items of a pair of attributes that counts
_BOX = ("bbox_x", "bbox_y", "bbox_w", "bbox_h")
_TEXTS = ("image_path", "true_caption", "false_caption")


@dataclass(frozen=True, slots=True)
class Cut:
    """What is cut out of the photo in a file of this name: left, upper, right and lower edge in its pixels."""

    image: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class BoxedPair:
    """What is seen, what holds of it, what does not, and the relation or the attributes that the two differ by."""

    cut: Cut
    caption: str
    negative: str
    group: str


def read_boxed_pairs(path: Path, by: By) -> list[BoxedPair]:
    """Those items of a list that count.

    Raises:
        DataError: it cannot be read, an item lacks something, or none counts.
    """
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise DataError(f"{path} cannot be read as JSON: {fault}.") from fault
    if not isinstance(items, list):
        raise DataError(f"{path} is no list of items in JSON; name the file of {by}s.")
    pairs = [_pair(item, by, f"{path}, item {number}") for number, item in enumerate(items)]
    sizes = Counter(own.group for own in pairs)
    kept = [own for own in pairs if _counts(own.group, sizes, by)]
    if not kept:
        raise DataError(f"{path} has no {by} that counts among its {len(pairs)} items, so it asks nothing.")
    return kept


def by_group(
    right: NDArray[np.bool_], photo: NDArray[np.int64], pairs: Sequence[BoxedPair], by: By
) -> list[Outcome]:
    """The mean over groups, which is what is published, and the share of all pairs; pair j is of photo `photo[j]`."""
    _, group = np.unique([own.group for own in pairs], return_inverse=True)
    return [
        Outcome(f"mean per {by}", right, photo, group, within=True),
        Outcome.plain("all", right, photo),
    ]


@cache
def left_out() -> frozenset[str]:
    """The relations that do not count."""
    content = resources.files("mctrain").joinpath("evaluation", "relations.toml").read_text(encoding="utf-8")
    return frozenset(" ".join(tomllib.loads(content)["left_out"].split()).split("; "))


def _counts(group: str, sizes: Counter[str], by: By) -> bool:
    return group not in left_out() if by == "relation" else sizes[group] >= FEWEST


def _pair(item: Any, by: By, where: str) -> BoxedPair:
    try:
        image, caption, negative = (item[key] for key in _TEXTS)
        left, top, width, height = (item[key] for key in _BOX)
        group = item["relation_name"] if by == "relation" else "_".join(item["attributes"])
    except (KeyError, TypeError) as fault:
        raise DataError(f"{where}, is no pair by {by}: {fault} is missing or of another kind.") from fault
    texts = all(isinstance(own, str) for own in (image, caption, negative, group))
    if not texts or not all(type(own) is int for own in (left, top, width, height)) or min(width, height) < 1:
        raise DataError(
            f"{where}, wants texts under {', '.join(_TEXTS)} and whole pixels under {', '.join(_BOX)}."
        )
    return BoxedPair(Cut(image, (left, top, left + width, top + height)), caption, negative, group)
