"""Fits what a bundle's scores mean, on photos and searches that its model has not seen, and measures it on others.

Both are cut in halves: the cuts are chosen with one half of the things and of the photos, and reported with the other.
A library is a draw of photos. A thing is present where a photo shows it, and absent where none does or may. Nothing is taken out to
make a thing absent: without its dogs a library of dogs is one that nobody has, and wolves would be what is left of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.evaluation.things import ABSENT, DOUBTFUL, SHOWN
from picsight_engine.models.calibration import BEST, Calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIZES = (300, 1000, 2000)
_DRAWS = 4  # libraries of each size
_FIRST = 100  # photos of a library that are looked at: as many as a person might
_GAPS = np.linspace(0, 0.2, 21)
_FALSE = 0.05  # absent things that may be called strong
_LOST = 0.02  # present things of which not even a weaker match may be left


@dataclass(frozen=True, slots=True)
class Trials:
    """Searches in libraries: the size of each [t], whether the search is a sentence [t], the photos in it that show the
    thing [t], and of the first photos the scores, best first, and whether they show it [t, 100].
    """

    sizes: NDArray[np.int64]
    sentences: NDArray[np.bool_]
    right: NDArray[np.int64]
    scores: NDArray[np.float32]
    shown: NDArray[np.int8]

    def of(self, chosen: NDArray[np.bool_]) -> Trials:
        """Some of them."""
        return Trials(
            self.sizes[chosen],
            self.sentences[chosen],
            self.right[chosen],
            self.scores[chosen],
            self.shown[chosen],
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Libraries of one size: how many searches for present and absent things, how well the evidence parts them, and the
    shares that are called strong: of absent things, of present ones, of those that one photo shows, and five or more;
    then the shares of which nothing matches.
    """

    photos: int
    present: int
    absent: int
    auc: float
    absent_strong: float
    present_strong: float
    one_strong: float
    five_strong: float
    absent_none: float
    present_none: float

    def as_dict(self) -> dict[str, Any]:
        """For the manifest: rounded, and null where nothing was asked."""
        return {name: None if np.isnan(own) else round(own, 4) for name, own in asdict(self).items()}

    def sentence(self) -> str:
        """The line of a report."""
        return (
            f"{self.photos} photos: AUC {self.auc:.3f}; strong {self.present_strong:.0%} of {self.present} present things "
            f"(shown by one photo {self.one_strong:.0%}, by five or more {self.five_strong:.0%}) and "
            f"{self.absent_strong:.1%} of {self.absent} absent ones; nothing matches {self.present_none:.0%} and "
            f"{self.absent_none:.0%}"
        )


@dataclass(frozen=True, slots=True)
class Material:
    """Things and photos: the scores of each pair and whether the photo shows it [things, photos], and which are sentences."""

    scores: NDArray[np.float32]
    shown: NDArray[np.int8]
    sentences: NDArray[np.bool_]

    def of(self, things: NDArray[np.bool_], photos: NDArray[np.bool_]) -> Material:
        """Some things and some photos."""
        return Material(self.scores[things][:, photos], self.shown[things][:, photos], self.sentences[things])


def draw_trials(material: Material, sizes: Sequence[int], seed: int = 0) -> Trials:
    """Every thing searched for in libraries of these sizes, as far as there are photos."""
    draw = np.random.default_rng(seed)
    rows = []
    for size in sizes:
        for _ in range(_DRAWS):
            order = draw.permutation(material.scores.shape[1])
            things = zip(material.scores[:, order], material.shown[:, order], material.sentences, strict=True)
            for scores, shown, sentence in things:
                if len(order) >= size and _is_certain(shown[:size]):
                    rows.append((size, sentence, *_search(scores[:size], shown[:size])))
    return Trials(*(np.array(own) for own in zip(*rows, strict=True)))


