"""Compares the model that a run made with the one it began with, on the same photos and sets."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.data.held_out import is_held_out, pack_library
from mctrain.data.texts import QUERIES
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.measure import measure
from mctrain.evaluation.outcome import TAILS, Answers, resampled
from mctrain.evaluation.report import reported_half
from mctrain.evaluation.retrieval import flattened, right_photos, search_recall
from mctrain.evaluation.search_terms import load_search_terms
from mctrain.evaluation.tasks import find_files
from mctrain.teachers.towers import ModelTeacher
from mctrain.weights.checkpoint import Compared, Trained, load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.tasks import FoundTask
    from mctrain.recipes.tables import HeldOutTable
    from mctrain.training.environment import RunFolders
    from mctrain.weights.checkpoint import Checkpoint

    Vectors = NDArray[np.float32]

APART = "photos kept apart"
_SHARES = (1.0, 0.75, 0.5, 0.25)  # of the new weights


@dataclass(frozen=True, slots=True)
class ComparisonSets:
    """The evaluation of a run: its held-out photos, searched among all in the shard `library`, and public sets."""

    library: Path
    share: float
    sets: tuple[FoundTask, ...]


def find_sets(
    held_out: HeldOutTable, shards: Sequence[Path], folders: RunFolders, scratch: Path
) -> ComparisonSets:
    """The user's photos, packed into `scratch`, and the sets of `folders.data` if given.

    Raises:
        DataError: the photos are too few, or files of a set are missing.
    """
    sets = find_files(folders.tasks, folders.data, scratch) if folders.data else []
    return ComparisonSets(pack_library(shards, held_out.share, scratch), held_out.share, tuple(sets))


def compare_models(
    begun: Checkpoint,
    path: Path,
    asked: ComparisonSets,
    progress: Callable[[int, str], None],
    ancestors: Sequence[Compared] = (),
) -> Trained:
    """Mixes the model of a run with the one it began with, compares them set by set, and writes both into its checkpoint.

    The mix has the largest share of the new weights at which, on the half of the photos that chooses, the user's photos
    are found no worse and no set has lost more than the recipe allows (Wortsman et al. 2022, arXiv 2109.01903); the other
    half is reported. Without such a share the weights stay, with the figures that forbid them. `ancestors` are the
    comparisons of the model that it began with.

    Raises:
        DataError: a file is damaged.
        WeightsError: the checkpoint cannot be written.
    """
    made = load_checkpoint(path)
    assert isinstance(made.origin, Trained)
    before, most_lost = _measure(begun, asked, progress), made.origin.recipe["apart"]["most_lost"]
    earlier, refused = {each.name: each.lost_in_all for each in ancestors}, tuple[Compared, ...]()
    for share in _SHARES:
        mixed = _mix(begun, made, share)
        after = _measure(mixed, asked, progress)
        chosen = _compare(before, after, asked, earlier, reporting=False)
        if all(each.lost <= most_lost for each in chosen) and chosen[0].after >= chosen[0].before:
            compared = _compare(before, after, asked, earlier, reporting=True)
            break
        refused = refused or chosen
    else:
        mixed, share, compared = made, 1.0, refused
    origin = replace(made.origin, compared=compared, share=share)
    save_checkpoint(path, replace(mixed, origin=origin))
    return origin


def _mix(begun: Checkpoint, made: Checkpoint, share: float) -> Checkpoint:
    """The weights on the line between both models; what the run did not change stays the same bit by bit."""
    before, clip = begun.clip.state_dict(), copy.deepcopy(made.clip)
    for name, each in clip.state_dict().items():
        if each.is_floating_point():
            each.copy_(torch.lerp(before[name], each, share))
    return replace(made, clip=clip)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A model's answers about the photos kept apart and about the sets; its vectors of these photos and of everyday words."""

    answers: tuple[Answers, ...]
    photos: Vectors  # [n, dim]
    words: Vectors  # [m, dim]
    scale: float


