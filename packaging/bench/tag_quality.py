"""Measures the worth of decisions for a tag, on undecided photos: average precision and suggestions."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from report import table

from picsight_engine.tags.fit import Background, train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Rows = NDArray[np.int64]
    Learner = Callable[[int, Vectors, Vectors, Vectors], NDArray[np.floating]]

    Against = Literal["drawn at random", "the likeliest wrong ones"]

DRAWS = 5
STEPS = (0, 5, 20)  # decisions
FOR = 5  # photos of a class that may be accepted
AGAINST: tuple[Against, ...] = ("drawn at random", "the likeliest wrong ones")
OURS, UNCALIBRATED = "Picsight", "Picsight without calibration"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Photos of classes, ten of each."""

    vectors: Vectors  # [n, dim]
    labels: Rows  # [n]
    names: tuple[str, ...]
    words: Vectors  # [classes, dim]: the classes' names
    strong: tuple[float, ...]  # the cosine from which photos match each name strongly


@dataclass(frozen=True, slots=True)
class DecisionTrial:
    """Decisions on a class, in order, and the photos to rank, all of them undecided."""

    tag: int
    for_: Rows
    against: Rows
    ranked: Rows

    def after(self, decisions: int) -> tuple[Rows, Rows]:
        """The accepted and rejected photos: alternately one of each, and only rejected ones once all are accepted."""
        accepted = min((decisions + 1) // 2, len(self.for_))
        return self.for_[:accepted], self.against[: decisions - accepted]


@dataclass(frozen=True, slots=True)
class LearnerOutcome:
    """A learner's results in all trials: [steps, draws, classes]; right, suggested and wanted have the sides' sums."""

    precision: NDArray[np.float64]
    counts: NDArray[np.int64]  # [steps, draws, classes, 3]

    def mean(self, step: int, classes: NDArray[np.bool_]) -> str:
        """Mean average precision in percent, with the interval of 95 % over classes, each the mean of its draws."""
        return _with_interval(100 * self.precision[step].mean(axis=0)[classes])

    def rise(self, step: int, classes: NDArray[np.bool_]) -> str:
        """The rise from the step before, class by class."""
        gain = (self.precision[step] - self.precision[step - 1]).mean(axis=0)
        return _with_interval(100 * gain[classes], "+")

    def suggested(self, step: int, classes: NDArray[np.bool_]) -> str:
        """Precision, recall and number of the photos that score at least one half."""
        right, suggested, wanted = self.counts[step][:, classes].sum(axis=(0, 1)).tolist()
        sides = 2 * self.counts.shape[1] * int(classes.sum())
        return f"{right / max(suggested, 1):.2f}, {right / wanted:.2f}, {suggested / sides:.1f}"


def trials(each: Labelled, draw: int, against: Against) -> Iterator[DecisionTrial]:
    """Two trials per class: decisions on five photos of one half of the set rank the other half, then the reverse."""
    random = np.random.default_rng(draw)
    first = np.zeros(len(each.labels), np.bool_)
    for tag in range(len(each.words)):
        first[random.permutation(np.flatnonzero(each.labels == tag))[:FOR]] = True
    for tag, words in enumerate(each.words):
        for deciding in (first, ~first):
            right = deciding & (each.labels == tag)
            wrong = random.permutation(np.flatnonzero(deciding & ~right))
            if against == "the likeliest wrong ones":
                wrong = wrong[np.argsort(-each.vectors[wrong] @ words, kind="stable")]
            yield DecisionTrial(
                tag, random.permutation(np.flatnonzero(right)), wrong, np.flatnonzero(~deciding)
            )


def outcome(each: Labelled, learner: Learner, against: Against) -> LearnerOutcome:
    """A learner's results in all draws."""
    shape = (len(STEPS), DRAWS, len(each.words))
    precision, counts = np.zeros(shape), np.zeros((*shape, 3), np.int64)
    for draw in range(DRAWS):
        for trial in trials(each, draw, against):
            right = each.labels[trial.ranked] == trial.tag
            for step, decisions in enumerate(STEPS):
                accepted, rejected = (each.vectors[rows] for rows in trial.after(decisions))
                logits = learner(trial.tag, accepted, rejected, each.vectors[trial.ranked])
                high = logits >= 0
                precision[step, draw, trial.tag] += average_precision(logits, right) / 2
                counts[step, draw, trial.tag] += (np.sum(high & right), np.sum(high), np.sum(right))
    return LearnerOutcome(precision, counts)


def average_precision(scores: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """The mean over the right photos of the precision at their rank, by descending score."""
    places = np.flatnonzero(right[np.argsort(-scores, kind="stable")])
    return float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))


