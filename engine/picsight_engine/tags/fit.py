"""What a tag has learnt: its words say where to begin, and what a person decided moves it from there. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # [n, dim], rows of unit length
    Doubles = NDArray[np.float64]

# Chosen on half of Caltech-101's classes and half of the things that people search for, as the benchmark of tags has them.
REJECTED = 0.5  # what a rejected photo counts beside an accepted one, which is rarer and says more
SEVERAL = 3  # rejected photos of which each turns the weights half as much: a few share with right ones what the words find
OTHERS = 5.0  # what the photos that nobody decided on count against a tag, all together
FIRMNESS = 0.15  # how firmly the bias is held while the weights are found ...
CUT_FIRMNESS = 1.0  # ... and how firmly the cut is to where it was among the library's photos, in deviations
FEW = 10  # decisions that say as much of how many photos belong to a tag as what it began with
_SHARPNESS = 4.0  # how sharply photos count above a cut or below it, by a deviation
_STIFFNESS = 0.03  # how firmly the weights are held to the words
_EVENNESS = 3.0  # how far all directions count alike, beside how the library's photos differ along them
_STEEPNESS = 0.7  # what a cosine that is a deviation higher adds to the logit
_BEYOND_CHANCE = 0.6  # deviations by which a photo must stand out more than the first of so many does anyway

_DEVIATIONS = 1.4826  # the standard deviation of what is spread normally, by its median absolute deviation
_UNKNOWN = 16  # photos that differ alike in all directions, beside those of the library
_UNDECIDED = 256  # photos that stand for all that nobody decided on
_NEVER = -50.0  # the logit of what cannot be
_MOST_STEPS = 50
_HALVINGS = 20  # of where a bias lies, some ten logits wide
_PRECISION = 1e-6  # of the slope


@dataclass(frozen=True, slots=True)
class Linear:
    """What gives a photo its logit: the largest product of its vector with any of the weights, and the bias."""

    weights: NDArray[np.float32]  # [m, dim]: a row a prompt
    bias: float

    def logits(self, vectors: Vectors | NDArray[np.float16]) -> Doubles:
        """The logits [n] of some photos [n, dim], exactly; 0 is a probability of one half."""
        products = vectors.astype(np.float64) @ self.weights.astype(np.float64).T  # [n, m]
        return np.asarray(products.max(axis=1) + self.bias)


@dataclass(frozen=True, slots=True)
class Background:
    """What a library's photos look like on the whole, from which those of a tag stand out."""

    photos: Vectors  # [k, dim]: all, or a sample
    size: int  # how many photos the library has
    mean: Doubles  # [dim]
    whitening: (
        Doubles  # [dim, dim]: for (vectors - mean) @ whitening all turns of one length are equally likely
    )
    undecided: Vectors  # [u, dim]: some of the photos, which stand for all that nobody decided on
    whitened: Doubles  # [u, dim]: these, whitened

    @classmethod
    def of(cls, photos: Vectors, size: int) -> Background:
        """The background that some photos make in a library of `size`; without any, all directions are alike."""
        count, dim = photos.shape
        vectors = photos.astype(np.float64)
        mean = vectors.sum(axis=0) / max(count, 1)
        centred = vectors - mean
        spread = (centred.T @ centred + np.eye(dim) * _UNKNOWN / dim) / (count + _UNKNOWN)
        root = np.linalg.cholesky(spread + np.eye(dim) * _EVENNESS * np.trace(spread) / dim)
        whitening = np.linalg.inv(root).T
        square = float(np.trace(whitening.T @ spread @ whitening))  # the mean one of a whitened vector
        whitening /= math.sqrt(square * _STIFFNESS)
        undecided = photos[:: max(1, count // _UNDECIDED)]
        return cls(photos, size, mean, whitening, undecided, (undecided - mean) @ whitening)

    def spread(self, weights: NDArray[np.float32]) -> tuple[float, float]:
        """The median of the photos' largest products with any of these weights [m, dim], and their deviation."""
        count, dim = self.photos.shape
        products = (self.photos @ weights.T).max(axis=1) if count else np.zeros(1)
        median = float(np.median(products))
        seen = _DEVIATIONS * float(np.median(np.abs(products - median)))
        unknown = float(np.mean(np.sum(weights**2, axis=1))) / dim
        return median, math.sqrt((count * seen**2 + _UNKNOWN * unknown) / (count + _UNKNOWN))


def learnt(
    prompts: Vectors, for_: Vectors, against: Vectors, background: Background, strong: float = math.inf
) -> Linear:
    """What a tag with these prompts [m, dim] has learnt from photos that belong to it and others that do not.

    Without prompts the mean of what belongs to it stands for them; where there is nothing either, nothing is likely.
    `strong` is the cosine from which photos match such prompts strongly, where that is known.
    """
    if not len(prompts) and not len(for_):
        return Linear(np.zeros((1, prompts.shape[1]), np.float32), _NEVER)
    if not len(prompts):
        total = for_.sum(axis=0, keepdims=True)
        return fit(prior(total / np.linalg.norm(total), background), for_, against, background)
    return fit(prior(prompts, background, strong), for_, against, background)


def prior(prompts: Vectors, background: Background, strong: float = math.inf) -> Linear:
    """What words alone say, by their vectors [m, dim]: of several the best counts.

    It is even where a photo shows more than usual; where it is known from which cosine photos match strongly, there, or
    halfway to where a photo shows more than usual if that is lower.
    """
    median, deviation = background.spread(prompts)
    first = math.sqrt(
        2 * math.log(max(background.size, 2))
    )  # the highest of so many normal numbers lies about there
    unusual = median + (first + _BEYOND_CHANCE) * deviation
    cut = unusual if math.isinf(strong) else min(strong, (strong + unusual) / 2)
    steepness = _STEEPNESS / max(deviation, _PRECISION)
    return Linear((steepness * prompts).astype(np.float32), -steepness * cut)


def keeping(line: Linear, found: Vectors, accepted: int) -> Linear:
    """The line, its cut lowered where it would lose most of the photos [n, dim] that words alone find and nobody decided on.

    While nothing is accepted half of them stay suggested, at least one; with one accepted photo a third, and so on.
    """
    kept = len(found) // (2 + accepted) if accepted else math.ceil(len(found) / 2)
    if not kept:
        return line
    lowest = float(np.sort(line.logits(found))[-kept])
    return Linear(line.weights, line.bias + max(_PRECISION - lowest, 0.0))


def fit(before: Linear, for_: Vectors, against: Vectors, background: Background) -> Linear:
    """What is likeliest after photos [n, dim] were accepted and others [m, dim] rejected; without any it stays as it was.

    The weights are those of a logistic regression that is held to what was known before, the more firmly the more a turn
    would alter the scores of the whole library, whose photos count a little as rejected ones. Rejections move the cut first:
    they turn the weights little while they are few. The cut keeps its place among the library's photos, and decisions on its
    wrong side move it from there.
    """
    if not len(for_) and not len(against):
        return before
    weights = (before.weights + _turn(before, for_, against, background)).astype(np.float32)
    kept = Linear(weights, kept_bias(before, weights, len(for_) + len(against), background))
    unit = max(background.spread(weights)[1], _PRECISION) / math.sqrt(CUT_FIRMNESS)
    decisions = _Examples(
        features=np.full((len(for_) + len(against), 1), unit),
        wanted=np.repeat([1.0, 0.0], [len(for_), len(against)]),
        counts=np.repeat([1.0, REJECTED], [len(for_), len(against)]),
        before=kept.logits(np.concatenate([for_, against])),
    )
    return Linear(weights, kept.bias + float(decisions.likeliest()[0]) * unit)


def rejected_weight(rejected: int) -> float:
    """What each of so many rejected photos counts beside an accepted one while the weights turn."""
    return REJECTED * rejected**2 / (rejected**2 + SEVERAL**2)


def kept_bias(before: Linear, weights: NDArray[np.float32], decisions: int, background: Background) -> float:
    """The bias by which these weights [m, dim] cut the library's photos where those before did.

    What decisions turn to comes to stand out further, so that more photos lie as many deviations above the median as the
    cut did. After few of them, therefore, as many photos stay above it; the more there are, the more its deviations count.
    """
    median, deviation = background.spread(before.weights)
    new_median, new_deviation = background.spread(weights)
    scale = new_deviation / max(deviation, _PRECISION)
    by_place = scale * (before.bias + median) - new_median
    if not len(background.photos):
        return by_place
    old, new = scale * before.logits(background.photos), Linear(weights, 0.0).logits(background.photos)
    by_number = _bias_for(new, old, _SHARPNESS / max(new_deviation, _PRECISION))
    return by_place + (by_number - by_place) / (1 + (decisions / FEW) ** 2)


def _bias_for(new: Doubles, old: Doubles, sharpness: float) -> float:
    """What is to be added to logits so that as many pass zero as of the old ones, those near it in part."""
    wanted = _passing(sharpness * old)
    low, high = float(old.min() - new.max()), float(old.max() - new.min())
    for _ in range(_HALVINGS):
        bias = (low + high) / 2
        low, high = (bias, high) if _passing(sharpness * (new + bias)) < wanted else (low, bias)
    return (low + high) / 2


def _passing(logits: Doubles) -> float:
    """The logarithm of how many pass zero."""
    return float(np.logaddexp.reduce(-np.logaddexp(0, -logits)))


def _turn(before: Linear, for_: Vectors, against: Vectors, background: Background) -> Doubles:
    """What decisions add to the weights: [dim]."""
    decided, undecided = np.concatenate([for_, against]), background.undecided
    kinds = [len(for_), len(against), len(undecided)]
    whitened = np.concatenate([(decided - background.mean) @ background.whitening, background.whitened])
    examples = _Examples(
        features=np.pad(whitened, ((0, 0), (0, 1)), constant_values=1 / math.sqrt(FIRMNESS)),
        wanted=np.repeat([1.0, 0.0, 0.0], kinds),
        counts=np.repeat([1.0, rejected_weight(len(against)), OTHERS / max(len(undecided), 1)], kinds),
        before=before.logits(np.concatenate([decided, undecided])),
    )
    return np.asarray(background.whitening @ examples.likeliest()[:-1])


@dataclass(frozen=True, slots=True)
class _Examples:
    """Photos [n] with what their chances should be, how much each counts, and their logits before."""

    features: Doubles  # [n, d]
    wanted: Doubles
    counts: Doubles
    before: Doubles

    def likeliest(self) -> Doubles:
        """The change [d] of least loss, by Newton's steps, each as far as it makes the loss less."""
        change = np.zeros(self.features.shape[1])
        loss, logits = self._loss(change)
        for _ in range(_MOST_STEPS):
            chances = 1 / (1 + np.exp(-logits))
            slope = self.features.T @ (self.counts * (chances - self.wanted)) + change
            if np.abs(slope).max() < _PRECISION:
                break
            step = self._solved(self.counts * chances * (1 - chances), slope)
            length, (better, there) = 1.0, self._loss(change - step)
            while better > loss and length > _PRECISION:
                length /= 2
                better, there = self._loss(change - length * step)
            change, loss, logits = change - length * step, better, there
        return change

    def _loss(self, change: Doubles) -> tuple[float, Doubles]:
        """The logistic loss and half the square of the change; and the logits after it."""
        logits = self.before + self.features @ change
        each = np.logaddexp(0, logits) - self.wanted * logits
        return float(self.counts @ each + change @ change / 2), logits

    def _solved(self, curvatures: Doubles, slope: Doubles) -> Doubles:
        """What the second derivative maps to the slope, by conjugate gradients: it is never written out."""
        solution, left = np.zeros_like(slope), slope.copy()
        direction, size = left, float(left @ left)
        enough = size * min(0.01, size)  # nearer the end more exactly
        while size > enough:
            curved = self.features.T @ (curvatures * (self.features @ direction)) + direction
            length = size / (direction @ curved)
            solution, left = solution + length * direction, left - length * curved
            direction, size = left + float(left @ left) / size * direction, float(left @ left)
        return solution