def _measure(model: Checkpoint, asked: ComparisonSets, progress: Callable[[int, str], None]) -> _Measured:
    evaluated = EvaluatedModel(ModelTeacher(model.clip, model.preset, "", ""), progress)
    gallery = evaluated.gallery([asked.library])
    held_out = np.array([is_held_out(key, asked.share) for key in gallery.keys])
    answers = (_search_held_out(evaluated, asked), *(measure(evaluated, found) for found in asked.sets))
    words = evaluated.texts(everyday_words())
    return _Measured(answers, gallery.vectors[held_out], words, model.clip.scale().item())


def _compare(
    before: _Measured,
    after: _Measured,
    asked: ComparisonSets,
    earlier: Mapping[str, float],
    *,
    reporting: bool,
) -> tuple[Compared, ...]:
    """The comparisons on one half of the photos: those kept apart, everyday words, the sets."""
    halves = [reported_half(each.keys) == reporting for each in before.answers]
    names = (APART, *(found.task.name for found in asked.sets))
    rows = zip(names, before.answers, after.answers, halves, strict=True)
    first, *sets = (compare(name, one, other, half=half) for name, one, other, half in rows)
    photos = before.photos[halves[0]], after.photos[halves[0]]
    others = (overlap(photos, (before.words, after.words), before.scale), *sets)
    return (
        replace(first, group="asked for"),
        *(replace(each, earlier=earlier.get(each.name, 0.0)) for each in others),
    )


def _search_held_out(model: EvaluatedModel, asked: ComparisonSets) -> Answers:
    """Searches for the held-out photos by their captions among all photos; others with the same caption count as found too."""
    gallery = model.gallery([asked.library])
    queries = [each.synthetic[QUERIES] for each in gallery.texts]
    texts, owner = flattened(queries)
    held_out = np.array([is_held_out(key, asked.share) for key in gallery.keys])
    places = np.flatnonzero(held_out[owner])
    vectors = model.texts([texts[place] for place in places])
    right = right_photos(queries)[places]
    shown = held_out | ~right.any(0)  # without photos of the same words that were trained on
    rows = np.cumsum(held_out) - 1
    outcomes = search_recall(gallery.vectors[shown], vectors, rows[owner[places]], right[:, shown])
    keys = tuple(key for key, each in zip(gallery.keys, held_out, strict=True) if each)
    return Answers(keys, len(places), tuple(outcomes))


def everyday_words() -> list[str]:
    """Common search words."""
    return [term.query for term in load_search_terms()]


def overlap(photos: tuple[Vectors, Vectors], words: tuple[Vectors, Vectors], scale: float) -> Compared:
    """Common searches on the user's photos, from vectors [n, dim] of photos that neither model was trained on and
    [m, dim] of the words, before and after.

    These photos have no labels. So the figure is how much of the old model's answer remains: the overlap of both models'
    word probabilities per photo, by the softmax at the model's `scale`.
    """
    before, after = (
        torch.from_numpy(scale * some @ terms.T).softmax(1) for some, terms in zip(photos, words, strict=True)
    )
    shared = 100 * float(torch.minimum(before, after).sum(1).mean())
    return Compared("everyday words", len(before), 100.0, shared, group="ordinary searches")


def compare(name: str, before: Answers, after: Answers, *, half: NDArray[np.bool_] | None = None) -> Compared:
    """Compares both models' answers on one set or on a half [photos] of it, with the 95 % interval of the difference."""
    pairs = zip(after.outcomes, before.outcomes, strict=True)
    apart = np.mean([resampled(one, half) - resampled(other, half) for one, other in pairs], axis=0)
    drawn = apart[~np.isnan(apart)]  # some resamples hold no photo of a small half
    low, high = np.percentile(drawn, TAILS).tolist() if len(drawn) else (None, None)
    count = len(before.keys) if half is None else int(half.sum())
    figures = _mean(before, half), _mean(after, half)
    return Compared(name, count, *figures, before.less_is_better, low=low, high=high)


def _mean(answers: Answers, half: NDArray[np.bool_] | None) -> float:
    """The mean of all figures of a set, since one figure on a few photos says little; NaN if one is missing."""
    figures = [each.percent(half) for each in answers.outcomes]
    return float(np.mean([np.nan if each is None else each for each in figures]))
