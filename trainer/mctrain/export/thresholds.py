"""Fits the score thresholds of a bundle on photos and searches that its model was not trained on, and measures them on others.

Search terms and photos are halved: one half chooses the thresholds, the other is reported. A library is a random sample
of photos. A term is present if a photo shows it, and absent if none does or may. Photos are not removed to make a term
absent: a library of dogs without its dogs would be unrealistic, with wolves as its nearest photos.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.evaluation.search_terms import ABSENT, DOUBTFUL, SHOWN
from picsight_engine.bundles.calibration import BEST, TURN, Calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIZES = (10, 30, 100, 300, 1000, 2000)
_DRAWS = 4  # libraries of each size
_FIRST = 100  # top results considered: as many as a person might look at
_GAPS = np.linspace(0, 0.1, 11)
_COMMON = np.linspace(0, 0.04, 17)
_FALSE = 0.04  # share of absent terms called strong, over all sizes; in 100 photos more are than in 10
_LOST = 0.05  # largest share of present terms that may be called absent, and of those whose right photos are all too far behind


@dataclass(frozen=True, slots=True)
class Trials:
    """Searches in libraries: library size [t], frequency of the term [t], photos that show it [t]; and for the top photos
    the scores, best first, and whether they show it [t, 100]. If there are fewer photos, the last is repeated as DOUBTFUL.
    """

    sizes: NDArray[np.int64]
    common: NDArray[np.float64]
    right: NDArray[np.int64]
    scores: NDArray[np.float32]
    shown: NDArray[np.int8]

    def of(self, chosen: NDArray[np.bool_]) -> Trials:
        """A subset of the searches."""
        return Trials(*(getattr(self, each.name)[chosen] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class LibraryResult:
    """Results for libraries of one size: numbers of present and absent terms, AUC of the evidence, and the shares called
    strong of absent terms, of present ones, and of those shown by one photo and by five or more; then the share of absent
    terms without any match, and of present ones without a right match.
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
    present_lost: float

    def as_dict(self) -> dict[str, Any]:
        """For the manifest: rounded, and null where there were no searches."""
        return {name: None if np.isnan(each) else round(each, 4) for name, each in asdict(self).items()}

    def sentence(self) -> str:
        """The line of a report."""
        return (
            f"{self.photos} photos: AUC {self.auc:.3f}; strong {self.present_strong:.0%} of {self.present} present things "
            f"(shown by one photo {self.one_strong:.0%}, by five or more {self.five_strong:.0%}) and "
            f"{self.absent_strong:.1%} of {self.absent} absent ones; no right photo matches {self.present_lost:.0%}, "
            f"nothing {self.absent_none:.0%}"
        )


@dataclass(frozen=True, slots=True)
class TermScores:
    """Scores of each term and photo, whether the photo shows the term [terms, photos], and term frequencies [terms]."""

    scores: NDArray[np.float32]
    shown: NDArray[np.int8]
    common: NDArray[np.float64]

    def of(self, terms: NDArray[np.bool_], photos: NDArray[np.bool_]) -> TermScores:
        """A subset of terms and photos."""
        return TermScores(self.scores[terms][:, photos], self.shown[terms][:, photos], self.common[terms])


def draw_trials(terms: TermScores, sizes: Sequence[int]) -> Trials:
    """Searches for every term in libraries of these sizes, if there are enough photos."""
    draw = np.random.default_rng(0)
    rows = []
    for size in sizes:
        for _ in range(_DRAWS):
            order = draw.permutation(terms.scores.shape[1])
            rows_of_terms = zip(terms.scores[:, order], terms.shown[:, order], terms.common, strict=True)
            for scores, shown, common in rows_of_terms:
                if len(order) >= size and _is_certain(shown[:size]):
                    rows.append((size, common, *_search(scores[:size], shown[:size])))
    return Trials(*(np.array(each) for each in zip(*rows, strict=True)))


def fit(trials: Trials) -> Calibration:
    """The calibration that best separates present from absent terms."""
    absent = trials.right == 0

    def parted(numbers: tuple[float, float]) -> float:
        gap, common = numbers
        level = _evidence(trials, gap) + common * trials.common
        sizes = [trials.sizes == size for size in np.unique(trials.sizes)]
        return float(np.mean([auc(level[each & ~absent], level[each & absent]) for each in sizes]))

    gap, common = max(product(_GAPS.tolist(), _COMMON.tolist()), key=parted)
    growth, below = _growth(trials, gap, common)
    rise = _rises(trials, growth, below, common)
    evidence = _evidence(trials, gap) - rise
    answered = float(np.quantile(evidence[absent], 1 - _FALSE))
    level = trials.scores - rise[:, None]  # [t, 100]
    is_answered = ~absent & (evidence >= answered)
    strong = min(_best_threshold(level[is_answered], trials.shown[is_answered]), answered)
    possible = min(float(np.quantile(evidence[~absent], _LOST)), answered)
    span = float(np.quantile(_behind(trials.of(~absent)), 1 - _LOST))
    found = (answered, strong, possible, gap, span, growth, below, common)
    rounded: list[Any] = [round(each, 4) for each in found]
    return Calibration(*rounded)