def learners(each: Labelled) -> dict[str, Learner]:
    """Picsight's learner and the obvious alternatives."""
    background = Background.from_vectors(each.vectors, len(each.vectors))
    mean = each.vectors.mean(axis=0)

    def words_of(tag: int) -> Vectors:
        return each.words[tag : tag + 1]

    def calibrated(tag: int, for_: Vectors, against: Vectors, ranked: Vectors) -> NDArray[np.floating]:
        return train(words_of(tag), for_, against, background, each.strong[tag]).logits(ranked)

    def uncalibrated(tag: int, for_: Vectors, against: Vectors, ranked: Vectors) -> NDArray[np.floating]:
        return train(words_of(tag), for_, against, background).logits(ranked)

    def photos_alone(tag: int, for_: Vectors, against: Vectors, ranked: Vectors) -> NDArray[np.floating]:
        words = words_of(tag)[: 0 if len(for_) else 1]
        return train(words, for_, against, background).logits(ranked)

    def moved(tag: int, for_: Vectors, against: Vectors, ranked: Vectors) -> NDArray[np.floating]:
        direction = each.words[tag].copy()
        if len(for_):
            direction += 2 * (for_.mean(axis=0) - mean)
        if len(against):
            direction -= 0.5 * (against.mean(axis=0) - mean)
        return np.asarray(ranked @ direction)

    found: dict[str, Learner] = {
        OURS: calibrated,
        UNCALIBRATED: uncalibrated,
        "Picsight's fit without words": photos_alone,
        "words and the photos' means (Rocchio)": moved,
    }
    if importlib.util.find_spec("sklearn"):
        found["logistic regression (scikit-learn)"] = _regression(each)
    return found


def _regression(each: Labelled) -> Learner:
    from sklearn.linear_model import LogisticRegression

    def learn(tag: int, for_: Vectors, against: Vectors, ranked: Vectors) -> NDArray[np.floating]:
        if not len(for_):
            return np.asarray(ranked @ each.words[tag])
        wanted = np.repeat([1, 0], [len(for_), len(against)])
        fitted = LogisticRegression().fit(np.concatenate([for_, against]), wanted)
        return np.asarray(fitted.decision_function(ranked))

    return learn


def outcomes(item: Labelled) -> dict[tuple[str, Against], LearnerOutcome]:
    """All learners against both kinds of rejected photos."""
    found = learners(item).items()
    return {(name, against): outcome(item, each, against) for name, each in found for against in AGAINST}


def precision_table(found: Mapping[tuple[str, Against], LearnerOutcome], classes: NDArray[np.bool_]) -> str:
    """Mean average precision of some classes after each step, and its rises."""
    rows = [
        [
            name,
            against,
            *(each.mean(step, classes) for step in range(len(STEPS))),
            *(each.rise(step, classes) for step in range(1, len(STEPS))),
        ]
        for (name, against), each in found.items()
        if name != UNCALIBRATED
    ]
    after = [f"after {decisions}" for decisions in STEPS]
    rises = [f"{before} to {decisions}" for before, decisions in pairwise(STEPS)]
    return table(["mean average precision", "against", *after, *rises], rows)


def suggestions_table(found: Mapping[tuple[str, Against], LearnerOutcome], classes: NDArray[np.bool_]) -> str:
    """The photos of the ranked half that score at least one half."""
    rows = [
        [name, against, *(each.suggested(step, classes) for step in range(len(STEPS)))]
        for (name, against), each in found.items()
        if name in {OURS, UNCALIBRATED}
    ]
    after = [f"after {decisions}" for decisions in STEPS]
    return table(["suggested: precision, recall, photos", "against", *after], rows)


def _with_interval(values: NDArray[np.float64], sign: str = "") -> str:
    return f"{values.mean():{sign}.1f} ± {1.96 * values.std(ddof=1) / np.sqrt(len(values)):.1f}"
