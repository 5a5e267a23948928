"""Whether a head learnt from decisions: both heads are asked about the photos kept apart, tag by tag, and about public sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.errors import DataError
from mctrain.training.decisions.photos import ACCEPTED, REJECTED
from mctrain.training.decisions.sight import embed
from mctrain.weights.checkpoint import Compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mctrain.models.heads import Head
    from mctrain.training.decisions.photos import Decided
    from mctrain.training.decisions.scores import Tags

OWN = "decisions kept apart"


@dataclass(frozen=True, slots=True)
class Judged:
    """A tag with its photos kept apart, and of all pairs of an accepted and a rejected one the percentage in the right order."""

    tag: str
    accepted: int
    rejected: int
    before: float
    after: float


def judged_tags(apart: Decided, least: int) -> NDArray[np.int64]:
    """The places of the tags that have at least so many photos kept apart of either kind.

    Raises:
        DataError: none has.
    """
    places = np.flatnonzero(np.minimum(*_counts(apart)) >= least)
    if not len(places):
        raise DataError(
            f"No tag has {least} accepted and {least} rejected photos kept apart, and by fewer a model cannot be judged; decide on more "
            "photos, or keep a larger share apart: --set apart.share=0.5."
        )
    return places


def untold(apart: Decided, least: int) -> list[str]:
    """The tags that have fewer, each with what it has."""
    accepted, rejected = _counts(apart)
    return [
        f"{tag} ({accepted[place]} accepted, {rejected[place]} rejected)"
        for place, tag in enumerate(apart.tags)
        if min(accepted[place], rejected[place]) < least
    ]


def judge_tags(heads: tuple[Head, Head], apart: Decided, tags: Tags, least: int) -> list[Judged]:
    """What the first head and the second one say of the photos kept apart.

    Raises:
        DataError: as `judged_tags`.
    """
    scores = [tags.scores(torch.from_numpy(embed(own, apart.given))).numpy() for own in heads]
    accepted, rejected = _counts(apart)
    told = []
    for place in judged_tags(apart, least):
        figures = [100 * in_order(own[:, place], apart.verdicts[:, place]) for own in scores]
        told.append(Judged(apart.tags[place], int(accepted[place]), int(rejected[place]), *figures))
    return told


def compared(tags: Sequence[Judged], apart: Decided) -> Compared:
    """The mean over the tags, for the checkpoint and the bundle: no name of a tag is in it."""
    named = {own.tag for own in tags}
    columns = [place for place, tag in enumerate(apart.tags) if tag in named]
    photos = int(apart.verdicts[:, columns].any(axis=1).sum())
    before, after = (float(np.mean([getattr(own, when) for own in tags])) for when in ("before", "after"))
    return Compared(OWN, photos, before, after, group="asked for")


def in_order(scores: NDArray[np.float32], verdicts: NDArray[np.int8]) -> float:
    """The share of pairs of an accepted photo and a rejected one in which the accepted one scores higher; of equal ones half counts."""
    accepted, rejected = scores[verdicts == ACCEPTED], scores[verdicts == REJECTED]
    above = accepted[:, None] - rejected[None]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def _counts(apart: Decided) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The accepted and the rejected photos of each tag."""
    return (apart.verdicts == ACCEPTED).sum(0), (apart.verdicts == REJECTED).sum(0)