def measure(trials: Trials, calibration: Calibration) -> list[LibraryResult]:
    """The accuracy of a calibration, by library size."""
    found = []
    for size in np.unique(trials.sizes).tolist():
        of_size = trials.of(trials.sizes == size)
        absent = of_size.right == 0
        searches = zip(of_size.scores.tolist(), of_size.common.tolist(), strict=True)
        matches = np.array([calibration.matches(best, size, common) for best, common in searches])  # [t, 100]
        strong, none = matches[:, 0] == "strong", matches[:, 0] == "none"
        lost = ~((matches != "none") & (of_size.shown == SHOWN)).any(axis=1)
        evidence = _evidence(of_size, calibration.gap) + calibration.common * of_size.common
        found.append(
            LibraryResult(
                photos=size,
                present=int((~absent).sum()),
                absent=int(absent.sum()),
                auc=auc(evidence[~absent], evidence[absent]),
                absent_strong=_share(strong[absent]),
                present_strong=_share(strong[~absent]),
                one_strong=_share(strong[of_size.right == 1]),
                five_strong=_share(strong[of_size.right >= BEST]),
                absent_none=_share(none[absent]),
                present_lost=_share(lost[~absent]),
            )
        )
    return found


def auc(present: NDArray[np.floating[Any]], absent: NDArray[np.floating[Any]]) -> float:
    """The probability that a present term has more evidence than an absent one; ties count half."""
    ordered = np.sort(absent)
    below, upto = (np.searchsorted(ordered, present, side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(absent))


def _is_certain(kinds: NDArray[np.int8]) -> bool:
    """Whether the term is certainly present or certainly absent."""
    return bool((kinds == SHOWN).any() or (kinds == ABSENT).all())


def _search(
    scores: NDArray[np.float32], kinds: NDArray[np.int8]
) -> tuple[int, NDArray[np.float32], NDArray[np.int8]]:
    first = np.argsort(-scores, kind="stable")[:_FIRST]
    surplus = (0, _FIRST - len(first))
    return (
        int((kinds == SHOWN).sum()),
        np.pad(scores[first], surplus, mode="edge"),
        np.pad(kinds[first], surplus, constant_values=DOUBTFUL),
    )


def _evidence(trials: Trials, gap: float) -> NDArray[np.float64]:
    """As `Calibration.evidence`, vectorised: [t]."""
    best = trials.scores[:, :BEST].astype(np.float64)
    return np.asarray(np.maximum(best[:, 0] - gap, best.mean(axis=1)))


def _growth(trials: Trials, gap: float, common: float) -> tuple[float, float]:
    """The rise of a threshold when the library grows by a factor of e: above a thousand photos, and below.

    It follows the evidence that 5 % of absent terms exceed, not the mean: terms absent from a large library are rarer,
    with fewer similar photos.
    """
    absent = trials.right == 0
    evidence, sizes = (_evidence(trials, gap) + common * trials.common)[absent], trials.sizes[absent]
    known = np.unique(sizes)
    passed = [np.quantile(evidence[sizes == size], 1 - _FALSE) for size in known]
    folds = np.log(known / TURN)
    terms = np.stack([np.maximum(folds, 0), np.minimum(folds, 0), np.ones_like(folds)], axis=1)
    (beyond, below, _), *_ = np.linalg.lstsq(terms, np.array(passed), rcond=None)
    return max(0.0, float(beyond)), max(0.0, float(below))


def _rises(trials: Trials, growth: float, below: float, common: float) -> NDArray[np.float64]:
    """As `Calibration.rise`, vectorised: [t]."""
    folds = np.log(trials.sizes / TURN)
    return np.asarray(folds * np.where(folds < 0, below, growth) - common * trials.common)


def _behind(trials: Trials) -> NDArray[np.float32]:
    """The score distance of the best right photo, or else the last one considered, from the best photo [t]."""
    right = np.where(trials.shown == SHOWN, trials.scores, trials.scores[:, -1:])
    return np.asarray(trials.scores[:, 0] - right.max(axis=1))


def _best_threshold(level: NDArray[np.float64], kinds: NDArray[np.int8]) -> float:
    """The threshold that best separates right from wrong photos (F1); doubtful ones are ignored."""
    counted = kinds != DOUBTFUL
    values, right = level[counted], kinds[counted] == SHOWN
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + right.sum())
    return float(values[order][f1.argmax()])


def _share(of: NDArray[np.bool_]) -> float:
    return float(of.mean()) if len(of) else float("nan")
