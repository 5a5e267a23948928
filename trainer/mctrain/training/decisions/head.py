"""Fits a bundle's image head to decisions, on its trunk's features: a few hundred steps that take seconds.

For photos with cosines c [n, tags], labels v [n, tags] (1 accepted, -1 rejected, 0 undecided) and thresholds k [n, tags],
above which a photo belongs to a tag:

    decisions    Σ w softplus(-v s (c - k)) over the decided pairs only: an undecided photo is not a negative
    staying      s (1 - cosine between a photo's new and old vector), which keeps the rest of the space in place

s is the model's logit scale; w weighs all tags equally, and accepted and rejected photos equally within a tag.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.errors import DataError
from mctrain.export.thresholds import auc
from mctrain.optimisation.optimizer import FitLoop, build_student_optimizer, rate_at, set_rate
from mctrain.training.decisions.trunk import ACCEPTED, REJECTED, embed
from mctrain.weights.checkpoint import Compared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.models.blocks import Head
    from mctrain.recipes.training import DecisionsRecipe
    from mctrain.training.decisions.trunk import BundleTrunk, Decisions


APART = "decisions kept apart"


def decision_loss(
    cosines: Tensor, labels: Tensor, thresholds: Tensor, weights: Tensor, scale: float
) -> Tensor:
    """The weighted sum [] over decided pairs."""
    return (weights * F.softplus(-labels * scale * (cosines - thresholds))).sum()


def staying_loss(photos: Tensor, before: Tensor, scale: float) -> Tensor:
    """The mean over the rows of unit vectors [n, dim]."""
    return scale * (1 - (photos * before).sum(1)).mean()


def even_weights(labels: Tensor) -> Tensor:
    """W [n, tags]: in each tag, the weights of accepted pairs add up to 1 / tags, and so do those of rejected pairs."""
    weights = torch.zeros(labels.shape)
    for kind in (1, -1):
        pairs = (labels == kind).float()
        weights += pairs / pairs.sum(0).clamp(min=1)
    return weights / labels.shape[1]


def thresholds_of(cosines: Tensor, labels: Tensor, fitting: Tensor) -> Tensor:
    """K [n, tags]: the larger of `fitting` [n], the cosine of words that fit the photo, and the midpoint between a tag's
    accepted and rejected photos.

    The first is the target for words that mean nothing to the model yet, such as a dog's name; the second separates
    photos that already score above it.
    """
    sums = [(cosines * each).sum(0) / each.sum(0) for each in ((labels == 1).float(), (labels == -1).float())]
    between = (sums[0] + sums[1]).nan_to_num(-2) / 2  # a tag with one kind of decision has no midpoint
    return torch.maximum(between, fitting[:, None])


@dataclass(frozen=True, slots=True)
class DecisionData:
    """Training data of a head: decisions, the words of their tags, and everyday words; `scale` is the model's logit scale."""

    decided: Decisions
    tags: TagWords
    words: Tensor  # [words, dim]
    scale: float


@dataclass(frozen=True, slots=True)
class _Table:
    """Tensors that every step samples from."""

    given: Tensor  # [photos, features + classes]
    before: Tensor  # [photos, dim]: the old vectors
    labels: Tensor  # [photos, tags]
    weights: Tensor  # [photos, tags]
    thresholds: Tensor  # [photos, tags]


def fit(
    head: Head, data: DecisionData, recipe: DecisionsRecipe, progress: Callable[[int, str], None]
) -> Head:
    """A copy of the head, trained on the decisions; the same seed gives the same head.

    Raises:
        TrainerError: the gradient is not finite.
    """
    torch.set_num_threads(1)
    torch.manual_seed(recipe.decisions.seed)
    table, optimizing, steps = (
        _table(head, data, recipe.decisions.rank),
        recipe.optimizer,
        recipe.decisions.steps,
    )
    learning = copy.deepcopy(head).eval().requires_grad_()  # dropout would move photos that should stay
    optimizer = build_student_optimizer(learning, optimizing)
    history: list[float] = []

    def losses(step: int) -> Iterator[Tensor]:
        del step  # torch's RNG carries on
        yield _loss(learning, data, table, recipe)

    def at_rate(step: int) -> None:
        set_rate(optimizer, rate_at(step, steps, optimizing.warmup, optimizing.rate, optimizing.floor))

    FitLoop(optimizer, losses, at_rate, clipped=tuple(learning.parameters())).run(
        history, steps, lambda: progress(1, f"loss {history[-1]:.3f}")
    )
    return learning.requires_grad_(requires_grad=False)