def fit(trials: Trials) -> Calibration:
    """The calibration that parts present from absent things best."""
    absent = trials.right == 0

    def parted(gap: float) -> float:
        level = _evidence(trials, gap) - _rises(trials, gap)[0]
        return auc(level[~absent], level[absent])

    gap = float(max(_GAPS, key=parted))
    rise, growth, sentence = _rises(trials, gap)
    evidence = _evidence(trials, gap) - rise
    answered = float(np.quantile(evidence[absent], 1 - _FALSE))
    level = trials.scores - rise[:, None]  # [t, 100]
    is_answered = ~absent & (evidence >= answered)
    strong = min(_best_cut(level[is_answered], trials.shown[is_answered]), answered)
    weaker = min(float(np.quantile(level[~absent, 0], _LOST)), strong)
    return Calibration(*(round(own, 4) for own in (answered, strong, weaker, gap, growth, sentence)))


def measure(trials: Trials, calibration: Calibration) -> list[Measured]:
    """What a calibration is worth, by size."""
    found = []
    for size in np.unique(trials.sizes).tolist():
        own = trials.of(trials.sizes == size)
        absent = own.right == 0
        best = [
            calibration.matches(scores, size, sentence=sentence)[0]
            for scores, sentence in zip(own.scores.tolist(), own.sentences.tolist(), strict=True)
        ]
        strong, none = (np.array([match == kind for match in best]) for kind in ("strong", "none"))
        evidence = _evidence(own, calibration.gap) - calibration.sentence * own.sentences
        found.append(
            Measured(
                photos=size,
                present=int((~absent).sum()),
                absent=int(absent.sum()),
                auc=auc(evidence[~absent], evidence[absent]),
                absent_strong=_share(strong[absent]),
                present_strong=_share(strong[~absent]),
                one_strong=_share(strong[own.right == 1]),
                five_strong=_share(strong[own.right >= BEST]),
                absent_none=_share(none[absent]),
                present_none=_share(none[~absent]),
            )
        )
    return found


def auc(present: NDArray[np.floating[Any]], absent: NDArray[np.floating[Any]]) -> float:
    """The chance that a present thing has more evidence than an absent one; equal evidence counts half."""
    ordered = np.sort(absent)
    below, upto = (np.searchsorted(ordered, present, side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(absent))


def _is_certain(kinds: NDArray[np.int8]) -> bool:
    """Whether a library holds the thing, or certainly does not."""
    return bool((kinds == SHOWN).any() or (kinds == ABSENT).all())


def _search(
    scores: NDArray[np.float32], kinds: NDArray[np.int8]
) -> tuple[int, NDArray[np.float32], NDArray[np.int8]]:
    first = np.argsort(-scores, kind="stable")[:_FIRST]
    return int((kinds == SHOWN).sum()), scores[first], kinds[first]


def _evidence(trials: Trials, gap: float) -> NDArray[np.float64]:
    """As `Calibration.evidence`, for all at once: [t]."""
    best = trials.scores[:, :BEST].astype(np.float64)
    return np.asarray(np.maximum(best[:, 0] - gap, best.mean(axis=1)))


def _rises(trials: Trials, gap: float) -> tuple[NDArray[np.float64], float, float]:
    """By how much the cut rises in each library [t]; in one of e times the photos; for sentences.

    The growth is that of the evidence which 5 % of absent things pass, not of its mean: what a large library lacks is rarer, and has
    fewer kin in it.
    """
    absent = trials.right == 0
    evidence, sizes = _evidence(trials, gap)[absent], np.log(trials.sizes / 1000)
    terms = np.stack([sizes, trials.sentences, np.ones_like(sizes)], axis=1)
    (_, sentence, _), *_ = np.linalg.lstsq(terms[absent], evidence, rcond=None)
    sentence = max(0.0, float(sentence))
    level = evidence - sentence * trials.sentences[absent]
    known = np.unique(sizes[absent])
    passed = [float(np.quantile(level[sizes[absent] == size], 1 - _FALSE)) for size in known]
    growth = max(0.0, float(np.polyfit(known, np.array(passed), 1)[0]))
    return growth * sizes + sentence * trials.sentences, growth, sentence


def _best_cut(level: NDArray[np.float64], kinds: NDArray[np.int8]) -> float:
    """The cut above which right photos stand out best from wrong ones (F1); doubtful ones count neither way."""
    counted = kinds != DOUBTFUL
    values, right = level[counted], kinds[counted] == SHOWN
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + right.sum())
    return float(values[order][f1.argmax()])


def _share(of: NDArray[np.bool_]) -> float:
    return float(of.mean()) if len(of) else float("nan")
