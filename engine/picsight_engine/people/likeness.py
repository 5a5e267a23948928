"""Which faces look alike: groups that grow face by face, and how near a face is to those of a person. Pure.

Distances are Euclidean, between vectors that are not normalised. The thresholds were chosen on faces of strangers: at 0.50, which
makes no mistake among the persons of one data set, a hundred strangers become one group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.tags.fit import Background, train

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # [n, 128]
    Distances = NDArray[np.float32]

NEAR, MEAN_NEAR = 0.40, 0.44  # the mean of the nearest members, and of all, up to which a face joins a group
QUESTION = 0.50  # up to which it may be the same person
NEAREST = 3  # members that are compared
_BLOCK = 256  # faces at once: 100 MB of distances to 100,000 others
_MOST_SEEN = 512  # faces that stand for all of a kind when a classifier is taught
_MOST_TAUGHT = 64  # faces that stand for all of a person's, so that an answer takes 50 ms among 100,000


def distances(some: Vectors, others: Vectors) -> Distances:
    """The distances [n, m]."""
    squares = (some**2).sum(1)[:, np.newaxis] + (others**2).sum(1) - 2 * some @ others.T
    return np.asarray(np.sqrt(squares.clip(min=0)), np.float32)


def join_groups(
    vectors: Vectors, photo_ids: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The groups [n] of faces after those without one (0) have each joined the group that they are nearest to, or begun one (-1, -2 …).

    Faces that have a group keep it, and two faces of one photo never share one. Those that look like most others come first:
    the groups that they begin do not fall apart.
    """
    groups = groups.copy()
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        if group:
            members.setdefault(group, []).append(row)
    due = np.flatnonzero(groups == 0)
    alike = [
        (distances(vectors[due[start : start + _BLOCK]], vectors) <= NEAR).sum(axis=1)
        for start in range(0, len(due), _BLOCK)
    ]
    due = due[np.argsort(-np.concatenate([*alike, due[:0]]), kind="stable")]
    begun = 0
    for start in range(0, len(due), _BLOCK):
        block = due[start : start + _BLOCK]
        for row, apart in zip(block.tolist(), distances(vectors[block], vectors), strict=True):
            near = groups[(apart <= MEAN_NEAR) & (groups != 0)]
            taken = set(groups[photo_ids == photo_ids[row]].tolist())
            fitting = [
                (closeness, group)
                for group in {*near.tolist()} - taken
                if (closeness := _closeness(apart[members[group]])) is not None
            ]
            begun += not fitting
            group = min(fitting)[1] if fitting else -begun
            groups[row] = group
            members.setdefault(group, []).append(row)
    return groups


def _closeness(apart: Distances) -> float | None:
    """The mean distance of the nearest members of a group; None if they, or all, are too far."""
    nearest = float(np.sort(apart)[:NEAREST].mean())
    return nearest if nearest <= NEAR and apart.mean() <= MEAN_NEAR else None


def nearness(faces: Vectors, taught: Vectors) -> Distances:
    """How far each face [n] is from a person: the mean distance of the nearest of the person's faces."""
    apart = distances(faces, _some(taught, _MOST_TAUGHT))
    number = min(NEAREST, apart.shape[1])
    return np.asarray(np.partition(apart, number - 1, axis=1)[:, :number].mean(axis=1), np.float32)


def recognised(faces: Vectors, alike: Vectors, unlike: Vectors, all_: Vectors) -> NDArray[np.bool_]:
    """Whether the classifier of a tag that has these faces for examples, among all of the library, takes each face [n] for the person.

    A face that it does not recognise is still asked about: in a library of few persons it recognises too few.
    """
    background = Background.from_vectors(_unit(_some(all_, _MOST_SEEN)), len(all_))
    alike, unlike = (_unit(_some(kind, _MOST_SEEN)) for kind in (alike, unlike))
    return train(all_[:0], alike, unlike, background).logits(_unit(faces)) > 0


def _some(vectors: Vectors, most: int) -> Vectors:
    return vectors[:: -(-len(vectors) // most) or 1]


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-6), np.float32)