@torch.no_grad()
def _table(head: Head, data: DecisionData, rank: int) -> _Table:
    given = torch.from_numpy(data.decided.given)
    labels = torch.from_numpy(data.decided.labels)
    before = head.eval().of_joined(given)
    fitting = (before @ data.words.T).topk(min(rank, len(data.words))).values[:, -1]  # [photos]
    thresholds = thresholds_of(data.tags.scores(before), labels, fitting)
    return _Table(given, before, labels, even_weights(labels), thresholds)


def _loss(learning: Head, data: DecisionData, table: _Table, recipe: DecisionsRecipe) -> Tensor:
    """The loss of a batch, scaled to all photos."""
    count = len(table.given)
    rows = torch.randperm(count)[: recipe.decisions.batch]
    photos = learning.of_joined(table.given[rows])
    weights = table.weights[rows] * (count / len(rows))
    cosines = data.tags.scores(photos)
    decided = decision_loss(cosines, table.labels[rows], table.thresholds[rows], weights, data.scale)
    stays = staying_loss(photos, table.before[rows], data.scale)
    return decided + recipe.decisions.staying * stays


@dataclass(frozen=True, slots=True)
class TagWords:
    """The words of all tags, concatenated, with the tag of each."""

    vectors: Tensor  # [words, dim]
    owner: Tensor  # [words]
    count: int

    @classmethod
    def from_words(cls, words: tuple[tuple[str, ...], ...], trunk: BundleTrunk) -> TagWords:
        """Embeds the words of each tag."""
        owned = [(text, tag) for tag, each in enumerate(words) for text in each]
        vectors = torch.from_numpy(trunk.terms([text for text, _ in owned]))
        return cls(vectors, torch.tensor([tag for _, tag in owned]), len(words))

    def scores(self, photos: Tensor) -> Tensor:
        """Cosines [n, tags] of unit vectors [n, dim] with the best word of each tag."""
        cosines = photos @ self.vectors.T  # [n, words]
        if len(self.vectors) == self.count:
            return cosines
        owner = self.owner.expand(len(photos), -1)
        lowest = torch.full((len(photos), self.count), -torch.inf)
        return lowest.scatter_reduce(1, owner, cosines, "amax")


@dataclass(frozen=True, slots=True)
class TagScores:
    """A tag's held-out photos, and the percentage of (accepted, rejected) pairs that are ranked correctly."""

    tag: str
    accepted: int
    rejected: int
    before: float
    after: float


def judged_tags(held_out: Decisions, least: int) -> NDArray[np.int64]:
    """Indexes of the tags with at least `least` accepted and `least` rejected held-out photos.

    Raises:
        DataError: there is none.
    """
    places = np.flatnonzero(np.minimum(*_counts(held_out)) >= least)
    if not len(places):
        raise DataError(
            f"No tag has {least} accepted and {least} rejected photos kept apart, which is the least to judge a model by; decide on "
            "more photos, or keep a larger share apart: --set apart.share=0.5."
        )
    return places


def too_few(held_out: Decisions, least: int) -> list[str]:
    """The tags that have fewer, with their counts."""
    accepted, rejected = _counts(held_out)
    return [
        f"{tag} ({accepted[place]} accepted, {rejected[place]} rejected)"
        for place, tag in enumerate(held_out.tags)
        if min(accepted[place], rejected[place]) < least
    ]


def judge_tags(heads: tuple[Head, Head], held_out: Decisions, tags: TagWords, least: int) -> list[TagScores]:
    """Scores both heads on the held-out photos.

    Raises:
        DataError: as `judged_tags`.
    """
    scores = [tags.scores(torch.from_numpy(embed(each, held_out.given))).numpy() for each in heads]
    accepted, rejected = _counts(held_out)
    judged = []
    for place in judged_tags(held_out, least):
        kinds = held_out.labels[:, place]
        figures = [
            100 * auc(tag_scores[kinds == ACCEPTED, place], tag_scores[kinds == REJECTED, place])
            for tag_scores in scores
        ]
        judged.append(TagScores(held_out.tags[place], int(accepted[place]), int(rejected[place]), *figures))
    return judged


def compared(tags: Sequence[TagScores], held_out: Decisions) -> Compared:
    """The mean over the tags, for the checkpoint and the bundle; it contains no tag names."""
    named = {each.tag for each in tags}
    columns = [place for place, tag in enumerate(held_out.tags) if tag in named]
    photos = int(held_out.labels[:, columns].any(axis=1).sum())
    before, after = (float(np.mean([getattr(each, when) for each in tags])) for when in ("before", "after"))
    return Compared(APART, photos, before, after, group="asked for")


def _counts(held_out: Decisions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The accepted and the rejected photos of each tag."""
    return (held_out.labels == ACCEPTED).sum(0), (held_out.labels == REJECTED).sum(0)
