"""The fit of a bundle's image head to decisions, on what its trunk sees: some hundred steps that take seconds.

Of photos with the cosines c [n, tags], the verdicts v [n, tags] (1 accepted, -1 rejected, 0 undecided) and cuts k [n, tags] above
which a photo belongs to a tag:

    decisions    Σ w softplus(-v s (c - k)) over the decided pairs alone: an undecided photo is no negative
    staying      s (1 - cosine of a photo's vector to the one that it had), so that the rest of the space stays where it was

s is the factor of the model's own cosines; w gives every tag the same weight, and in it either kind of decision.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 (torch's own custom)

from mctrain.errors import DataError
from mctrain.optimisation.optimizer import Descent, build_student_optimizer, rate_at, set_rate
from mctrain.training.decisions.sight import ACCEPTED, REJECTED, apply, embed
from mctrain.weights.checkpoint import Compared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.models.blocks import Head
    from mctrain.recipes.training import DecisionsRecipe
    from mctrain.training.decisions.sight import BundleTrunk, Decided


OWN = "decisions kept apart"


def decision_loss(cosines: Tensor, verdicts: Tensor, cuts: Tensor, weights: Tensor, scale: float) -> Tensor:
    """The weighed sum [] over decided pairs."""
    return (weights * F.softplus(-verdicts * scale * (cosines - cuts))).sum()


def staying_loss(photos: Tensor, before: Tensor, scale: float) -> Tensor:
    """The mean over the rows of unit vectors [n, dim]."""
    return scale * (1 - (photos * before).sum(1)).mean()


def even_weights(verdicts: Tensor) -> Tensor:
    """W [n, tags]: of each tag the accepted pairs share out 1 / tags among them, and so do the rejected ones."""
    weights = torch.zeros(verdicts.shape)
    for kind in (1, -1):
        pairs = (verdicts == kind).float()
        weights += pairs / pairs.sum(0).clamp(min=1)
    return weights / verdicts.shape[1]


def cuts_of(cosines: Tensor, verdicts: Tensor, fitting: Tensor) -> Tensor:
    """K [n, tags]: what a photo's words have that fit it, `fitting` [n], or what is between a tag's photos so far, if that is more.

    The first alone says what a photo should have in common with words that mean nothing yet, such as a dog's name; the second
    parts what already lies above it.
    """
    sums = [
        (cosines * each).sum(0) / each.sum(0) for each in ((verdicts == 1).float(), (verdicts == -1).float())
    ]
    between = (sums[0] + sums[1]).nan_to_num(-2) / 2  # a tag with one kind of decision has no between
    return torch.maximum(between, fitting[:, None])


@dataclass(frozen=True, slots=True)
class DecisionLesson:
    """What a head learns from: decisions, the words of their tags, those of everyday things; `scale` is the model's own factor."""

    decided: Decided
    tags: TagWords
    things: Tensor  # [things, dim]
    scale: float


@dataclass(frozen=True, slots=True)
class _Table:
    """What every step draws from."""

    given: Tensor  # [photos, features + classes]
    before: Tensor  # [photos, dim]: where each was
    verdicts: Tensor  # [photos, tags]
    weights: Tensor  # [photos, tags]
    cuts: Tensor  # [photos, tags]


def fit(
    head: Head, lesson: DecisionLesson, recipe: DecisionsRecipe, progress: Callable[[int, str], None]
) -> Head:
    """A head like the given one that has learnt what was decided; the same one for the same seed.

    Raises:
        TrainerError: the gradient is no number any more.
    """
    torch.set_num_threads(1)
    torch.manual_seed(recipe.decisions.seed)
    table, each, steps = _table(head, lesson, recipe.decisions.rank), recipe.optimizer, recipe.decisions.steps
    learning = copy.deepcopy(head).eval().requires_grad_()  # dropout would move what is to stay
    optimizer = build_student_optimizer(learning, each)
    history: list[float] = []

    def losses(step: int) -> Iterator[Tensor]:
        del step  # torch's own numbers go on
        yield _loss(learning, lesson, table, recipe)

    def at_rate(step: int) -> None:
        set_rate(optimizer, rate_at(step, steps, each.warmup, each.rate, each.floor))

    Descent(optimizer, losses, at_rate, clipped=tuple(learning.parameters()), longest=each.longest).follow(
        history, steps, lambda: progress(1, f"loss {history[-1]:.3f}")
    )
    return learning.requires_grad_(requires_grad=False)


