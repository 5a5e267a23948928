"""Embeds samples of a reinforced set again and compares with what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.reinforced.embeddings import columns_of
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mctrain.data.reinforced.manifest import Manifest
    from mctrain.data.reinforced.manifest import Teacher as Recorded
    from mctrain.reinforce.verify import Whole
    from mctrain.teachers.teacher import Teacher

    Advance = Callable[[int, str], None]

EXACT, ROUNDED = 0.999, 0.99  # least cosines: of embeddings that are stored as float32, and as bfloat16
_LOWER_HALF = 0xFFFF  # of a float32: zeros once it was a bfloat16


@dataclass(frozen=True, slots=True)
class Closeness:
    """Cosines of stored with fresh embeddings, and what the least one belongs to."""

    count: int
    least: float
    mean: float
    furthest: str


@dataclass(frozen=True, slots=True)
class Fidelity:
    """One teacher's embeddings, stored and fresh, and the cosine that they should reach."""

    photos: Closeness
    texts: Closeness
    bound: float


def demand_teachers(manifest: Manifest, teachers: Sequence[Teacher]) -> None:
    """Whether they can be those of the manifest.

    Raises:
        DataError: they are more, fewer, or of another width.
    """
    names = ", ".join(teacher.name for teacher in manifest.teachers)
    if len(teachers) != len(manifest.teachers):
        raise DataError(
            f"The manifest has {len(manifest.teachers)} teachers and {len(teachers)} were given; "
            f"give --teacher for each, in this order: {names}."
        )
    for recorded, given in zip(manifest.teachers, teachers, strict=True):
        if recorded.width != given.width:
            raise DataError(
                f"The embeddings of {recorded.name} have {recorded.width} numbers, and {given.name} gives {given.width}; "
                f"give --teacher for each, in this order: {names}."
            )


def find_strangers(manifest: Manifest, teachers: Sequence[Teacher]) -> list[str]:
    """A sentence for each teacher whose weights are not those that the set was made with, where it says which these are."""
    return [
        f"The teacher {recorded.name} has other weights than the set was made with: its digest is {given.digest} instead of "
        f"{recorded.digest}; find those of then, or let the job write the set anew."
        for recorded, given in zip(manifest.teachers, teachers, strict=True)
        if recorded.digest and recorded.digest != given.digest
    ]


def measure(
    samples: Sequence[Whole], widths: Sequence[int], teachers: Sequence[Teacher], advance: Advance
) -> list[Fidelity]:
    """How near each teacher's fresh embeddings of the samples' views and texts come to the stored ones."""
    return [
        _measure(samples, columns, teacher, advance)
        for columns, teacher in zip(columns_of(widths), teachers, strict=True)
    ]


def judge(recorded: Recorded, own: Fidelity) -> list[str]:
    """A sentence about photos and one about texts, where they moved."""
    return [
        f"The embeddings that {recorded.name} gives for {what} moved: the least cosine is {near.least:.4f} "
        f"({near.furthest}) and the mean {near.mean:.4f}, where {own.bound} is wanted; use the weights and the libraries "
        "of then, or let the job write the set anew."
        for what, near in (("photos", own.photos), ("texts", own.texts))
        if near.least < own.bound
    ]


def _measure(samples: Sequence[Whole], columns: slice, teacher: Teacher, advance: Advance) -> Fidelity:
    photos: list[tuple[str, float]] = []
    texts: list[tuple[str, float]] = []
    for whole in samples:
        sample = whole.sample
        shown = whole.shown(teacher.spec.size)
        fresh = teacher.photos(shown, [sample.key] * len(shown))  # [A, width]
        near = _cosines(sample.image_embeddings[:, columns], fresh)
        photos += ((f"view {view} of {sample.key}", cosine) for view, cosine in enumerate(near))
        tags = [None, *(tag for tag, texts in sample.words.synthetic.items() if texts)]
        words = [text for tag in tags for text in sample.texts_of(tag)]
        stored = np.concatenate([sample.rows_of(tag) for tag in tags])  # [texts, D]
        near = _cosines(stored[:, columns], teacher.texts(words))
        texts += ((f"“{text:.40}” of {sample.key}", cosine) for text, cosine in zip(words, near, strict=True))
        advance(1, teacher.name)
    rounded = all(_is_rounded(whole.sample.image_embeddings) for whole in samples)
    return Fidelity(_summed(photos), _summed(texts), ROUNDED if rounded else EXACT)


def _cosines(stored: NDArray[np.float32], fresh: NDArray[np.float32]) -> list[float]:
    """[n, width] twice to [n]; what is stored as bfloat16 is not quite of length 1."""
    products = np.einsum("ij,ij->i", stored, fresh)
    lengths = np.linalg.norm(stored, axis=1) * np.linalg.norm(fresh, axis=1)
    return [float(cosine) for cosine in products / lengths]


def _summed(near: Sequence[tuple[str, float]]) -> Closeness:
    furthest, least = min(near, key=lambda own: own[1])
    return Closeness(len(near), least, float(np.mean([cosine for _, cosine in near])), furthest)


def _is_rounded(embeddings: NDArray[np.float32]) -> bool:
    """Whether they went through bfloat16."""
    return not (np.ascontiguousarray(embeddings).view(np.uint32) & _LOWER_HALF).any()
