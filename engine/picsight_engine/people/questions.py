"""Which faces may be a person's, by the faces that were accepted and rejected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.people.likeness import NEAR, QUESTION, nearness, recognised
from picsight_engine.store.files import dates_of
from picsight_engine.tags.quality import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.faces import FaceRows
    from picsight_engine.store.tagging.decisions import Verdict


@dataclass(frozen=True, slots=True)
class KnownFaces:
    """Every face with a vector, and what was decided."""

    revisions: tuple[int, int]
    rows: FaceRows
    verdicts: dict[int, dict[int, Verdict]]
    in_sight: NDArray[np.bool_]  # [n], in visible photos
    taken: NDArray[np.intp]  # [t], rows that are somebody's, or were put away


@dataclass(frozen=True, slots=True)
class NearFaces:
    """Rows [q] of faces that may be a person's, nearest first, their distances [q], and whether they are sure."""

    rows: NDArray[np.intp]
    apart: NDArray[np.float32]
    is_sure: NDArray[np.bool_]


def nearest_faces(verdicts: Mapping[int, Verdict], known: KnownFaces) -> NearFaces:
    """The undecided faces that may be a person's, by the verdicts about it."""
    rows = known.rows
    accepted, rejected = (
        np.isin(rows.ids, [face_id for face_id, verdict in verdicts.items() if verdict == wanted])
        for wanted in ("accepted", "rejected")
    )
    taught = accepted & rows.is_core if (accepted & rows.is_core).any() else accepted
    there = np.isin(rows.photo_ids, rows.photo_ids[accepted])
    near = np.flatnonzero(known.in_sight & rows.is_core & ~there & ~rejected)
    if not (taught.any() and len(near)):
        return NearFaces(near[:0], np.empty(0, np.float32), np.empty(0, np.bool_))
    apart = nearness(rows.vectors[near], rows.vectors[taught])
    near, apart = near[apart <= QUESTION], apart[apart <= QUESTION]
    if rejected.any() and len(near):
        nearer = apart <= nearness(rows.vectors[near], rows.vectors[rejected])
        near, apart = near[nearer], apart[nearer]
    order = np.argsort(apart, kind="stable")
    near, apart = near[order], apart[order]
    if len(verdicts) < ENOUGH:
        return NearFaces(near, apart, apart <= NEAR)
    vectors = rows.vectors
    sure = recognised(vectors[near], vectors[taught], vectors[rejected], vectors[rows.is_core])
    return NearFaces(near, apart, sure)


def years_apart(db: Database, photo_ids: Sequence[int], others: Sequence[int]) -> dict[int, float]:
    """How many years each photo is from the nearest of the others: a face changes with them, a child's most."""
    dates = dates_of(db, [*photo_ids, *others])
    days = {
        photo_id: [date.fromisoformat(day[:10]).toordinal() for day in some]
        for photo_id, some in dates.items()
    }
    known = np.array([day for photo_id in others for day in days[photo_id]])
    return {
        photo_id: min(
            (round(np.abs(known - day).min() / 365.25) for day in days[photo_id] if len(known)),
            default=math.inf,
        )
        for photo_id in photo_ids
    }


def persons_accepted(verdicts: Mapping[int, Verdict]) -> Iterator[int]:
    """The persons for whom a face is accepted: one, unless another program said more."""
    return (tag_id for tag_id, verdict in verdicts.items() if verdict == "accepted")