@torch.no_grad()
def _table(head: Head, lesson: DecisionLesson, rank: int) -> _Table:
    given = torch.from_numpy(lesson.decided.given)
    verdicts = torch.from_numpy(lesson.decided.verdicts)
    before = apply(head.eval(), given)
    fitting = (before @ lesson.things.T).topk(min(rank, len(lesson.things))).values[:, -1]  # [photos]
    cuts = cuts_of(lesson.tags.scores(before), verdicts, fitting)
    return _Table(given, before, verdicts, even_weights(verdicts), cuts)


def _loss(learning: Head, lesson: DecisionLesson, table: _Table, recipe: DecisionsRecipe) -> Tensor:
    """Of some photos, as if they were all."""
    count = len(table.given)
    rows = torch.randperm(count)[: recipe.decisions.batch]
    photos = apply(learning, table.given[rows])
    weights = table.weights[rows] * (count / len(rows))
    cosines = lesson.tags.scores(photos)
    decided = decision_loss(cosines, table.verdicts[rows], table.cuts[rows], weights, lesson.scale)
    stays = staying_loss(photos, table.before[rows], lesson.scale)
    return decided + recipe.decisions.staying * stays


@dataclass(frozen=True, slots=True)
class TagWords:
    """The words of all tags, end to end, and whose each is."""

    vectors: Tensor  # [words, dim]
    owner: Tensor  # [words]
    count: int

    @classmethod
    def of(cls, words: tuple[tuple[str, ...], ...], sight: BundleTrunk) -> TagWords:
        """Embeds the words of each tag."""
        owned = [(text, tag) for tag, each in enumerate(words) for text in each]
        vectors = torch.from_numpy(sight.terms([text for text, _ in owned]))
        return cls(vectors, torch.tensor([tag for _, tag in owned]), len(words))

    def scores(self, photos: Tensor) -> Tensor:
        """Cosines [n, tags] of unit vectors [n, dim], of the best word each."""
        cosines = photos @ self.vectors.T  # [n, words]
        if len(self.vectors) == self.count:
            return cosines
        owner = self.owner.expand(len(photos), -1)
        lowest = torch.full((len(photos), self.count), -torch.inf)
        return lowest.scatter_reduce(1, owner, cosines, "amax")


@dataclass(frozen=True, slots=True)
class TagScores:
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


def too_few(apart: Decided, least: int) -> list[str]:
    """The tags that have fewer, each with what it has."""
    accepted, rejected = _counts(apart)
    return [
        f"{tag} ({accepted[place]} accepted, {rejected[place]} rejected)"
        for place, tag in enumerate(apart.tags)
        if min(accepted[place], rejected[place]) < least
    ]


def judge_tags(heads: tuple[Head, Head], apart: Decided, tags: TagWords, least: int) -> list[TagScores]:
    """What the first head and the second one say of the photos kept apart.

    Raises:
        DataError: as `judged_tags`.
    """
    scores = [tags.scores(torch.from_numpy(embed(each, apart.given))).numpy() for each in heads]
    accepted, rejected = _counts(apart)
    judged = []
    for place in judged_tags(apart, least):
        figures = [100 * in_order(each[:, place], apart.verdicts[:, place]) for each in scores]
        judged.append(TagScores(apart.tags[place], int(accepted[place]), int(rejected[place]), *figures))
    return judged


def compared(tags: Sequence[TagScores], apart: Decided) -> Compared:
    """The mean over the tags, for the checkpoint and the bundle: no name of a tag is in it."""
    named = {each.tag for each in tags}
    columns = [place for place, tag in enumerate(apart.tags) if tag in named]
    photos = int(apart.verdicts[:, columns].any(axis=1).sum())
    before, after = (float(np.mean([getattr(each, when) for each in tags])) for when in ("before", "after"))
    return Compared(OWN, photos, before, after, group="asked for")


def in_order(scores: NDArray[np.float32], verdicts: NDArray[np.int8]) -> float:
    """The share of pairs of an accepted photo and a rejected one in which the accepted one scores higher; of equal ones half counts."""
    accepted, rejected = scores[verdicts == ACCEPTED], scores[verdicts == REJECTED]
    above = accepted[:, None] - rejected[None]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def _counts(apart: Decided) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The accepted and the rejected photos of each tag."""
    return (apart.verdicts == ACCEPTED).sum(0), (apart.verdicts == REJECTED).sum(0)
