"""Calibrates a bundle: its graphs embed the evaluation sets and the search terms, and its manifest stores the thresholds."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mctrain.atomic_files import open_atomic
from mctrain.data.blanks import TRAINING, pack_blanks
from mctrain.data.held_out import pack_everyday, training_searches
from mctrain.data.shard_names import find_shards
from mctrain.data.texts import QUERIES
from mctrain.errors import DataError
from mctrain.evaluation.evaluated_model import EvaluatedModel, Gallery
from mctrain.evaluation.report import reported_half
from mctrain.evaluation.retrieval import flattened, right_photos
from mctrain.evaluation.search_terms import DOUBTFUL, SHOWN, load_search_terms, presence
from mctrain.export.thresholds import SIZES, LibraryResult, TermScores, draw_trials, fit, measure
from mctrain.teachers.teacher import BundleTeacher
from picsight_engine.bundles.bundle import MANIFEST, manifest_text, open_bundle
from picsight_engine.bundles.calibration import Blankness, Likeness, vector_text
from picsight_engine.bundles.commonness import commonness
from picsight_engine.bundles.writable_folder import require_writable
from picsight_engine.photos.colours import named_colours, nats_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import RankedBy
    from picsight_engine.bundles.calibration import Calibration

    Vectors = NDArray[np.float32]


_RIDGE = 1e-4  # added to the variance, for directions without any
_WEIGHT = 0.3


SETS = ("flickr8k-dev-*.tar", "caltech101-eval-*.tar", "imagenet-sample-*.tar")  # and everyday-dev
_BLANKS = 1000
# of pairs above the cosines for strong and weaker matches, these shares show one term
_ALIKE = 0.6, 0.25
_SPECIFIC = 200  # most photos that may show a term that makes pairs alike
_SEARCHES = 1500  # whose mean is the centre
_COLOURS = np.linspace(0, 0.06, 25).round(4)
_LARGEST = 4000  # most photos of both halves, for which the growth is checked


def fit_blankness(photos: Vectors, blanks: Vectors, terms: Vectors, asking: Vectors) -> Blankness:
    """Fits the blank detector from unit vectors: photos [n, dim], blanks [b, dim], search terms [m, dim], and words for blanks.

    Both directions are Fisher's linear discriminants, scaled so that the two means are 1 apart. The threshold for photos is
    the most extreme photo, to four digits; words ask for blanks beyond the midpoint of the two means.
    """
    axis, words = _discriminant(photos, blanks), _discriminant(terms, asking)
    return Blankness(
        direction=vector_text(axis),
        cut=round(float((photos @ axis).max()), 4),
        weight=_WEIGHT,
        words=vector_text(words),
        asked=round(float((terms.mean(axis=0) + asking.mean(axis=0)) @ words / 2), 4),
    )


def _discriminant(some: Vectors, others: Vectors) -> Vectors:
    """The direction [dim] from some vectors to others."""
    apart = others.mean(axis=0) - some.mean(axis=0)
    within = (np.cov(some.T) + np.cov(others.T)) / 2
    axis = np.linalg.solve(within + _RIDGE * np.eye(len(apart)), apart)
    direction: Vectors = axis / (apart @ axis)
    return direction


def calibrate_bundle(
    folder: Path, data: Path, progress: Callable[[int, str], None]
) -> tuple[Calibration, list[LibraryResult]]:
    """Fits what ranks, a bundle's calibration, its likeness of photos and its blank detector, writes them into the manifest,
    and returns the calibration's accuracy.

    Raises:
        BundleError: the bundle is damaged, or holds one tower only.
        StorageError: the bundle is not writable.
        DataError: an evaluation set is missing or damaged, or they hold too few photos.
    """
    bundle = open_bundle(folder, hashes=True)
    require_writable(folder)
    terms = load_search_terms()
    teacher = BundleTeacher(folder)
    model = EvaluatedModel(teacher, progress)
    *galleries, everyday = evaluation_galleries(model, data)
    ranked_by, colour = fit_ranking(everyday, teacher)
    galleries.append(everyday)
    queries = [each.query for each in terms]
    photos, wanted = np.concatenate([each.vectors for each in galleries]), teacher.terms(queries)
    centre = teacher.texts(training_searches(data, _SEARCHES)).mean(axis=0)
    scores = (wanted - centre) @ photos.T
    shown = presence(terms, [words for each in galleries for words in each.texts])
    report_photos = np.concatenate([reported_half(each.keys) for each in galleries])
    if min(report_photos.sum(), (~report_photos).sum()) < SIZES[-1]:
        raise DataError(
            f"The evaluation sets in {data} hold {len(report_photos)} photos, but a calibration needs at least {SIZES[-1]} in each "
            "half; add the missing sets."
        )
    found = TermScores(scores, shown, np.array(list(map(commonness, queries))))
    calibration, measured = fit_halves(found, reported_half(queries), report_photos)
    calibration = replace(calibration, colour=colour, centre=vector_text(centre))
    with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        blanks = model.gallery([pack_blanks(TRAINING, _BLANKS, Path(scratch))])
    asking = dict.fromkeys(query for each in blanks.texts for query in each.synthetic[QUERIES])
    likeness, alike = fit_likeness(photos, shown)
    provenance = {
        "alike": [round(each, 4) for each in alike],
        "things": len(terms),
        "sets": [*SETS, "everyday-dev"],
        "measured": [each.as_dict() for each in measured],
    }
    manifest = replace(
        bundle.manifest,
        text=replace(bundle.text_spec(), ranked_by=ranked_by),
        calibration=calibration,
        likeness=likeness,
        blankness=fit_blankness(
            photos[~report_photos], blanks.vectors, wanted[~reported_half(queries)], teacher.terms([*asking])
        ),
        provenance={**bundle.manifest.provenance, "calibration": provenance},
    )
    with open_atomic(folder / MANIFEST) as file:
        file.write(manifest_text(manifest))
    return calibration, measured


def fit_ranking(everyday: Gallery, teacher: BundleTeacher) -> tuple[RankedBy, float]:
    """Whether templates rank, and the weight of colours, by the mean reciprocal rank on the choosing half of the photos."""
    queries = [each.synthetic[QUERIES] for each in everyday.texts]
    texts, owner = flattened(queries)
    chosen = ~reported_half(everyday.keys)[owner]
    asked = [text for text, kept in zip(texts, chosen, strict=True) if kept]
    right = right_photos(queries)[chosen]

    def quality(scores: Vectors, rows: NDArray[np.bool_]) -> float:
        best = np.where(right[rows], scores, -np.inf).max(axis=1)
        return float((1 / (1 + (~right[rows] & (scores >= best[:, None])).sum(axis=1))).mean())

    every = np.ones(len(asked), np.bool_)
    embedded: dict[RankedBy, Vectors] = {"words": teacher.texts(asked), "templates": teacher.terms(asked)}
    products = {name: each @ everyday.vectors.T for name, each in embedded.items()}
    best = max(products, key=lambda name: quality(products[name], every))
    columns = [named_colours(text) for text in asked]
    named = np.array([bool(each) for each in columns])
    assert everyday.colours is not None, "a gallery read from files is measured"
    nats = np.stack([nats_of(everyday.colours, each) for each in columns if each])
    weight = max(_COLOURS, key=lambda weight: quality(products[best][named] - weight * nats, named))
    return best, float(weight)


def fit_likeness(photos: Vectors, shown: NDArray[np.int8]) -> tuple[Likeness, tuple[float, float]]:
    """Fits from which cosine on photos [n, dim] are like one another, on the even rows, by the terms that both show
    [terms, n]; returns it with the shares of pairs of odd rows above each cosine that share one.

    Pairs of which captions leave that in doubt do not count, nor do terms that nearly every library shows.
    """
    specific = shown[(shown == SHOWN).sum(axis=1) <= _SPECIFIC]

    def pairs(rows: slice) -> tuple[Vectors, NDArray[np.bool_]]:
        upper = np.triu_indices(len(photos[rows]), 1)
        alike, doubtful = (
            (specific_of.T @ specific_of)[upper] > 0
            for specific_of in (
                (specific[:, rows] >= least).astype(np.float32) for least in (SHOWN, DOUBTFUL)
            )
        )
        judged = alike | ~doubtful
        return (photos[rows] @ photos[rows].T)[upper][judged], alike[judged]

    cosines, alike = pairs(slice(0, None, 2))
    order = np.argsort(-cosines)
    right = np.cumsum(alike[order]) / np.arange(1, len(order) + 1)
    thresholds = [round(float(cosines[order][np.flatnonzero(right >= share)[-1]]), 2) for share in _ALIKE]
    others, alike = pairs(slice(1, None, 2))
    strong, weaker = (float(alike[others >= threshold].mean()) for threshold in thresholds)
    return Likeness(*thresholds), (strong, weaker)


def evaluation_galleries(model: EvaluatedModel, data: Path) -> list[Gallery]:
    """The photos of the evaluation sets, one gallery per set."""
    with tempfile.TemporaryDirectory(prefix="mctrain-") as scratch:
        everyday = pack_everyday(data, Path(scratch))
        return [
            model.gallery(shards) for shards in (*(find_shards(data, [each]) for each in SETS), [everyday])
        ]


def fit_halves(
    scores: TermScores, report_terms: NDArray[np.bool_], report_photos: NDArray[np.bool_]
) -> tuple[Calibration, list[LibraryResult]]:
    """Fits on one half of the terms and photos and measures on the other; then on the other half's terms and all photos."""
    chosen, others, all_photos = (
        scores.of(terms, photos)
        for terms, photos in (
            (~report_terms, ~report_photos),
            (report_terms, report_photos),
            (report_terms, np.ones_like(report_photos)),
        )
    )
    calibration = fit(draw_trials(chosen, SIZES))
    measured = measure(draw_trials(others, SIZES), calibration)
    if len(report_photos) >= _LARGEST:
        measured += measure(draw_trials(all_photos, [_LARGEST]), calibration)
    return calibration, measured
