"""Fits the linear classifier of a tag: its words give the prior, and the user's decisions move it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # [n, dim], rows of unit length
    Doubles = NDArray[np.float64]

# Tuned on half of Caltech-101's classes and half of the search subjects in the benchmark of tags.
REJECTED_WEIGHT = 0.5  # of a rejected photo; an accepted one, which is rarer and more informative, has 1
HALF_WEIGHT_REJECTIONS = 3  # at which each has half its full weight: a few may share traits with right photos
UNDECIDED_WEIGHT = 5.0  # of all undecided photos together, as negatives
BIAS_PENALTY = 0.15  # regularisation of the bias while the weights are fitted
CUT_PENALTY = 1.0  # regularisation of the cut towards its previous place, in deviations
PRIOR_DECISIONS = 10  # decisions that weigh as much as the prior for the number of photos in a tag
_SHARPNESS = 4.0  # steepness of the soft count of photos above a cut, per deviation
_WEIGHT_PENALTY = 0.03  # regularisation of the weights towards the words
_ISOTROPY = 3.0  # isotropic part of the covariance, relative to that of the library's photos
_LOGIT_SCALE = 0.7  # logit per deviation of the cosine
_BEYOND_CHANCE = 0.6  # deviations above the expected maximum of as many random photos

_DEVIATIONS = 1.4826  # standard deviation of a normal distribution per median absolute deviation
_UNKNOWN = 16  # virtual isotropic photos added to those of the library
_UNDECIDED = 256  # photos that represent all undecided ones
_NEVER = -50.0  # the logit of a tag that matches nothing
_MOST_STEPS = 50
_HALVINGS = 20  # bisection steps for the bias, over about ten logits
_PRECISION = 1e-6  # of the gradient


@dataclass(frozen=True, slots=True)
class Linear:
    """A classifier: the logit of a photo is the largest product of its vector with any row of weights, plus the bias."""

    weights: NDArray[np.float32]  # [m, dim]: one row per prompt
    bias: float

    def logits(self, vectors: Vectors | NDArray[np.float16]) -> Doubles:
        """The exact logits [n] of photos [n, dim]; 0 means a probability of one half."""
        products = vectors.astype(np.float64) @ self.weights.astype(np.float64).T  # [n, m]
        return np.asarray(products.max(axis=1) + self.bias)


@dataclass(frozen=True, slots=True)
class Background:
    """The distribution of a library's photos, from which those of a tag stand out."""

    photos: Vectors  # [k, dim]: all, or a sample
    size: int  # the number of photos in the library
    mean: Doubles  # [dim]
    whitening: Doubles  # [dim, dim]: (vectors - mean) @ whitening is isotropic
    undecided: Vectors  # [u, dim]: a sample that represents all undecided photos
    whitened: Doubles  # [u, dim]: the same, whitened

    @classmethod
    def from_vectors(cls, photos: Vectors, size: int) -> Background:
        """The background from a sample of photos of a library of `size`; isotropic without any photos."""
        count, dim = photos.shape
        vectors = photos.astype(np.float64)
        mean = vectors.sum(axis=0) / max(count, 1)
        centred = vectors - mean
        spread = (centred.T @ centred + np.eye(dim) * _UNKNOWN / dim) / (count + _UNKNOWN)
        root = np.linalg.cholesky(spread + np.eye(dim) * _ISOTROPY * np.trace(spread) / dim)
        whitening = np.linalg.inv(root).T
        square = float(np.trace(whitening.T @ spread @ whitening))  # mean squared length after whitening
        whitening /= math.sqrt(square * _WEIGHT_PENALTY)
        undecided = photos[:: max(1, count // _UNDECIDED)]
        return cls(photos, size, mean, whitening, undecided, (undecided - mean) @ whitening)

    def spread(self, weights: NDArray[np.float32]) -> tuple[float, float]:
        """The median and the deviation of the photos' largest products with any of these weights [m, dim]."""
        count, dim = self.photos.shape
        products = (self.photos @ weights.T).max(axis=1) if count else np.zeros(1)
        median = float(np.median(products))
        seen = _DEVIATIONS * float(np.median(np.abs(products - median)))
        unknown = float(np.mean(np.sum(weights**2, axis=1))) / dim
        return median, math.sqrt((count * seen**2 + _UNKNOWN * unknown) / (count + _UNKNOWN))


def train(
    prompts: Vectors, for_: Vectors, against: Vectors, background: Background, strong: float = math.inf
) -> Linear:
    """The classifier of a tag with these prompts [m, dim] after positive and negative photos.

    Without prompts, the mean of the positive photos replaces them; without those too, no photo matches.
    `strong` is the cosine from which photos match such prompts strongly, if known.
    """
    if not len(prompts):
        if not len(for_):
            return Linear(np.zeros((1, prompts.shape[1]), np.float32), _NEVER)
        total = for_.sum(axis=0, keepdims=True)
        prompts, strong = total / np.linalg.norm(total), math.inf
    return fit(prior(prompts, background, strong), for_, against, background)


def prior(prompts: Vectors, background: Background, strong: float = math.inf) -> Linear:
    """The classifier from words alone, by their vectors [m, dim]; the best of several counts.

    The logit is 0 at an unusually high cosine for the library. If `strong` is known, it is 0 there, or halfway between
    both if that is lower.
    """
    median, deviation = background.spread(prompts)
    # About the expected maximum of that many normal numbers.
    first = math.sqrt(2 * math.log(max(background.size, 2)))
    unusual = median + (first + _BEYOND_CHANCE) * deviation
    cut = unusual if math.isinf(strong) else min(strong, (strong + unusual) / 2)
    steepness = _LOGIT_SCALE / max(deviation, _PRECISION)
    return Linear((steepness * prompts).astype(np.float32), -steepness * cut)


def keep_suggestions(line: Linear, found: Vectors, accepted: int) -> Linear:
    """The classifier, with its cut lowered if it would lose most of the undecided photos [n, dim] that words alone find.

    While no photo is accepted, half of them (at least one) stay suggested; with one accepted photo a third, and so on.
    """
    kept = len(found) // (2 + accepted) if accepted else math.ceil(len(found) / 2)
    if not kept:
        return line
    lowest = float(np.sort(line.logits(found))[-kept])
    return Linear(line.weights, line.bias + max(_PRECISION - lowest, 0.0))


def fit(before: Linear, for_: Vectors, against: Vectors, background: Background) -> Linear:
    """The posterior after photos [n, dim] were accepted and others [m, dim] rejected; without any it is the prior.

    The weights come from a logistic regression with the prior as its centre. The regularisation is stronger in directions
    that would change the scores of the whole library, whose photos count as weak negatives. Rejections mainly move the
    cut: while they are few, they hardly turn the weights. The cut keeps its place among the library's photos until
    decisions on its wrong side move it.
    """
    if not len(for_) and not len(against):
        return before
    weights = (before.weights + _weight_change(before, for_, against, background)).astype(np.float32)
    kept = Linear(weights, kept_bias(before, weights, len(for_) + len(against), background))
    unit = max(background.spread(weights)[1], _PRECISION) / math.sqrt(CUT_PENALTY)
    decisions = _Examples(
        features=np.full((len(for_) + len(against), 1), unit),
        wanted=np.repeat([1.0, 0.0], [len(for_), len(against)]),
        counts=np.repeat([1.0, REJECTED_WEIGHT], [len(for_), len(against)]),
        before=kept.logits(np.concatenate([for_, against])),
    )
    return Linear(weights, kept.bias + float(decisions.most_likely()[0]) * unit)


def rejected_weight(rejected: int) -> float:
    """The weight of each rejected photo, relative to an accepted one, while the weights are fitted."""
    return REJECTED_WEIGHT * rejected**2 / (rejected**2 + HALF_WEIGHT_REJECTIONS**2)


def kept_bias(before: Linear, weights: NDArray[np.float32], decisions: int, background: Background) -> float:
    """The bias with which these weights [m, dim] cut the library's photos where the previous ones did.

    Fitted weights make matching photos stand out further, so that more photos lie above the same number of deviations.
    After few decisions, therefore, the number of photos above the cut is kept; with more, its deviations count more.
    """
    median, deviation = background.spread(before.weights)
    new_median, new_deviation = background.spread(weights)
    scale = new_deviation / max(deviation, _PRECISION)
    by_place = scale * (before.bias + median) - new_median
    if not len(background.photos):
        return by_place
    old, new = scale * before.logits(background.photos), Linear(weights, 0.0).logits(background.photos)
    by_number = _bias_for(new, old, _SHARPNESS / max(new_deviation, _PRECISION))
    return by_place + (by_number - by_place) / (1 + (decisions / PRIOR_DECISIONS) ** 2)


def _bias_for(new: Doubles, old: Doubles, sharpness: float) -> float:
    """The shift of the new logits after which as many pass zero as of the old ones, by a soft count."""
    wanted = _passing(sharpness * old)
    low, high = float(old.min() - new.max()), float(old.max() - new.min())
    for _ in range(_HALVINGS):
        bias = (low + high) / 2
        low, high = (bias, high) if _passing(sharpness * (new + bias)) < wanted else (low, bias)
    return (low + high) / 2


def _passing(logits: Doubles) -> float:
    """The logarithm of the soft count of logits above zero."""
    return float(np.logaddexp.reduce(-np.logaddexp(0, -logits)))


def _weight_change(before: Linear, for_: Vectors, against: Vectors, background: Background) -> Doubles:
    """The change of the weights by decisions: [dim]."""
    decided, undecided = np.concatenate([for_, against]), background.undecided
    kinds = [len(for_), len(against), len(undecided)]
    whitened = np.concatenate([(decided - background.mean) @ background.whitening, background.whitened])
    undecided_weight = UNDECIDED_WEIGHT / max(len(undecided), 1)
    examples = _Examples(
        features=np.pad(whitened, ((0, 0), (0, 1)), constant_values=1 / math.sqrt(BIAS_PENALTY)),
        wanted=np.repeat([1.0, 0.0, 0.0], kinds),
        counts=np.repeat([1.0, rejected_weight(len(against)), undecided_weight], kinds),
        before=before.logits(np.concatenate([decided, undecided])),
    )
    return np.asarray(background.whitening @ examples.most_likely()[:-1])


@dataclass(frozen=True, slots=True)
class _Examples:
    """Photos [n] with their target probabilities, weights, and prior logits."""

    features: Doubles  # [n, d]
    wanted: Doubles
    counts: Doubles
    before: Doubles

    def most_likely(self) -> Doubles:
        """The change [d] of least loss, by Newton's method; a step is shortened until the loss falls."""
        change = np.zeros(self.features.shape[1])
        loss, logits = self._loss(change)
        for _ in range(_MOST_STEPS):
            probabilities = 1 / (1 + np.exp(-logits))
            slope = self.features.T @ (self.counts * (probabilities - self.wanted)) + change
            if np.abs(slope).max() < _PRECISION:
                break
            step = self._solved(self.counts * probabilities * (1 - probabilities), slope)
            length, (better, there) = 1.0, self._loss(change - step)
            while better > loss and length > _PRECISION:
                length /= 2
                better, there = self._loss(change - length * step)
            change, loss, logits = change - length * step, better, there
        return change

    def _loss(self, change: Doubles) -> tuple[float, Doubles]:
        """The logistic loss plus half the squared change, and the new logits."""
        logits = self.before + self.features @ change
        each = np.logaddexp(0, logits) - self.wanted * logits
        return float(self.counts @ each + change @ change / 2), logits

    def _solved(self, curvatures: Doubles, slope: Doubles) -> Doubles:
        """Solves Hessian @ x = gradient by conjugate gradients, without forming the Hessian."""
        solution, left = np.zeros_like(slope), slope.copy()
        direction, size = left, float(left @ left)
        enough = size * min(0.01, size)  # more exact near the end
        while size > enough:
            curved = self.features.T @ (curvatures * (self.features @ direction)) + direction
            length = size / (direction @ curved)
            solution, left = solution + length * direction, left - length * curved
            direction, size = left + float(left @ left) / size * direction, float(left @ left)
        return solution
