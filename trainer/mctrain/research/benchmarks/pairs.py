"""Pairs of a true caption of a photo, or of a part of it, and a nearly equal false one.

Parts are boxes: ARO's published VG-Relation and VG-Attribution (Yuksekgonul et al., 2023), a JSON list whose items have
`image_path`, `bbox_x`, `bbox_y`, `bbox_w` and `bbox_h` in pixels, `true_caption`, `false_caption`, and a
`relation_name` or two `attributes`. The published figure is the mean over relations except 157 of them, or over pairs of
attributes except rare ones.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mctrain.errors import DataError
from mctrain.evaluation.evaluated_model import TOGETHER
from mctrain.evaluation.measure import read_lines
from mctrain.evaluation.outcome import Outcome
from mctrain.paths import read
from picsight_engine.photos.decoding.decode import Limits, decode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.evaluated_model import EvaluatedModel

    Vectors = NDArray[np.float32]

By = Literal["relation", "attribute"]
_ALL = "all"  # kinds together


FEWEST = 25  # fewest items for a pair of attributes to count
_BOX = ("bbox_x", "bbox_y", "bbox_w", "bbox_h")
_TEXTS = ("image_path", "true_caption", "false_caption")


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo's key, a true caption, a false one, and the kind of change between them."""

    image: str
    caption: str
    negative: str
    kind: str


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file.

    Raises:
        DataError: it cannot be read, a line is not a pair, or its kind has the reserved name.
    """
    pairs = [Pair(**each) for each in read_lines(path, ("image", "caption", "negative", "kind"))]
    if any(each.kind == _ALL for each in pairs):
        raise DataError(
            f"{path} has pairs of the kind {_ALL}, the name of the figure over all kinds; rename this kind."
        )
    return pairs


def pair_accuracy(right: NDArray[np.bool_], rows: NDArray[np.int64], kinds: Sequence[str]) -> list[Outcome]:
    """Accuracy over all pairs and per kind; pair j belongs to photo `rows[j]`."""
    parts = [Outcome.plain(_ALL, right, rows)]
    for kind in dict.fromkeys(kinds):
        chosen = np.flatnonzero([other == kind for other in kinds])
        parts.append(Outcome.plain(kind, right[chosen], rows[chosen]))
    return parts


def captions_preferred(
    photos: Vectors, captions: Vectors, others: Vectors, of: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether photos [m, dim] are nearer to their captions [m, dim] than to each negative j of row `of[j]`; ties are wrong."""
    right = np.ones(len(captions), np.bool_)
    cosines = (photos * captions).sum(1)[of]
    np.logical_and.at(right, of, cosines > (photos[of] * others).sum(1))
    return right


@dataclass(frozen=True, slots=True)
class PhotoBox:
    """A box in the photo of this file name: left, upper, right and lower edge in pixels."""

    image: str
    edges: tuple[int, int, int, int]


def embed_boxes(model: EvaluatedModel, folder: Path, boxes: Sequence[PhotoBox]) -> NDArray[np.float32]:
    """Unit vectors [boxes, dim] of parts of the photos in a folder; a box is black outside its photo.

    Raises:
        DataError: a photo is missing.
        ImageError: one cannot be decoded.
        WeightsError: the image tower's output is not finite.
    """
    rows, limits = [], Limits()
    for start in range(0, len(boxes), TOGETHER):
        part, pictures = boxes[start : start + TOGETHER], []
        for box in part:
            path = folder / box.image
            picture = decode(read(path), path, min_side=limits.side, limits=limits).image
            pictures.append(picture.crop(box.edges))
            model.progress(1, folder.name)
        rows.append(model.pictures(pictures, [box.image for box in part]))
    return np.concatenate(rows)


@dataclass(frozen=True, slots=True)
class BoxedPair:
    """A box, a true caption, a false one, and the relation or attributes in which they differ."""

    box: PhotoBox
    caption: str
    negative: str
    group: str


def read_boxed_pairs(path: Path, by: By) -> list[BoxedPair]:
    """The items of a list that count; raises DataError if it cannot be read, an item is incomplete, or none counts."""
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise DataError(f"{path} cannot be read as JSON: {fault}.") from fault
    if not isinstance(items, list):
        raise DataError(f"{path} is no list of items in JSON; name the file of {by}s.")
    pairs = [_pair(item, by, f"{path}, item {number}") for number, item in enumerate(items)]
    sizes = Counter(each.group for each in pairs)
    kept = [each for each in pairs if _counts(each.group, sizes, by)]
    if not kept:
        raise DataError(f"{path} has no {by} that counts among its {len(pairs)} items; give another list.")
    return kept


def group_accuracy(
    right: NDArray[np.bool_], photo: NDArray[np.int64], pairs: Sequence[BoxedPair], by: By
) -> list[Outcome]:
    """The mean over groups, as published, and the share over all pairs; pair j is of photo `photo[j]`."""
    _, group = np.unique([each.group for each in pairs], return_inverse=True)
    return [Outcome(f"mean per {by}", right, photo, group, within=True), Outcome.plain("all", right, photo)]


@cache
def left_out() -> frozenset[str]:
    """The relations that do not count."""
    content = (
        resources.files("mctrain")
        .joinpath("research", "benchmarks", "relations.toml")
        .read_text(encoding="utf-8")
    )
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
    texts = all(isinstance(each, str) for each in (image, caption, negative, group))
    if (
        not texts
        or not all(type(each) is int for each in (left, top, width, height))
        or min(width, height) < 1
    ):
        raise DataError(
            f"{where}, needs texts under {', '.join(_TEXTS)} and whole pixels under {', '.join(_BOX)}."
        )
    return BoxedPair(PhotoBox(image, (left, top, left + width, top + height)), caption, negative, group)
